package io.varve.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.api.control.Connections;
import io.varve.api.control.ControlDatabase;
import io.varve.api.control.ControlPlane;
import io.varve.api.control.InstanceEntry;
import io.varve.api.control.Instances;
import io.varve.api.control.Label;
import io.varve.api.control.Precondition;
import io.varve.engine.VolumeId;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A store that is so configured exports a volume while it is attached, and not before or after. */
class AttachedOnlyTest {
    @TempDir
    private Path directory;

    @Test
    void aVolumeIsExportedWhileItIsAttached() {
        try (TestEngine engine = TestEngine.open(directory);
                ControlDatabase metadata = ControlDatabase.open(directory, () -> false);
                ControlPlane control =
                        ControlPlane.start(engine.store(), metadata, new SecureRandom(), Clock.systemUTC())) {
            control.createDefaultVolume();
            VolumeId volume = control.defaultVolume().orElseThrow();
            Exports exports = new Exports(engine.store(), control, true);
            assertThat(exports.resolve("").join()).isEmpty();
            assertThat(exports.list().join()).isEmpty();

            Instances instances = control.instances();
            InstanceEntry instance = instances
                    .create(new Instances.Request(Optional.empty(), Label.NONE, Optional.empty()))
                    .join();
            instances
                    .attach(instance.id(), volume, "/dev/vda", false, Precondition.NONE)
                    .join();
            assertThat(exports.resolve(volume.toString()).join()).isPresent();
            assertThat(exports.list().join()).hasSize(1);

            instances
                    .detach(instance.id(), volume, false, Precondition.NONE, Connections.NONE)
                    .join();
            assertThat(exports.resolve(volume.toString()).join()).isEmpty();
            assertThat(new Exports(engine.store(), control, false)
                            .resolve(volume.toString())
                            .join())
                    .isPresent();
        }
    }
}
