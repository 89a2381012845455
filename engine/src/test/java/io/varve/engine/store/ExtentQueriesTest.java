package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.varve.engine.ExtentSource;
import io.varve.engine.Extents;
import io.varve.engine.IoStatus;
import io.varve.engine.ReadReport;
import io.varve.engine.SnapshotId;
import io.varve.engine.StoreException;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the block map says of a volume's ranges, held against a model, on the simulated disk. */
class ExtentQueriesTest {
    private static final int BLOCK = 4096;
    private static final long MIB = 1L << 20;
    private static final long TIB = 1L << 40;
    private static final int REGION_BLOCKS = 3 * 512;
    private static final VolumeId VOLUME = new VolumeId(1, 1);
    private static final VolumeId CLONE = new VolumeId(1, 2);
    private static final SnapshotId FIRST = new SnapshotId(2, 1);
    private static final SnapshotId SECOND = new SnapshotId(2, 2);
    private static final SnapshotId OF_CLONE = new SnapshotId(2, 3);

    private final SplittableRandom random = new SplittableRandom(5);
    private SimulatedStore simulated;
    private Volume volume;

    @BeforeEach
    void create() {
        simulated = new SimulatedStore(1L << 30, StoreOptions.DEFAULT);
        simulated.await(simulated.store().createVolume(VOLUME, 16 * TIB));
        volume = simulated.await(simulated.store().open(VOLUME));
    }

    @Test
    void anEmptyVolumeOfSixteenTebibytesIsOneExtent() {
        assertThat(status(volume, 0, 16 * TIB, 10)).containsExactly(new Extent(16 * TIB, Extents.HOLE));
    }

    @Test
    void saysWhatStandsWhereToTheByte() {
        simulated.write(volume, 5 * BLOCK + 100, 2 * BLOCK, 7); // touches blocks 5 to 7
        simulated.call(volume, (v, done) -> v.writeZeroes(TIB, MIB, true, false, done));

        assertThat(status(volume, 100, 20 * BLOCK, 10))
                .containsExactly(
                        new Extent(5 * BLOCK - 100, Extents.HOLE),
                        new Extent(3 * BLOCK, Extents.DATA),
                        new Extent(12 * BLOCK + 100, Extents.HOLE));
        assertThat(status(volume, TIB - 1, MIB + 2, 10))
                .containsExactly(
                        new Extent(1, Extents.HOLE), new Extent(MIB, Extents.ZERO), new Extent(1, Extents.HOLE));
    }

    @Test
    void tellsNoMoreExtentsThanAreWanted() {
        for (int i = 0; i < 20; i++) {
            simulated.write(volume, 2L * i * BLOCK, BLOCK, 1);
        }

        assertThat(status(volume, 0, MIB, 1)).containsExactly(new Extent(BLOCK, Extents.DATA));
        assertThat(status(volume, 0, MIB, 5)).hasSize(5);
        assertThat(status(volume, 0, MIB, 100)).hasSize(40);
    }

    @Test
    void refusesWhatLiesBeyondTheEnd() {
        Extents into = new Extents();

        for (long[] range : new long[][] {{16 * TIB, 1}, {0, 16 * TIB + 1}, {-1, 10}, {0, 0}, {1, Long.MAX_VALUE}}) {
            assertThat(simulated.call(volume, (v, done) -> v.blockStatus(range[0], range[1], 9, into, done)))
                    .as("%d +%d", range[0], range[1])
                    .isEqualTo(IoStatus.EINVAL);
        }
    }

    @Test
    void agreesWithAModelWhetherPagesAreResidentOrNot() {
        int[] model = new int[REGION_BLOCKS];
        Arrays.fill(model, Extents.HOLE);
        for (int round = 0; round < 10; round++) {
            change(volume, model, 15);
            assertThat(states(volume)).isEqualTo(model);
            restart();
            assertThat(states(volume)).as("after a restart").isEqualTo(model);
        }
    }

    @Test
    void answersOneGibibyteOfDataAtMostAndGoesOnFromThere() {
        byte filler = 1;
        for (long leaf = 0; leaf < 600; leaf++) {
            simulated.write(volume, leaf * 2 * MIB, BLOCK, filler);
        }

        List<Extent> first = status(volume, 0, 2000 * MIB, 1 << 20);
        long covered = first.stream().mapToLong(Extent::lengthBytes).sum();

        assertThat(covered).isEqualTo(512 * 2 * MIB);
        assertThat(status(volume, covered, 2000 * MIB - covered, 1 << 20)).hasSize(2 * (600 - 512));
    }

    @Test
    void aReadLeavesHolesOutAndSaysWhereTheyAre() {
        simulated.write(volume, 4 * BLOCK, BLOCK, 7);
        ByteBuffer into = SimulatedStore.filled(10 * BLOCK + 100, 9);
        ReadReport report = new ReadReport();

        IoStatus status = simulated.call(volume, (v, done) -> v.read(BLOCK - 100, into, report, done));

        assertThat(status).isEqualTo(IoStatus.OK);
        assertThat(list(report.extents()))
                .containsExactly(
                        new Extent(100, Extents.DATA), // part of a block: carried, whatever it is
                        new Extent(3 * BLOCK, Extents.HOLE),
                        new Extent(BLOCK, Extents.DATA),
                        new Extent(6 * BLOCK, Extents.HOLE));
        assertThat(into.get(0)).isZero();
        assertThat(into.get(100)).as("left alone").isEqualTo((byte) 9);
        assertThat(into.get(100 + 3 * BLOCK)).isEqualTo((byte) 7);
        assertThat(report.hasFailedOffset()).isFalse();
    }

    @Test
    void knowsWhatWasChangedSinceEverySnapshotOfTheLineage() {
        long[] content = new long[REGION_BLOCKS];
        write(volume, content, 30);
        simulated.await(simulated.store().createSnapshot(FIRST, VOLUME));
        long[] atFirst = content.clone();
        write(volume, content, 30);
        simulated.await(simulated.store().createSnapshot(SECOND, VOLUME));
        long[] atSecond = content.clone();
        simulated.await(simulated.store().cloneVolume(CLONE, 16 * TIB, SECOND));
        Volume clone = simulated.await(simulated.store().open(CLONE));
        long[] cloned = content.clone();
        write(clone, cloned, 20);
        simulated.await(simulated.store().createSnapshot(OF_CLONE, CLONE));
        long[] ofClone = cloned.clone();
        write(clone, cloned, 20);
        write(volume, content, 20);

        assertThat(simulated.await(simulated.store().lineage(CLONE))).containsExactly(OF_CLONE, SECOND, FIRST);
        assertThat(simulated.await(simulated.store().lineage(VOLUME))).containsExactly(SECOND, FIRST);
        assertThat(simulated.await(simulated.store().lineage(SECOND))).containsExactly(FIRST);
        for (int pass = 0; pass < 2; pass++) {
            assertThat(changed(volume, SECOND)).isEqualTo(differences(content, atSecond));
            assertThat(changed(volume, FIRST)).isEqualTo(differences(content, atFirst));
            assertThat(changed(clone, OF_CLONE)).isEqualTo(differences(cloned, ofClone));
            assertThat(changed(clone, SECOND)).isEqualTo(differences(cloned, atSecond));
            assertThat(changed(clone, FIRST)).isEqualTo(differences(cloned, atFirst));
            Volume snapshot = simulated.await(simulated.store().openSnapshot(OF_CLONE));
            assertThat(changed(snapshot, FIRST)).isEqualTo(differences(ofClone, atFirst));
            assertThatThrownBy(() -> changed(volume, OF_CLONE))
                    .hasRootCauseInstanceOf(StoreException.class)
                    .hasMessageContaining("does not descend from");
            restart();
            clone = simulated.await(simulated.store().open(CLONE));
        }
    }

    @Test
    void readsNoMorePagesThanWereChanged() {
        for (long leaf = 0; leaf < 400; leaf++) {
            simulated.write(volume, leaf * 2 * MIB, BLOCK, 1);
        }
        simulated.await(simulated.store().createSnapshot(FIRST, VOLUME));
        simulated.write(volume, 100 * 2 * MIB, BLOCK, 2);
        simulated.write(volume, 300 * 2 * MIB, BLOCK, 2);
        restart();
        long before =
                simulated.await(((StoreEngine) simulated.store()).mapTraffic()).pagesRead();

        int[] changed = changed(volume, FIRST, 16 * TIB);

        long read =
                simulated.await(((StoreEngine) simulated.store()).mapTraffic()).pagesRead() - before;
        assertThat(Arrays.stream(changed).sum()).isEqualTo(2);
        assertThat(read).isLessThanOrEqualTo(20);
    }

    @Test
    void aSnapshotThatIsComparedWithIsInUse() {
        simulated.write(volume, 0, BLOCK, 1);
        simulated.await(simulated.store().createSnapshot(FIRST, VOLUME));
        ExtentSource changes = simulated.await(simulated.store().changedSince(volume, FIRST));

        assertThatThrownBy(() -> simulated.await(simulated.store().deleteSnapshot(FIRST)))
                .hasRootCauseInstanceOf(StoreException.class)
                .hasMessageContaining("is open");

        changes.release();
        simulated.await(simulated.store().deleteSnapshot(FIRST));
    }

    @Test
    void countsTheLayersThatABlockLiesDeep() {
        simulated.write(volume, 0, BLOCK, 1);
        simulated.await(simulated.store().createSnapshot(FIRST, VOLUME));
        simulated.write(volume, BLOCK, BLOCK, 1);
        simulated.await(simulated.store().createSnapshot(SECOND, VOLUME));
        simulated.write(volume, 2 * BLOCK, BLOCK, 1);
        ExtentSource depth = simulated.await(simulated.store().allocationDepth(volume));
        assertThat(values(depth, volume)).startsWith(3, 2, 1, 0);

        simulated.await(simulated.store().cloneVolume(CLONE, 16 * TIB, SECOND));
        Volume clone = simulated.await(simulated.store().open(CLONE));
        simulated.write(clone, 3 * BLOCK, BLOCK, 1);
        ExtentSource ofClone = simulated.await(simulated.store().allocationDepth(clone));
        assertThat(values(ofClone, clone)).startsWith(3, 2, 0, 1);

        simulated.await(simulated.store().createSnapshot(OF_CLONE, CLONE));
        simulated.write(clone, BLOCK, BLOCK, 1);
        assertThat(values(ofClone, clone)).as("with a snapshot taken meanwhile").startsWith(4, 1, 0, 2);
    }

    // ---- the model ----

    private void change(Volume target, int[] model, int requests) {
        for (int i = 0; i < requests; i++) {
            int blocks = 1 + random.nextInt(random.nextInt(4) == 0 ? 700 : 6);
            int first = random.nextInt(REGION_BLOCKS - blocks);
            long offset = (long) first * BLOCK;
            long length = (long) blocks * BLOCK;
            int state = random.nextInt(3);
            IoStatus status = switch (state) {
                case Extents.DATA -> simulated.write(target, offset, (int) length, 1);
                case Extents.HOLE -> simulated.call(target, (v, done) -> v.trim(offset, length, false, done));
                default -> simulated.call(target, (v, done) -> v.writeZeroes(offset, length, true, false, done));
            };
            assertThat(status).isEqualTo(IoStatus.OK);
            Arrays.fill(model, first, first + blocks, state);
        }
    }

    /** Writes and trims blocks; {@code content} gets the number of the write that each block holds, 0 for none. */
    private void write(Volume target, long[] content, int requests) {
        for (int i = 0; i < requests; i++) {
            int blocks = 1 + random.nextInt(random.nextInt(8) == 0 ? 600 : 4);
            int first = random.nextInt(REGION_BLOCKS - blocks);
            boolean trim = random.nextInt(4) == 0;
            long offset = (long) first * BLOCK;
            int length = blocks * BLOCK;
            if (trim) {
                simulated.call(target, (v, done) -> v.trim(offset, length, false, done));
            } else {
                simulated.write(target, offset, length, 1);
            }
            Arrays.fill(content, first, first + blocks, trim ? 0 : random.nextLong(1, Long.MAX_VALUE));
        }
    }

    private static int[] differences(long[] now, long[] then) {
        int[] differences = new int[now.length];
        for (int i = 0; i < now.length; i++) {
            differences[i] = now[i] == then[i] ? 0 : 1;
        }
        return differences;
    }

    // ---- asking ----

    private record Extent(long lengthBytes, int value) {}

    private interface Question {
        void ask(long offset, long length, int maxExtents, Extents into, io.varve.engine.Completion done);
    }

    private List<Extent> status(Volume target, long offset, long length, int maxExtents) {
        return ask(target, target::blockStatus, offset, length, maxExtents);
    }

    private List<Extent> ask(Volume target, Question question, long offset, long length, int maxExtents) {
        Extents into = new Extents();
        assertThat(simulated.call(target, (v, done) -> question.ask(offset, length, maxExtents, into, done)))
                .isEqualTo(IoStatus.OK);
        return list(into);
    }

    private static List<Extent> list(Extents extents) {
        List<Extent> list = new ArrayList<>();
        for (int i = 0; i < extents.size(); i++) {
            list.add(new Extent(extents.lengthBytes(i), extents.value(i)));
        }
        return list;
    }

    private int[] states(Volume target) {
        return values(target, target::blockStatus);
    }

    private int[] values(ExtentSource source, Volume target) {
        return values(target, source::query);
    }

    /** The value of each block of the region, from questions about random ranges. */
    private int[] values(Volume target, Question question) {
        int[] values = new int[REGION_BLOCKS];
        int block = 0;
        while (block < REGION_BLOCKS) {
            int blocks = Math.min(REGION_BLOCKS - block, 1 + random.nextInt(1000));
            for (Extent extent :
                    ask(target, question, (long) block * BLOCK, (long) blocks * BLOCK, 1 + random.nextInt(50))) {
                int end = block + (int) (extent.lengthBytes() / BLOCK);
                Arrays.fill(values, block, end, extent.value());
                block = end;
            }
        }
        return values;
    }

    private int[] changed(Volume target, SnapshotId since) {
        ExtentSource changes = simulated.await(simulated.store().changedSince(target, since));
        int[] changed = values(changes, target);
        changes.release();
        return changed;
    }

    /** The changed blocks of the whole volume, each as a 1. */
    private int[] changed(Volume target, SnapshotId since, long sizeBytes) {
        ExtentSource changes = simulated.await(simulated.store().changedSince(target, since));
        List<Extent> extents = ask(target, changes::query, 0, sizeBytes, 1000);
        changes.release();
        assertThat(extents.stream().mapToLong(Extent::lengthBytes).sum()).isEqualTo(sizeBytes);
        return extents.stream()
                .filter(extent -> extent.value() == 1)
                .mapToInt(extent -> (int) (extent.lengthBytes() / BLOCK))
                .toArray();
    }

    private void restart() {
        simulated.restart();
        volume = simulated.await(simulated.store().open(VOLUME));
        CompletableFuture<Void> checkpoint = simulated.store().checkpoint();
        simulated.await(checkpoint);
    }
}
