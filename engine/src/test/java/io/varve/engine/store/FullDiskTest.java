package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.varve.engine.BlockStore;
import io.varve.engine.IoStatus;
import io.varve.engine.StoreException;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A full disk is an answer (law 6), and not for ever. */
class FullDiskTest {
    private static final int STEP = 64 << 10;
    private static final long VOLUME_BYTES = 1L << 30;
    private static final VolumeId OLD = new VolumeId(1, 1);
    private static final VolumeId NEW = new VolumeId(1, 2);

    private final SimulatedStore simulated =
            new SimulatedStore(24 << 20, new StoreOptions(8 << 20, 4 << 20, 4 << 20, 4 << 20, 1 << 20));
    private final BlockStore store = simulated.store();
    private final Volume volume = create(NEW);
    private long written;

    @BeforeEach
    void fill() {
        Volume old = create(OLD);
        for (int i = 0; i < 100; i++) {
            assertThat(simulated.write(old, (long) i * STEP, STEP, 3)).isEqualTo(IoStatus.OK);
        }
        old.release();
        written = writeUntilFull(0);
    }

    @Test
    void whatWasAcknowledgedIsReadAndFlushed() {
        assertThat(written).isPositive();
        assertThat(simulated.flush(volume)).isEqualTo(IoStatus.OK);
        checkWritten();

        simulated.restart();
        Volume again = simulated.await(simulated.store().open(NEW));
        assertThat(again.readOnly()).isFalse();
        assertThat(read(again, 0)).isEqualTo(SimulatedStore.filled(STEP, 7));
    }

    @Test
    void aDeletedVolumeGivesItsSpaceToWrites() {
        simulated.await(store.deleteVolume(OLD));
        simulated.await(store.checkpoint());
        simulated.await(store.checkpoint());

        long more = writeUntilFull(written);

        assertThat(more - written).isGreaterThan(4 << 20);
        checkWritten();
    }

    @Test
    void aTrimGivesSpaceBackToo() {
        assertThat(simulated.call(volume, (opened, done) -> opened.trim(0, written, true, done)))
                .isEqualTo(IoStatus.OK);
        simulated.await(store.checkpoint());
        simulated.await(store.checkpoint());

        assertThat(simulated.write(volume, written, STEP, 9)).isEqualTo(IoStatus.OK);
    }

    /** Where there is room for segments of 1 MiB only, a record of 1 MiB fits into none. */
    @Test
    void longRequestsAreRefusedAndNeverWrittenBeyondASegment() {
        SimulatedStore small =
                new SimulatedStore(24 << 20, new StoreOptions(8 << 20, 4 << 20, 4 << 20, 4 << 20, 4 << 20));
        small.await(small.store().createVolume(NEW, VOLUME_BYTES));
        Volume to = small.await(small.store().open(NEW));
        int length = 1 << 20;
        int kept = 0;
        while (small.write(to, (long) kept * length, length, 7) == IoStatus.OK) {
            kept++;
        }

        assertThat(kept).isPositive();
        for (int i = 0; i < kept; i++) {
            ByteBuffer into = ByteBuffer.allocateDirect(length);
            long offset = (long) i * length;
            assertThat(small.call(to, (opened, done) -> opened.read(offset, into, done)))
                    .isEqualTo(IoStatus.OK);
            assertThat(into).isEqualTo(SimulatedStore.filled(length, 7));
        }
    }

    /** Nobody may have to make another request for it. */
    @Test
    void whatWaitsBehindARefusedWriteIsCarriedOut() {
        ByteBuffer source = SimulatedStore.filled(STEP, 9);
        ByteBuffer into = ByteBuffer.allocateDirect(STEP);
        CompletableFuture<IoStatus> refused = new CompletableFuture<>();
        CompletableFuture<IoStatus> read = new CompletableFuture<>();

        volume.loop().execute(() -> {
            volume.write(0, source, false, refused::complete);
            volume.read(0, into, read::complete);
            volume.submit();
        });

        assertThat(simulated.await(refused)).isEqualTo(IoStatus.ENOSPC);
        assertThat(simulated.await(read)).isEqualTo(IoStatus.OK);
        assertThat(into).isEqualTo(SimulatedStore.filled(STEP, 7));
    }

    @Test
    void moreDiskIsEnoughToGoOn() {
        simulated.disk.setCapacity(64 << 20);

        assertThat(simulated.write(volume, written, STEP, 9)).isEqualTo(IoStatus.OK);
        checkWritten();
    }

    @Test
    void whatCannotBeKeptIsRefusedBeforeAnythingIsChanged() {
        simulated.disk.setCapacity(0);
        StoreException.Kind refused = null;
        for (int i = 0; i < 10_000 && refused == null; i++) {
            VolumeId id = new VolumeId(2, i);
            try {
                simulated.await(store.createVolume(id, VOLUME_BYTES));
            } catch (java.util.concurrent.CompletionException e) {
                refused = ((StoreException) e.getCause()).kind();
                assertThat(store.volume(id)).isEmpty();
            }
        }
        assertThat(refused).isEqualTo(StoreException.Kind.NO_SPACE);

        simulated.await(store.deleteVolume(OLD));
        assertThatThrownBy(() -> simulated.await(store.open(OLD))).hasMessageContaining("no volume");
        checkWritten();
    }

    private Volume create(VolumeId id) {
        simulated.await(simulated.store().createVolume(id, VOLUME_BYTES));
        return simulated.await(simulated.store().open(id));
    }

    private long writeUntilFull(long from) {
        long at = from;
        IoStatus status = simulated.write(volume, at, STEP, 7);
        while (status == IoStatus.OK) {
            at += STEP;
            status = simulated.write(volume, at, STEP, 7);
        }
        assertThat(status).isEqualTo(IoStatus.ENOSPC);
        return at;
    }

    private void checkWritten() {
        for (long at = 0; at < written; at += STEP) {
            assertThat(read(volume, at)).isEqualTo(SimulatedStore.filled(STEP, 7));
        }
    }

    private ByteBuffer read(Volume from, long offset) {
        ByteBuffer into = ByteBuffer.allocateDirect(STEP);
        assertThat(simulated.call(from, (opened, done) -> opened.read(offset, into, done)))
                .isEqualTo(IoStatus.OK);
        return into;
    }
}
