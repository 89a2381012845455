package io.varve.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.varve.testing.RequiresTools;
import io.varve.testing.Tools;
import io.vertx.core.json.JsonObject;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a connected client sees when its volume is grown, deleted, or compared with a snapshot that is deleted. */
class VolumeChangesSystemTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final long GIB = 1L << 30;
    private static final int EINVAL = 22;
    private static final int ESHUTDOWN = 108;

    @TempDir
    static Path serverDirectory;

    private static ServerProcess server;

    @BeforeAll
    static void start() {
        server = ServerProcess.start(serverDirectory);
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @Test
    @RequiresTools("nbdinfo")
    void aVolumeThatGrowsIsGrownForThoseWhoAreConnected() throws IOException {
        String volume = server.newVolume("growing", 1);
        try (NbdClient client = NbdClient.connect(server.socket(), volume)) {
            client.trim(1, GIB, 4096);
            assertThat(client.receiveError()).isEqualTo(EINVAL);
        }
        try (NbdClient client = NbdClient.connect(server.socket(), volume)) {
            client.flush(1);
            client.receiveCookie();

            server.api().patch("/v1/volumes/" + volume, new JsonObject().put("sizeGiB", 2));

            client.write(2, GIB + 4096, ByteBuffer.allocateDirect(4096));
            assertThat(client.receiveCookie()).isEqualTo(2);
            assertThat(run("nbdinfo", "--size", server.unixUri(volume)).strip()).isEqualTo(String.valueOf(2 * GIB));
        }
    }

    @Test
    @RequiresTools({"qemu-img", "qemu-io"})
    void whoOpensAVolumeAfterItHasGrownMayUseAllOfIt() {
        String volume = server.newVolume("grown", 1);
        server.api().patch("/v1/volumes/" + volume, new JsonObject().put("sizeGiB", 3));
        String uri = server.unixUri(volume);
        assertThat(new JsonObject(run("qemu-img", "info", "-f", "raw", "--output=json", uri)).getLong("virtual-size"))
                .isEqualTo(3 * GIB);
        assertThat(run("qemu-io", "-f", "raw", "-c", "write -P 7 3071M 1M", "-c", "read -P 7 3071M 1M", uri))
                .contains("wrote 1048576/1048576")
                .doesNotContain("failed");
    }

    @Test
    void aVolumeThatIsDeletedByForceSaysSoToThoseWhoAreConnected() throws IOException {
        String volume = server.newVolume("doomed", 1);
        try (NbdClient client = NbdClient.connect(server.socket(), volume)) {
            client.write(1, 0, ByteBuffer.allocateDirect(4096));
            client.receiveCookie();
            assertThat(server.api().delete("/v1/volumes/" + volume).body().getString("code"))
                    .isEqualTo("VolumeInUse");

            server.api().delete("/v1/volumes/" + volume + "?force=true");

            assertThat(lastWord(client)).isIn(ESHUTDOWN, -1);
        }
        assertThatThrownBy(() -> NbdClient.connect(server.socket(), volume)).isInstanceOf(IOException.class);
    }

    /** The error that a request gets, or -1 where the connection is gone. */
    private static int lastWord(NbdClient client) throws IOException {
        try {
            client.trim(2, 0, 4096);
            return client.receiveError();
        } catch (EOFException end) {
            return -1;
        } catch (IOException broken) {
            return -1;
        }
    }

    @Test
    @RequiresTools("nbdsh")
    void aSnapshotThatSomebodyComparesWithIsInUse() {
        String volume = server.newVolume("compared", 1);
        String snapshot = server.newSnapshot(volume);
        List<String> command = new ArrayList<>(List.of("env", "PATH=/usr/bin:/bin", "nbdsh"));
        command.addAll(List.of("-c", "h.add_meta_context('varve:changed-since:" + snapshot + "')"));
        command.addAll(List.of(
                "-u",
                server.unixUri(volume),
                "-c",
                DELETE.formatted(server.api().uri(), snapshot)));

        String said = run(command.toArray(String[]::new));

        assertThat(said).contains("InvalidSnapshot.InUse");
        // The server may learn that nbdsh has gone a moment later than nbdsh's parent.
        Awaitility.await().atMost(PATIENCE).untilAsserted(() -> {
            server.api().delete("/v1/snapshots/" + snapshot);
            assertThat(server.api().get("/v1/snapshots/" + snapshot).response().statusCode())
                    .isEqualTo(404);
        });
    }

    private static final String DELETE = """
            import urllib.request, urllib.error
            request = urllib.request.Request('%s/v1/snapshots/%s', method='DELETE')
            try:
                urllib.request.urlopen(request)
                print('deleted')
            except urllib.error.HTTPError as e:
                print(e.read().decode())
            """;

    private static String run(String... command) {
        return Tools.run(PATIENCE, command).succeeded().output();
    }
}
