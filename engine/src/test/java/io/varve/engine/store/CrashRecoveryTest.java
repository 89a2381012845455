package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.BlockStore;
import io.varve.engine.IoStatus;
import io.varve.engine.SnapshotId;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import io.varve.engine.io.SimulatedCrash;
import io.varve.engine.io.SimulatedDisk;
import io.varve.engine.io.SimulatedScheduler;
import io.varve.engine.io.SimulatedThreads;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/**
 * Random requests of 512 bytes and 4 KiB on the same few blocks, a crash at a random operation of the disk, and what is
 * there afterwards: a prefix of the log order that holds everything acknowledged (process kill) or flushed (power loss).
 * Requests are made one after the other, so that the log order is the order of the requests.
 */
class CrashRecoveryTest {
    private static final int SEEDS = Integer.getInteger("varve.crash.seeds", 200);
    private static final int BLOCKS = 6;
    private static final int BYTES = BLOCKS * 4096;
    private static final VolumeId VOLUME = new VolumeId(1, 1);

    @Test
    void aCrashLeavesAPrefixThatHoldsWhatWasPromised() {
        for (int seed = 0; seed < SEEDS; seed++) {
            new Run(seed).go();
        }
    }

    /** One seed. */
    private static final class Run {
        private final long seed;
        private final SplittableRandom random;
        private final List<byte[]> history = new ArrayList<>();
        private final Map<SnapshotId, byte[]> snapshots = new LinkedHashMap<>();
        private final SimulatedDisk disk;
        private SimulatedScheduler scheduler;
        private int acknowledged;
        private int flushed;

        Run(long seed) {
            this.seed = seed;
            random = new SplittableRandom(seed);
            scheduler = new SimulatedScheduler(seed);
            disk = new SimulatedDisk(scheduler, seed, 1L << 30);
            history.add(new byte[BYTES]);
        }

        void go() {
            BlockStore store = open();
            await(store.createVolume(VOLUME, BlockStore.MIN_VOLUME_BYTES));
            for (int life = 0; life < 3; life++) {
                boolean kill = random.nextBoolean();
                disk.crashAfter(1 + random.nextInt(60));
                try {
                    work(store);
                } catch (SimulatedCrash expected) {
                    // the end of this life
                }
                store = restart(kill);
                verify(store, kill ? acknowledged : flushed);
            }
        }

        private BlockStore open() {
            return StoreEngine.open(disk, StoreOptions.DEFAULT, new SimulatedThreads(scheduler, 1));
        }

        private BlockStore restart(boolean kill) {
            for (int attempt = 0; ; attempt++) {
                scheduler = new SimulatedScheduler(random.nextLong(), scheduler.nanoTime());
                if (kill) {
                    disk.processKill(scheduler);
                } else {
                    disk.powerLoss(scheduler);
                }
                if (attempt < 2 && random.nextInt(3) == 0) {
                    disk.crashAfter(1 + random.nextInt(10));
                    try {
                        return open();
                    } catch (SimulatedCrash expected) {
                        continue; // a crash during recovery
                    }
                }
                return open();
            }
        }

        private void work(BlockStore store) {
            Volume volume = await(store.open(VOLUME));
            while (true) {
                switch (random.nextInt(12)) {
                    case 0 -> request(volume, done -> volume.flush(done), () -> flushed = acknowledged);
                    case 1 -> trim(volume);
                    case 2 -> zero(volume);
                    case 3 -> snapshot(store);
                    case 4 -> await(store.checkpoint());
                    default -> write(volume);
                }
            }
        }

        private void write(Volume volume) {
            int unit = random.nextBoolean() ? 512 : 4096;
            int length = unit * (1 + random.nextInt(3));
            int offset = unit * random.nextInt((BYTES - length) / unit + 1);
            byte[] next = state().clone();
            byte value = (byte) (1 + random.nextInt(250));
            Arrays.fill(next, offset, offset + length, value);
            ByteBuffer source = ByteBuffer.allocateDirect(length);
            source.put(next, offset, length).flip();
            boolean fua = random.nextInt(4) == 0;
            change(volume, next, fua, done -> volume.write(offset, source, fua, done));
        }

        private void trim(Volume volume) {
            int block = random.nextInt(BLOCKS);
            byte[] next = state().clone();
            Arrays.fill(next, block * 4096, (block + 1) * 4096, (byte) 0);
            change(volume, next, false, done -> volume.trim(block * 4096L, 4096, false, done));
        }

        private void zero(Volume volume) {
            int offset = 512 * random.nextInt(BYTES / 512 - 12);
            int length = 512 * (1 + random.nextInt(12));
            byte[] next = state().clone();
            Arrays.fill(next, offset, offset + length, (byte) 0);
            change(volume, next, true, done -> volume.writeZeroes(offset, length, false, true, done));
        }

        private void snapshot(BlockStore store) {
            SnapshotId id = SnapshotId.random(random);
            byte[] now = state();
            int upTo = acknowledged;
            await(store.createSnapshot(id, VOLUME));
            snapshots.put(id, now);
            flushed = Math.max(flushed, upTo);
        }

        private void change(Volume volume, byte[] next, boolean fua, java.util.function.Consumer<Done> call) {
            history.add(next);
            int index = history.size() - 1;
            request(volume, call, () -> {
                acknowledged = index;
                flushed = fua ? index : flushed;
            });
        }

        private void request(Volume volume, java.util.function.Consumer<Done> call, Runnable whenDone) {
            CompletableFuture<IoStatus> result = new CompletableFuture<>();
            volume.loop().execute(() -> {
                call.accept(result::complete);
                volume.submit();
            });
            assertThat(await(result)).as("seed %d", seed).isEqualTo(IoStatus.OK);
            whenDone.run();
        }

        /** A completion under another name, so that lambdas read well. */
        private interface Done extends io.varve.engine.Completion {}

        private byte[] state() {
            return history.get(history.size() - 1);
        }

        private void verify(BlockStore store, int atLeast) {
            byte[] found = read(await(store.open(VOLUME)));
            int index = history.size() - 1;
            while (index >= atLeast && !Arrays.equals(history.get(index), found)) {
                index--;
            }
            assertThat(index).as("seed %d: no state from %d on", seed, atLeast).isGreaterThanOrEqualTo(atLeast);
            snapshots.forEach((id, content) -> {
                Volume snapshot = await(store.openSnapshot(id));
                assertThat(read(snapshot)).as("seed %d: %s", seed, id).isEqualTo(content);
                snapshot.release();
            });
            history.clear();
            history.add(found);
            acknowledged = 0;
            flushed = 0;
        }

        private byte[] read(Volume volume) {
            ByteBuffer into = ByteBuffer.allocateDirect(BYTES);
            CompletableFuture<IoStatus> result = new CompletableFuture<>();
            volume.loop().execute(() -> {
                volume.read(0, into, result::complete);
                volume.submit();
            });
            assertThat(await(result)).as("seed %d", seed).isEqualTo(IoStatus.OK);
            byte[] bytes = new byte[BYTES];
            into.get(0, bytes);
            return bytes;
        }

        private <T> T await(CompletableFuture<T> future) {
            scheduler.runUntil(future::isDone);
            return future.join();
        }
    }
}
