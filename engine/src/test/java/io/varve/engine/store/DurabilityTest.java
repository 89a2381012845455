package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.IoStatus;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import io.varve.engine.io.SimulatedDisk.Operation;
import io.varve.engine.meta.SuperblockCopies;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** What was flushed is there after a power loss, whatever went on beside the flush (law 2); what failed never is. */
class DurabilityTest {
    private static final int STEP = 64 << 10;
    private static final long GIB = 1L << 30;
    private static final VolumeId VOLUME = new VolumeId(1, 1);

    private SimulatedStore simulated;
    private Volume volume;

    private void create(long seed, long sizeBytes) {
        simulated = new SimulatedStore(1L << 28, StoreOptions.DEFAULT, seed);
        simulated.await(simulated.store().createVolume(VOLUME, sizeBytes));
        volume = simulated.await(simulated.store().open(VOLUME));
    }

    /** The log leaves a segment between the freeze of a checkpoint, which syncs that segment, and its end. */
    @Test
    void aFlushCoversWhatWasAppendedWhileACheckpointWasSynced() {
        for (int seed = 0; seed < 30; seed++) {
            create(seed, GIB);
            writeSteps(0, 8);
            List<CompletableFuture<IoStatus>> written = new ArrayList<>();
            simulated.disk.onNext(
                    Operation.SYNC,
                    "segments/.*",
                    () -> volume.loop().execute(() -> {
                        for (int i = 8; i < 40; i++) {
                            CompletableFuture<IoStatus> done = new CompletableFuture<>();
                            written.add(done);
                            volume.write((long) i * STEP, SimulatedStore.filled(STEP, 7), false, done::complete);
                            volume.submit();
                        }
                    }));

            simulated.await(simulated.store().checkpoint());
            simulated.rest(1);
            assertThat(written).isNotEmpty().allMatch(done -> done.join() == IoStatus.OK);
            assertThat(simulated.flush(volume)).isEqualTo(IoStatus.OK);
            simulated.powerLoss();

            checkSteps(0, 40, "seed " + seed);
        }
    }

    /** Within one batch the log has to go on in the next segment, and what came before cannot be written. */
    @Test
    void nothingIsAppendedBehindABatchThatCouldNotBeWritten() {
        for (int steps = 10; steps < 16; steps++) {
            create(steps, GIB);
            writeSteps(0, steps);
            simulated.disk.failNext(Operation.WRITE, "segments/.*");
            List<IoStatus> answers = new ArrayList<>();

            CompletableFuture<Boolean> submitted = new CompletableFuture<>();
            int first = steps;
            volume.loop().execute(() -> {
                for (int i = first; i < first + 6; i++) {
                    volume.write((long) i * STEP, SimulatedStore.filled(STEP, 9), false, answers::add);
                }
                volume.submit();
                submitted.complete(true);
            });
            simulated.await(submitted);
            simulated.rest(1);

            assertThat(answers).as("%d steps before", steps).hasSize(6).containsOnly(IoStatus.EIO);
            simulated.restart();
            checkSteps(0, steps, "before the failure");
        }
    }

    /** The extension is in the newest superblock only; the writes beyond the old end are in the log. */
    @Test
    void writesBeyondAnEndWhoseExtensionIsLostGrowTheVolume() {
        checkGrown(GIB, 2 * GIB, GIB + 5 * STEP, 2 * GIB);
    }

    @Test
    void aVolumeOfNoWholeGibibytesGrowsByAsMuchAsWasWritten() {
        checkGrown(24 * STEP, 64 * STEP, 30 * STEP, 31 * STEP);
    }

    private void checkGrown(long sizeBefore, long extended, long offset, long expected) {
        create(1, sizeBefore);
        writeSteps(0, 8);
        simulated.await(simulated.store().checkpoint());
        simulated.await(simulated.store().extendVolume(VOLUME, extended));
        assertThat(simulated.write(volume, offset, STEP, 9)).isEqualTo(IoStatus.OK);
        assertThat(simulated.flush(volume)).isEqualTo(IoStatus.OK);

        loseNewestSuperblock();
        simulated.restart();

        assertThat(simulated.store().volume(VOLUME).orElseThrow().sizeBytes()).isEqualTo(expected);
        checkSteps(0, 8, "within the old end");
        assertThat(read(offset)).isEqualTo(SimulatedStore.filled(STEP, 9));
    }

    private void loseNewestSuperblock() {
        long newest;
        try (SuperblockCopies copies = SuperblockCopies.read(simulated.disk, StoreOpening.TABLES)) {
            newest = copies.newest().orElseThrow().generation();
        }
        simulated.disk.flipBit(newest % 2 == 0 ? "superblock-a" : "superblock-b", 20, 0);
        simulated.disk.dropCleanPages();
    }

    private void writeSteps(int first, int end) {
        for (int i = first; i < end; i++) {
            assertThat(simulated.write(volume, (long) i * STEP, STEP, 7)).isEqualTo(IoStatus.OK);
        }
    }

    private void checkSteps(int first, int end, String when) {
        volume = simulated.await(simulated.store().open(VOLUME));
        for (int i = first; i < end; i++) {
            assertThat(read((long) i * STEP)).as("step %d, %s", i, when).isEqualTo(SimulatedStore.filled(STEP, 7));
        }
    }

    private ByteBuffer read(long offset) {
        ByteBuffer into = ByteBuffer.allocateDirect(STEP);
        volume = simulated.await(simulated.store().open(VOLUME));
        assertThat(simulated.call(volume, (opened, done) -> opened.read(offset, into, done)))
                .isEqualTo(IoStatus.OK);
        return into;
    }
}
