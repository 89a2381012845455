package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.varve.engine.BlockStore;
import io.varve.engine.EngineThreads;
import io.varve.engine.Finding;
import io.varve.engine.IoStatus;
import io.varve.engine.SnapshotId;
import io.varve.engine.SnapshotRecord;
import io.varve.engine.StoreException;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import io.varve.engine.VolumeLoop;
import io.varve.engine.io.SimulatedCrash;
import io.varve.engine.io.SimulatedDisk;
import io.varve.engine.io.SimulatedScheduler;
import io.varve.engine.io.SimulatedThreads;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.junit.jupiter.api.Test;

/**
 * Snapshots of several volumes at one instant: what one shows and another must show too is in both, and all exist or
 * none.
 */
class GroupSnapshotTest {
    private static final int BLOCK = BlockStore.BLOCK_BYTES;
    private static final int VOLUMES = 3;
    private static final int SEEDS = 60;

    private SimulatedScheduler scheduler = new SimulatedScheduler(1);
    private SimulatedDisk disk = new SimulatedDisk(scheduler, 1, 1L << 30);
    private BlockStore store;
    private final List<Volume> volumes = new ArrayList<>();
    /** The last number that was written, and the last that was answered. */
    private int written;

    private int answered;

    private void start(long seed) {
        scheduler = new SimulatedScheduler(seed);
        disk = new SimulatedDisk(scheduler, seed, 1L << 30);
        open();
        written = 0;
        answered = 0;
        for (int i = 0; i < VOLUMES; i++) {
            await(store.createVolume(volumeId(i), 1L << 20));
        }
        openVolumes();
    }

    private void open() {
        EngineThreads threads = new SlowHandOver(scheduler, new SimulatedThreads(scheduler, VOLUMES));
        store = StoreEngine.open(disk, StoreOptions.DEFAULT.withBallast(0), threads);
    }

    private void openVolumes() {
        volumes.clear();
        for (int i = 0; i < VOLUMES; i++) {
            volumes.add(await(store.open(volumeId(i))));
        }
    }

    private static VolumeId volumeId(int i) {
        return new VolumeId(1, i);
    }

    private static SnapshotId snapshotId(int group, int i) {
        return new SnapshotId(2, 100L * group + i);
    }

    private static Map<VolumeId, SnapshotId> group(int group) {
        Map<VolumeId, SnapshotId> wanted = new LinkedHashMap<>();
        for (int i = 0; i < VOLUMES; i++) {
            wanted.put(volumeId(i), snapshotId(group, i));
        }
        return wanted;
    }

    private <T> T await(CompletableFuture<T> future) {
        scheduler.runUntil(future::isDone);
        return future.join();
    }

    /** A client writes 1 to the first volume, once that is answered 2 to the second, and so on, round and round. */
    private void writeOn(int until) {
        if (written < until) {
            int number = ++written;
            Volume volume = volumes.get(number % VOLUMES);
            ((SlowHandOver.Loop) volume.loop()).atOnce(() -> {
                volume.write(0, ByteBuffer.allocateDirect(BLOCK).putInt(0, number), false, status -> {
                    if (status == IoStatus.OK) {
                        answered = number;
                        writeOn(until);
                    }
                });
                volume.submit();
            });
        }
    }

    /** Two rows of one id would be two snapshots of which only one can ever be deleted. */
    @Test
    void anIdThatIsBeingTakenIsRefused() {
        start(1);
        CompletableFuture<SnapshotRecord> first = store.createSnapshot(snapshotId(1, 0), volumeId(0));

        CompletableFuture<SnapshotRecord> second = store.createSnapshot(snapshotId(1, 0), volumeId(1));
        CompletableFuture<List<SnapshotRecord>> group = store.createSnapshots(group(1));

        await(first);
        assertThat(second).isCompletedExceptionally();
        assertThat(group).isCompletedExceptionally();
        await(store.checkpoint());
        assertThat(store.snapshots()).hasSize(1);
        await(store.createSnapshots(group(2)));
    }

    /**
     * The newest of a volume's snapshots says which pages are still needed: the wrong one, and the others lose theirs.
     */
    @Test
    void aSnapshotTakenMeanwhileStandsInItsPlace() {
        for (int steps = 0; steps < 3 * SEEDS; steps++) {
            start(1 + steps % SEEDS);
            writeOn(200);
            scheduler.runUntil(() -> answered == 10);
            CompletableFuture<List<SnapshotRecord>> group = store.createSnapshots(group(0));
            for (int i = 0; i < steps; i++) {
                scheduler.runOne();
            }
            CompletableFuture<SnapshotRecord> single = store.createSnapshot(snapshotId(1, 0), volumeId(0));
            CompletableFuture<IoStatus> between = writeSecondBlock();
            await(CompletableFuture.allOf(group, single, between));
            await(store.checkpoint());
            await(writeSecondBlock());
            settle();

            assertThat(StoreInspection.check(disk, true).findings())
                    .as("after %d steps", steps)
                    .noneMatch(finding -> finding.severity() != Finding.Severity.NOTE);
            consistentCut(0);
        }
    }

    private CompletableFuture<IoStatus> writeSecondBlock() {
        CompletableFuture<IoStatus> done = new CompletableFuture<>();
        Volume volume = volumes.get(0);
        volume.loop().execute(() -> {
            volume.write(BLOCK, ByteBuffer.allocateDirect(BLOCK), false, done::complete);
            volume.submit();
        });
        return done;
    }

    private int numberIn(Volume volume) {
        ByteBuffer into = ByteBuffer.allocateDirect(BLOCK);
        CompletableFuture<IoStatus> read = new CompletableFuture<>();
        volume.loop().execute(() -> {
            volume.read(0, into, read::complete);
            volume.submit();
        });
        assertThat(await(read)).isEqualTo(IoStatus.OK);
        return into.getInt(0);
    }

    /** The last number that the snapshots hold, none before which is missing. */
    private int consistentCut(int group) {
        int[] numbers = new int[VOLUMES];
        int cut = 0;
        for (int i = 0; i < VOLUMES; i++) {
            Volume snapshot = await(store.openSnapshot(snapshotId(group, i)));
            numbers[i] = numberIn(snapshot);
            cut = Math.max(cut, numbers[i]);
            snapshot.release();
        }
        for (int number = Math.max(1, cut - VOLUMES + 1); number <= cut; number++) {
            assertThat(numbers[number % VOLUMES])
                    .as("volume %d, cut at %d", number % VOLUMES, cut)
                    .isEqualTo(number);
        }
        return cut;
    }

    @Test
    void aSequenceOverSeveralVolumesIsCutAtOneInstant() {
        for (long seed = 1; seed <= SEEDS; seed++) {
            start(seed);
            writeOn(200);
            for (int group = 0; group < 3; group++) {
                int until = 20 + 40 * group;
                scheduler.runUntil(() -> answered >= until);
                int answeredBefore = answered;
                List<SnapshotRecord> taken = await(store.createSnapshots(group(group)));
                int writtenAfter = written;
                assertThat(taken).hasSize(VOLUMES);
                if (group == 1) {
                    await(store.checkpoint());
                }
                assertThat(consistentCut(group)).isBetween(answeredBefore, writtenAfter);
            }
            scheduler.runUntil(() -> answered == 200);
        }
    }

    @Test
    void aCrashInTheMiddleLeavesAllOrNone() {
        int all = 0;
        int none = 0;
        for (int crashAt = 1; crashAt <= SEEDS; crashAt++) {
            start(crashAt);
            writeOn(30);
            scheduler.runUntil(() -> answered == 30);
            if (crashAt % 2 == 0) {
                await(store.checkpoint());
            }
            boolean taken = false;
            disk.crashAfter(1 + crashAt / 3);
            try {
                writeOn(60);
                CompletableFuture<List<SnapshotRecord>> group = store.createSnapshots(group(0));
                if (crashAt % 4 < 2) {
                    CompletableFuture<Void> unused = store.checkpoint();
                }
                scheduler.runUntil(() -> group.isDone() && answered == 60);
                taken = !group.isCompletedExceptionally();
                await(store.checkpoint());
                await(store.checkpoint());
            } catch (SimulatedCrash expected) {
                // in the middle
            }
            restart();

            assertThat(store.snapshots().size())
                    .as("crash at %d", crashAt)
                    .isIn(taken ? List.of(VOLUMES) : List.of(0, VOLUMES));
            if (store.snapshots().isEmpty()) {
                none++;
            } else {
                all++;
                consistentCut(0);
            }
            settle();
            assertThat(StoreInspection.check(disk, true).findings())
                    .noneMatch(finding -> finding.severity() != Finding.Severity.NOTE);
        }
        assertThat(none).isPositive();
        assertThat(all).isPositive();
    }

    private void restart() {
        disk.crashAfter(0);
        scheduler = new SimulatedScheduler(scheduler.nanoTime() + 7, scheduler.nanoTime());
        disk.powerLoss(scheduler);
        open();
    }

    private void settle() {
        for (int i = 0; i < 3; i++) {
            await(store.checkpoint());
        }
    }

    @Test
    void oneOfAGroupCanBeDeletedAndTheOthersStay() {
        start(1);
        writeOn(10);
        scheduler.runUntil(() -> answered == 10);
        await(store.createSnapshots(group(0)));

        await(store.deleteSnapshot(snapshotId(0, 1)));
        restart();

        assertThat(store.snapshots())
                .extracting(SnapshotRecord::id)
                .containsExactlyInAnyOrder(snapshotId(0, 0), snapshotId(0, 2));
        settle();
        restart();
        assertThat(store.snapshots()).hasSize(2);
    }

    @Test
    void theLogOfAMemberThatFailsLeavesNone() {
        start(1);
        writeOn(10);
        scheduler.runUntil(() -> answered == 10);
        await(store.checkpoint());
        disk.failNext(SimulatedDisk.Operation.SYNC, "segments/.*");

        assertThatThrownBy(() -> await(store.createSnapshots(group(0))))
                .hasCauseInstanceOf(StoreException.class)
                .hasMessageContaining("no snapshot of a group");

        assertThat(store.snapshots()).isEmpty();
        restart();
        assertThat(store.snapshots()).isEmpty();
        openVolumes();
        await(store.createSnapshots(group(1)));
        assertThat(store.snapshots()).hasSize(VOLUMES);
    }

    @Test
    void whatCannotBeAGroupIsRefused() {
        start(1);
        Map<VolumeId, SnapshotId> twice = Map.of(volumeId(0), snapshotId(0, 0), volumeId(1), snapshotId(0, 0));
        Map<VolumeId, SnapshotId> unknown = Map.of(volumeId(0), snapshotId(0, 0), volumeId(9), snapshotId(0, 1));
        Map<VolumeId, SnapshotId> many = new LinkedHashMap<>();
        for (int i = 0; i <= BlockStore.MOST_SNAPSHOTS_AT_ONCE; i++) {
            many.put(volumeId(i), snapshotId(1, i));
        }
        assertRefused(Map.of(), StoreException.Kind.INVALID);
        assertRefused(twice, StoreException.Kind.INVALID);
        assertRefused(many, StoreException.Kind.INVALID);
        assertRefused(unknown, StoreException.Kind.VOLUME_NOT_FOUND);
        await(store.createSnapshots(group(0)));
        assertRefused(group(0), StoreException.Kind.ALREADY_EXISTS);
    }

    private void assertRefused(Map<VolumeId, SnapshotId> wanted, StoreException.Kind kind) {
        assertThatThrownBy(() -> await(store.createSnapshots(wanted)))
                .cause()
                .isInstanceOfSatisfying(
                        StoreException.class, e -> assertThat(e.kind()).isEqualTo(kind));
    }

    /** Threads whose loops get to know late, each at its own time, what other threads want of them. */
    private record SlowHandOver(SimulatedScheduler scheduler, EngineThreads threads) implements EngineThreads {
        private record Loop(VolumeLoop loop, Executor way) implements VolumeLoop {
            void atOnce(Runnable task) {
                loop.execute(task);
            }

            @Override
            public void execute(Runnable task) {
                way.execute(() -> way.execute(() -> loop.execute(task)));
            }

            @Override
            public boolean inLoop() {
                return loop.inLoop();
            }

            @Override
            public void schedule(Runnable task, long nanos) {
                loop.schedule(task, nanos);
            }
        }

        @Override
        public VolumeLoop nextLoop() {
            return new Loop(threads.nextLoop(), scheduler.newQueue("way"));
        }

        @Override
        public Executor accountant() {
            return threads.accountant();
        }

        @Override
        public Executor background() {
            return threads.background();
        }

        @Override
        public <T> T await(CompletableFuture<T> future) {
            return threads.await(future);
        }

        @Override
        public long nanoTime() {
            return threads.nanoTime();
        }

        @Override
        public Instant now() {
            return threads.now();
        }
    }
}
