package io.varve.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A killed server starts again with what it had. */
class ServerProcessTest {
    @Test
    void whatWasCreatedIsThereAfterAKill(@TempDir Path directory) {
        String volume;
        String snapshot;
        try (ServerProcess server = ServerProcess.start(directory)) {
            volume = server.newVolume("disk", 2);
            snapshot = server.newSnapshot(volume);
            server.kill();
        }
        try (ServerProcess server = ServerProcess.start(directory)) {
            assertThat(server.api().get("/v1/volumes/" + volume).body().getString("name"))
                    .isEqualTo("disk");
            assertThat(server.api().get("/v1/snapshots/" + snapshot).status()).isEqualTo(200);
        }
    }
}
