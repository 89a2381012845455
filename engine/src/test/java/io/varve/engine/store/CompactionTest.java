package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.BlockStore;
import io.varve.engine.CompactionCounters;
import io.varve.engine.IoStatus;
import io.varve.engine.SnapshotId;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Space that is dead in part comes back, and nobody who reads notices. */
class CompactionTest {
    private static final int BLOCK = 4096;
    private static final int BLOCKS = 4096;
    private static final long VOLUME_BYTES = 1L << 30;
    private static final long LIVE_BYTES = (long) BLOCKS * BLOCK;
    /** The segment being written, recycled files, and dead bytes that are not worth a container. */
    private static final long OVERHEAD_BYTES = 6 << 20;

    private static final VolumeId ID = new VolumeId(1, 1);
    private static final SnapshotId SHOT = new SnapshotId(1, 1);

    private final SimulatedStore simulated =
            new SimulatedStore(1L << 30, new StoreOptions(8 << 20, 2 << 20, 2 << 20, 4 << 20, 1 << 20));
    private final SplittableRandom random = new SplittableRandom(1);
    private final int[] versions = new int[BLOCKS];
    private Volume volume;
    private boolean compressible;

    @BeforeEach
    void create() {
        simulated.await(store().createVolume(ID, VOLUME_BYTES));
        volume = simulated.await(store().open(ID));
    }

    @AfterEach
    void recount() {
        store().close();
        assertThat(StoreInspection.check(simulated.disk, true).findings())
                .as("but for blocks that a test has damaged")
                .allMatch(finding -> finding.what().endsWith("does not match its check value"));
    }

    @Test
    void randomOverwritesDoNotGrowTheStoreForEver() {
        fill();
        for (int round = 0; round < 5; round++) {
            overwrite(BLOCKS);
        }
        assertThat(fileBytes()).isLessThan(2 * LIVE_BYTES);

        simulated.rest(60);

        assertThat(fileBytes()).isLessThan(LIVE_BYTES + LIVE_BYTES / 10 + OVERHEAD_BYTES);
        check(volume, versions);
    }

    @Test
    void whatWasMovedIsThereAfterARestart() {
        fill();
        overwrite(BLOCKS);
        simulated.rest(60);
        assertThat(movedBlocks()).isPositive();

        simulated.restart();

        check(simulated.await(store().open(ID)), versions);
    }

    /** Frames of 16 blocks: every second one is not worth packing. */
    @Test
    void oneReadCrossesPackedAndPlainFrames() {
        int run = 32 * BLOCK;
        long dead = VOLUME_BYTES / 2;
        for (int i = 0; i < 64; i++) {
            assertThat(write((long) i * run, halfPacked(i))).isEqualTo(IoStatus.OK);
            assertThat(write(dead + (long) i * run, halfPacked(i))).isEqualTo(IoStatus.OK);
        }
        assertThat(simulated.call(volume, (opened, done) -> opened.trim(dead, 64L * run, false, done)))
                .isEqualTo(IoStatus.OK);
        simulated.rest(60);
        assertThat(movedBlocks()).isPositive();

        for (int waiting : new int[] {0, 100}) {
            simulated.disk.setWouldBlockPercent(waiting);
            for (int i = 0; i < 64; i++) {
                ByteBuffer into = ByteBuffer.allocateDirect(run);
                long offset = (long) i * run;
                assertThat(simulated.call(volume, (opened, done) -> opened.read(offset, into, done)))
                        .isEqualTo(IoStatus.OK);
                assertThat(into).as("run %d", i).isEqualTo(halfPacked(i));
            }
        }
    }

    private IoStatus write(long offset, ByteBuffer source) {
        return simulated.call(volume, (opened, done) -> opened.write(offset, source, false, done));
    }

    private static ByteBuffer halfPacked(int seed) {
        SplittableRandom noise = new SplittableRandom(seed);
        ByteBuffer bytes = ByteBuffer.allocateDirect(32 * BLOCK);
        for (int at = 0; at < bytes.capacity(); at += Long.BYTES) {
            bytes.putLong(at, at / (16 * BLOCK) == seed % 2 ? seed : noise.nextLong());
        }
        return bytes;
    }

    @Test
    void powerLossRightAfterMovingLosesNothing() {
        for (int crash = 1; crash < 400; crash += 13) {
            SimulatedStore another =
                    new SimulatedStore(1L << 30, new StoreOptions(8 << 20, 2 << 20, 2 << 20, 4 << 20, 1 << 20));
            another.await(another.store().createVolume(ID, VOLUME_BYTES));
            Volume written = another.await(another.store().open(ID));
            for (int i = 0; i < 2048; i++) {
                write(another, written, i % 1024, 1 + i / 1024);
                if (i % 2 == 1 && i > 1024) {
                    write(another, written, i % 512, 2);
                }
            }
            assertThat(another.flush(written)).isEqualTo(IoStatus.OK);
            another.powerLossWithin(crash, 60);

            Volume again = another.await(another.store().open(ID));
            for (int i = 0; i < 1024; i++) {
                assertThat(read(another, again, i))
                        .as("block %s, crash %s", i, crash)
                        .isEqualTo(content(i, 2));
            }
        }
    }

    @Test
    void snapshotsAndClonesReadTheSameBeforeAndAfter() {
        fill();
        overwrite(BLOCKS / 2);
        simulated.await(store().createSnapshot(SHOT, ID));
        int[] then = versions.clone();
        VolumeId cloneId = new VolumeId(1, 2);
        simulated.await(store().cloneVolume(cloneId, VOLUME_BYTES, SHOT));
        overwrite(BLOCKS);
        overwrite(BLOCKS);

        simulated.rest(60);

        assertThat(movedBlocks()).isPositive();
        check(volume, versions);
        check(simulated.await(store().openSnapshot(SHOT)), then);
        check(simulated.await(store().open(cloneId)), then);
    }

    @Test
    void whatOnlyADeletedSnapshotHeldIsNotCopied() {
        fill();
        simulated.await(store().createSnapshot(SHOT, ID));
        overwrite(BLOCKS);
        overwrite(BLOCKS);
        simulated.await(store().deleteSnapshot(SHOT));

        simulated.rest(60);

        assertThat(fileBytes()).isLessThan(LIVE_BYTES + LIVE_BYTES / 10 + OVERHEAD_BYTES);
        check(volume, versions);
    }

    @Test
    void whatNoCloneReadsOfADeletedSnapshotComesBack() {
        fill();
        simulated.await(store().createSnapshot(SHOT, ID));
        VolumeId first = new VolumeId(1, 2);
        VolumeId second = new VolumeId(1, 3);
        simulated.await(store().cloneVolume(first, VOLUME_BYTES, SHOT));
        simulated.await(store().cloneVolume(second, VOLUME_BYTES, SHOT));
        volume.release();
        simulated.await(store().deleteVolume(ID));
        simulated.await(store().deleteSnapshot(SHOT));
        volume = simulated.await(store().open(first));
        int[] then = versions.clone();
        overwrite(BLOCKS);
        overwrite(BLOCKS);
        simulated.rest(30);
        check(simulated.await(store().open(second)), then);

        simulated.await(store().open(second)).release();
        simulated.restart();
        simulated.await(store().deleteVolume(second));
        simulated.rest(120);

        assertThat(fileBytes()).isLessThan(LIVE_BYTES + LIVE_BYTES / 10 + OVERHEAD_BYTES);
        volume = simulated.await(store().open(first));
        check(volume, versions);
        simulated.restart();
        simulated.await(store().deleteVolume(first));
        simulated.rest(60);
        assertThat(fileBytes()).isLessThan(OVERHEAD_BYTES);
    }

    @Test
    void whatTwoDeletedSnapshotsShareComesBackToo() {
        SnapshotId second = new SnapshotId(1, 2);
        VolumeId ofFirst = new VolumeId(1, 2);
        VolumeId ofSecond = new VolumeId(1, 3);
        fill();
        simulated.await(store().createSnapshot(SHOT, ID));
        overwrite(BLOCKS / 8);
        simulated.await(store().createSnapshot(second, ID));
        simulated.await(store().cloneVolume(ofFirst, VOLUME_BYTES, SHOT));
        simulated.await(store().cloneVolume(ofSecond, VOLUME_BYTES, second));
        volume.release();
        simulated.await(store().deleteVolume(ID));
        simulated.await(store().deleteSnapshot(SHOT));
        simulated.await(store().deleteSnapshot(second));
        for (VolumeId id : List.of(ofFirst, ofSecond)) {
            Volume clone = simulated.await(store().open(id));
            assertThat(simulated.call(clone, (opened, done) -> opened.trim(0, LIVE_BYTES, true, done)))
                    .isEqualTo(IoStatus.OK);
        }

        simulated.rest(90);

        assertThat(fileBytes()).isLessThan(OVERHEAD_BYTES);
    }

    @Test
    void containersThatBecomeThinAreCompactedAgain() {
        fill();
        for (int round = 0; round < 6; round++) {
            overwrite(BLOCKS);
            simulated.rest(30);
        }

        assertThat(movedBlocks()).isGreaterThan(2L * BLOCKS);
        assertThat(fileBytes()).isLessThan(LIVE_BYTES + LIVE_BYTES / 10 + OVERHEAD_BYTES);
        check(volume, versions);
        simulated.restart();
        check(simulated.await(store().open(ID)), versions);
    }

    @Test
    void whatCompressesTakesLessSpace() {
        compressible = true;
        fill();
        overwrite(BLOCKS);

        simulated.rest(60);

        assertThat(counters().framesPacked.sum()).isPositive();
        assertThat(fileBytes()).isLessThan(LIVE_BYTES);
        check(volume, versions);
        simulated.restart();
        check(simulated.await(store().open(ID)), versions);
    }

    @Test
    void aDamagedBlockIsNotCopiedAndItsSegmentStays() {
        fill();
        overwrite(BLOCKS / 2);
        damageSegments();

        simulated.rest(60);

        assertThat(counters().segmentsStuck.sum()).isPositive();
        int wrong = 0;
        for (int block = 0; block < BLOCKS; block++) {
            ByteBuffer into = ByteBuffer.allocateDirect(BLOCK);
            int at = block;
            IoStatus status = simulated.call(volume, (opened, done) -> opened.read((long) at * BLOCK, into, done));
            if (status == IoStatus.OK) {
                assertThat(into).isEqualTo(content(block, versions[block]));
            } else {
                wrong++;
            }
        }
        assertThat(wrong).isBetween(1, 24);
    }

    /**
     * It is thin by its header alone, and what cannot be moved leaves the store with more than it would like to hold.
     */
    @Test
    void aSmallContainerIsNotMovedForNothing() {
        fill();
        overwrite(BLOCKS / 2);
        damageSegments();
        VolumeId small = new VolumeId(1, 2);
        simulated.await(store().createVolume(small, VOLUME_BYTES));
        Volume other = simulated.await(store().open(small));
        assertThat(simulated.write(other, 0, 700 * BLOCK, 7)).isEqualTo(IoStatus.OK);
        assertThat(simulated.call(other, (opened, done) -> opened.trim(3 * BLOCK, 697L * BLOCK, false, done)))
                .isEqualTo(IoStatus.OK);

        simulated.rest(60);

        assertThat(movedBlocks()).isPositive();
        long written = counters().bytesWritten.sum();
        simulated.rest(600);
        assertThat(counters().bytesWritten.sum()).isEqualTo(written);
    }

    // ---- given ----

    private void damageSegments() {
        for (int number = 1; number < 24; number++) {
            String name = "segments/%016x".formatted(number);
            if (simulated.disk.exists(name)) {
                simulated.disk.flipBit(name, 500_000 + number, 3);
            }
        }
        simulated.disk.dropCleanPages();
    }

    private BlockStore store() {
        return simulated.store();
    }

    private CompactionCounters counters() {
        return store().compaction();
    }

    private long movedBlocks() {
        return counters().blocksCopied.sum();
    }

    private long fileBytes() {
        return simulated.disk.allocatedBytes("segments/");
    }

    private void fill() {
        for (int block = 0; block < BLOCKS; block++) {
            write(block);
        }
    }

    private void overwrite(int count) {
        for (int i = 0; i < count; i++) {
            simulated.awaitWritable(volume);
            write(random.nextInt(BLOCKS));
        }
    }

    private void write(int block) {
        versions[block]++;
        write(simulated, volume, block, versions[block]);
    }

    private void write(SimulatedStore in, Volume to, int block, int version) {
        ByteBuffer source = content(block, version);
        assertThat(in.call(to, (opened, done) -> opened.write((long) block * BLOCK, source, false, done)))
                .isEqualTo(IoStatus.OK);
    }

    private ByteBuffer content(int block, int version) {
        ByteBuffer bytes = ByteBuffer.allocateDirect(BLOCK);
        SplittableRandom noise = new SplittableRandom(31L * block + version);
        while (bytes.hasRemaining()) {
            bytes.putLong(compressible && bytes.position() % 64 != 0 ? version : noise.nextLong());
        }
        return bytes.flip();
    }

    private void check(Volume of, int[] expected) {
        for (int block = 0; block < BLOCKS; block++) {
            assertThat(read(simulated, of, block)).as("block %s", block).isEqualTo(content(block, expected[block]));
        }
    }

    private static ByteBuffer read(SimulatedStore in, Volume from, int block) {
        ByteBuffer into = ByteBuffer.allocateDirect(BLOCK);
        assertThat(in.call(from, (opened, done) -> opened.read((long) block * BLOCK, into, done)))
                .isEqualTo(IoStatus.OK);
        return into;
    }
}
