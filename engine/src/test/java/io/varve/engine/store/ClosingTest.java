package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.IoStatus;
import io.varve.engine.SnapshotId;
import io.varve.engine.SnapshotRecord;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Whatever is under way when something is closed comes to an end. */
class ClosingTest {
    private static final int BLOCK = 4096;
    private static final VolumeId VOLUME = new VolumeId(1, 1);
    private static final SnapshotId SNAPSHOT = new SnapshotId(2, 1);

    @Test
    void readsOfASnapshotAreAnsweredBeforeTheStoreIsClosed() {
        for (int seed = 0; seed < 40; seed++) {
            SimulatedStore simulated = new SimulatedStore(1L << 28, StoreOptions.DEFAULT, seed);
            Volume volume = create(simulated, VOLUME);
            assertThat(simulated.write(volume, 0, 16 * BLOCK, 7)).isEqualTo(IoStatus.OK);
            simulated.await(simulated.store().createSnapshot(SNAPSHOT, VOLUME));
            Volume snapshot = simulated.await(simulated.store().openSnapshot(SNAPSHOT));
            simulated.disk.setWouldBlockPercent(100);
            ByteBuffer into = ByteBuffer.allocateDirect(16 * BLOCK);
            CompletableFuture<IoStatus> answer = new CompletableFuture<>();
            snapshot.loop().execute(() -> {
                snapshot.read(0, into, answer::complete);
                snapshot.submit();
            });

            simulated.store().close();

            assertThat(answer).as("seed %d", seed).isDone();
            if (answer.join() == IoStatus.OK) {
                assertThat(into).isEqualTo(SimulatedStore.filled(16 * BLOCK, 7));
            } else {
                assertThat(answer.join()).isEqualTo(IoStatus.ESHUTDOWN);
            }
        }
    }

    /** The log is begun by the accountant, which closes the store too. */
    @Test
    void writesThatWaitForTheirLogAreAnsweredBeforeTheStoreIsClosed() {
        for (int seed = 0; seed < 40; seed++) {
            SimulatedStore simulated = new SimulatedStore(1L << 28, StoreOptions.DEFAULT, seed);
            Volume volume = create(simulated, VOLUME);
            CompletableFuture<IoStatus> answer = new CompletableFuture<>();
            volume.loop().execute(() -> {
                volume.write(0, SimulatedStore.filled(BLOCK, 7), false, answer::complete);
                volume.submit();
            });

            simulated.store().close();

            assertThat(answer).as("seed %d", seed).isDone();
            assertThat(answer.join()).isIn(IoStatus.OK, IoStatus.ESHUTDOWN);
        }
    }

    /** So many volumes that nobody holds are closed by the next opening. */
    @Test
    void snapshotsAreTakenOfIdleVolumesThatAreJustBeingClosed() {
        SimulatedStore simulated = new SimulatedStore(1L << 32, StoreOptions.DEFAULT);
        Volume opened = create(simulated, new VolumeId(1, 300));
        for (int i = 0; i < 256; i++) {
            create(simulated, new VolumeId(1, i)).release();
        }
        simulated.await(simulated.store().createVolume(new VolumeId(1, 257), 1 << 20));

        List<CompletableFuture<SnapshotRecord>> taken = new ArrayList<>();
        CompletableFuture<Volume> another = simulated.store().open(new VolumeId(1, 257));
        for (int i = 0; i < 256; i++) {
            SnapshotId id = new SnapshotId(2, i);
            VolumeId of = new VolumeId(1, i);
            long later = TimeUnit.MICROSECONDS.toNanos(50) * i;
            opened.loop().schedule(() -> taken.add(simulated.store().createSnapshot(id, of)), later);
        }

        simulated.await(another);
        simulated.rest(1);
        assertThat(taken).hasSize(256);
        taken.forEach(snapshot -> assertThat(simulated.await(snapshot)).isNotNull());
    }

    private static Volume create(SimulatedStore in, VolumeId id) {
        in.await(in.store().createVolume(id, 1 << 20));
        return in.await(in.store().open(id));
    }
}
