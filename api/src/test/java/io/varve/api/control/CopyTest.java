package io.varve.api.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.api.BlockIo;
import io.varve.engine.SnapshotId;
import io.varve.engine.VolumeId;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Copies of volumes and snapshots: equal to what they were made of at that instant, and with a life of their own. */
class CopyTest {
    @TempDir
    private Path directory;

    private ControlFixture fixture;

    @BeforeEach
    void start() {
        fixture = new ControlFixture(directory);
    }

    @AfterEach
    void stop() {
        fixture.close();
    }

    @Test
    void aCopyOfAVolumeIsAsTheVolumeWasAndNothingElseIsLeft() {
        VolumeId source = fixture.volume();
        write(source, 1);
        VolumeId copy = fixture.copyOf(source);
        write(source, 2);
        assertThat(read(copy)).isEqualTo((byte) 1);
        write(copy, 3);
        assertThat(read(source)).isEqualTo((byte) 2);

        VolumeView view = fixture.control().volumes().describe(copy);
        assertThat(view.entry().copy().orElseThrow().of()).isEqualTo(source);
        assertThat(view.origin()).isEmpty();
        assertThat(fixture.store().snapshots()).isEmpty();
        fixture.control()
                .volumes()
                .delete(source, false, Precondition.NONE, Connections.NONE)
                .join();
        assertThat(read(copy)).isEqualTo((byte) 3);
    }

    @Test
    void aCopyOfASnapshotOutlivesIt() {
        VolumeId volume = fixture.volume();
        write(volume, 1);
        SnapshotId snapshot = fixture.snapshot(volume);
        write(volume, 2);
        SnapshotId copy = fixture.copyOf(snapshot);
        assertThat(fixture.control().snapshots().describe(copy).volumeId()).isEqualTo(volume);
        assertThat(fixture.store().volumes()).hasSize(1);

        fixture.control()
                .snapshots()
                .delete(snapshot, false, Precondition.NONE, Connections.NONE)
                .join();
        fixture.control()
                .volumes()
                .delete(volume, false, Precondition.NONE, Connections.NONE)
                .join();
        fixture.restart();
        assertThat(BlockIo.read(fixture.store(), copy, 0, 1)[0]).isEqualTo((byte) 1);
        assertThat(fixture.store().lineage(copy).join()).doesNotContain(snapshot);
    }

    @Test
    void aCopyOfACopyIsOneToo() {
        VolumeId volume = fixture.volume();
        write(volume, 7);
        SnapshotId copy = fixture.copyOf(fixture.copyOf(fixture.snapshot(volume)));
        assertThat(BlockIo.read(fixture.store(), copy, 0, 1)[0]).isEqualTo((byte) 7);
        assertThat(read(fixture.copyOf(fixture.copyOf(volume)))).isEqualTo((byte) 7);
    }

    private void write(VolumeId volume, int value) {
        BlockIo.write(fixture.store(), volume, 0, new byte[] {(byte) value});
    }

    private byte read(VolumeId volume) {
        return BlockIo.read(fixture.store(), volume, 0, 1)[0];
    }
}
