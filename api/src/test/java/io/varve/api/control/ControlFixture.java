package io.varve.api.control;

import io.varve.api.ManualClock;
import io.varve.api.TestEngine;
import io.varve.engine.BlockStore;
import io.varve.engine.Compression;
import io.varve.engine.SnapshotId;
import io.varve.engine.VolumeId;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import org.assertj.core.api.Assertions;

/** A control plane on a real engine, whose clock stands still, and which can be started again. */
final class ControlFixture implements AutoCloseable {
    private final Path directory;
    private final ManualClock clock = new ManualClock();
    private final TestEngine engine;
    private Metadata metadata;
    private ControlPlane control;

    ControlFixture(Path directory) {
        this.directory = directory;
        engine = TestEngine.open(directory);
        metadata = ControlDatabase.open(directory, () -> false);
        control = ControlPlane.start(engine.store(), metadata, new SecureRandom(), clock);
    }

    ManualClock clock() {
        return clock;
    }

    BlockStore store() {
        return engine.store();
    }

    Metadata metadata() {
        return metadata;
    }

    ControlPlane control() {
        return control;
    }

    /** What a restart of the process does to the control plane. */
    void restart() {
        restartWith(between -> {});
    }

    /** A restart, with something done to the metadata meanwhile. */
    void restartWith(Consumer<Metadata> meanwhile) {
        control.close();
        metadata.close();
        metadata = ControlDatabase.open(directory, () -> false);
        meanwhile.accept(metadata);
        control = ControlPlane.start(engine.store(), metadata, new SecureRandom(), clock);
    }

    VolumeId volume() {
        return volume(Label.NONE);
    }

    VolumeId volume(Label label) {
        return volume(label, VolumeLimits.NONE);
    }

    VolumeId volume(VolumeLimits limits) {
        return volume(Label.NONE, limits);
    }

    private VolumeId volume(Label label, VolumeLimits limits) {
        VolumeRequest request = new VolumeRequest(
                Optional.of(1), Optional.empty(), Optional.empty(), limits, Compression.AUTO, label, Optional.empty());
        return control.volumes().create(request).join().record().id();
    }

    VolumeId copyOf(VolumeId source) {
        VolumeRequest request = new VolumeRequest(
                Optional.empty(),
                Optional.empty(),
                Optional.of(source),
                VolumeLimits.NONE,
                Compression.AUTO,
                Label.NONE,
                Optional.empty());
        return control.volumes().create(request).join().record().id();
    }

    SnapshotId snapshot(VolumeId of) {
        return snapshot(of, Label.NONE);
    }

    SnapshotId snapshot(VolumeId of, Label label) {
        return control.snapshots()
                .create(new SnapshotRequest(of, label, "", Optional.empty()))
                .join()
                .record()
                .id();
    }

    SnapshotId copyOf(SnapshotId source) {
        return control.snapshots()
                .copy(new SnapshotCopyRequest(source, Label.NONE, "", Optional.empty()))
                .join()
                .record()
                .id();
    }

    static Label tagged(String key, String value) {
        return new Label(Optional.empty(), Map.of(key, value));
    }

    /** What a call is refused with. */
    static ErrorCode refusal(CompletableFuture<?> call) {
        Throwable failure = Assertions.catchThrowable(call::join);
        Assertions.assertThat(failure).isInstanceOf(CompletionException.class);
        Assertions.assertThat(failure.getCause()).isInstanceOf(RequestException.class);
        return ((RequestException) failure.getCause()).code();
    }

    @Override
    public void close() {
        control.close();
        metadata.close();
        engine.close();
    }
}
