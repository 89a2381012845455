package io.varve.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.api.rest.Probe;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Portable files over REST. */
class TransferTest {
    @TempDir
    private Path directory;

    private final HttpClient http = HttpClient.newHttpClient();
    private RunningServer server;
    private Probe api;
    private String snapshot = "";

    @BeforeEach
    void start() throws Exception {
        server = RunningServer.on(directory);
        api = server.api();
        String volume = server.newVolume(1).getString("volumeId");
        Process writer = new ProcessBuilder(
                        "qemu-io", "-f", "raw", server.daemon().nbdUri(volume), "-c", "write -P 7 1M 3M")
                .start();
        assertThat(writer.waitFor()).isZero();
        snapshot = server.newSnapshot(volume).getString("snapshotId");
    }

    @AfterEach
    void stop() {
        server.close();
    }

    @Test
    void aSnapshotIsExportedAndImportedInTwoParts() throws Exception {
        byte[] file = get("/v1/snapshots/" + snapshot + "/export");
        assertThat(file.length).isBetween(1000, 3 << 20);
        JsonObject begun =
                api.post("/v1/imports", new JsonObject().put("name", "back")).body();
        String path = "/v1/imports/" + begun.getString("importId");
        Probe.Reply half = send(path, 0, Arrays.copyOf(file, file.length / 2));
        int received = half.body().getInteger("receivedBytes");
        assertThat(half.body().getString("state")).isEqualTo("receiving");
        assertThat(api.get(path).body()).isEqualTo(half.body());

        Probe.Reply whole = send(path, received, Arrays.copyOfRange(file, received, file.length));
        assertThat(whole.body().getString("state")).isEqualTo("completed");
        JsonObject imported =
                api.get("/v1/snapshots/" + whole.body().getString("snapshotId")).body();
        assertThat(imported.getString("name")).isEqualTo("back");
        assertThat(imported.getString("sourceSnapshotId")).isEqualTo(snapshot);
        assertThat(imported.getLong("usedBytes")).isEqualTo(3 << 20);
        assertThat(get("/v1/snapshots/" + imported.getString("snapshotId") + "/export"))
                .hasSameSizeAs(file);
        assertThat(api.get("/v1/imports?filter=state=completed").body().getJsonArray("imports"))
                .hasSize(1);
        assertThat(api.delete(path).status()).isEqualTo(204);
    }

    @Test
    void whatMakesNoSenseIsRefusedWithAProblem() {
        String nobody = "snap-00000000000000000";
        assertThat(api.get("/v1/snapshots/" + nobody + "/export").code()).isEqualTo("InvalidSnapshot.NotFound");
        assertThat(api.get("/v1/snapshots/x/export").code()).isEqualTo("InvalidSnapshotID.Malformed");
        assertThat(api.get("/v1/snapshots/" + snapshot + "/export?since=" + nobody)
                        .code())
                .isEqualTo("InvalidSnapshot.NotFound");
        assertThat(api.get("/v1/snapshots/" + snapshot + "/export?from=4096").code())
                .isEqualTo("InvalidParameterCombination");
        assertThat(api.get("/v1/snapshots/" + snapshot + "/export?from=4096&digest=x")
                        .code())
                .isEqualTo("InvalidParameterValue");
        String nowhere = "/v1/snapshots/" + snapshot + "/export?digest=" + "0".repeat(64) + "&from=";
        assertThat(api.get(nowhere + "1").code()).isEqualTo("InvalidParameterValue");
        assertThat(api.get(nowhere + "1073745920").code()).isEqualTo("InvalidParameterValue");
        String unrelated =
                server.newSnapshot(server.newVolume(1).getString("volumeId")).getString("snapshotId");
        assertThat(api.get("/v1/snapshots/" + snapshot + "/export?since=" + unrelated)
                        .code())
                .isEqualTo("InvalidParameterValue");

        String path = "/v1/imports/" + api.post("/v1/imports", "{}").body().getString("importId");
        assertThat(send(path, 1, new byte[10]).code()).isEqualTo("InvalidParameterValue");
        assertThat(send(path, 0, new byte[1000]).detail()).contains("VARVESNP");
        assertThat(send("/v1/imports/import-00000000000000000", 0, new byte[10]).status())
                .isEqualTo(404);
        assertThat(api.send(api.json(path + "/data").method("PATCH", HttpRequest.BodyPublishers.ofString("{}")))
                        .code())
                .isEqualTo("InvalidParameterValue");
    }

    @Test
    void moreFilesAtOnceThanAllowedAreRefused() throws IOException {
        List<Socket> senders = new ArrayList<>();
        try {
            for (int i = 0; i < 4; i++) {
                String id = api.post("/v1/imports", "{}").body().getString("importId");
                Socket sender = new Socket(
                        InetAddress.getLoopbackAddress(), URI.create(api.uri()).getPort());
                senders.add(sender);
                sender.getOutputStream()
                        .write(("PATCH /v1/imports/" + id + "/data HTTP/1.1\r\nHost: localhost\r\nUpload-Offset: 0\r\n"
                                        + "Content-Type: application/octet-stream\r\nContent-Length: 1000\r\n\r\n")
                                .getBytes(StandardCharsets.US_ASCII));
            }
            Awaitility.await()
                    .until(() -> api.get("/v1/snapshots/" + snapshot + "/export?from=1&digest=" + "0".repeat(64))
                            .code()
                            .equals("RequestLimitExceeded"));
        } finally {
            for (Socket sender : senders) {
                sender.close();
            }
        }
        Awaitility.await()
                .until(() -> http.send(
                                        HttpRequest.newBuilder(
                                                        URI.create(api.uri() + "/v1/snapshots/" + snapshot + "/export"))
                                                .build(),
                                        HttpResponse.BodyHandlers.discarding())
                                .statusCode()
                        == 200);
    }

    private Probe.Reply send(String path, long offset, byte[] bytes) {
        return api.send(api.request(path + "/data")
                .header("Content-Type", "application/octet-stream")
                .header("Upload-Offset", String.valueOf(offset))
                .method("PATCH", HttpRequest.BodyPublishers.ofByteArray(bytes)));
    }

    private byte[] get(String path) throws IOException, InterruptedException {
        HttpRequest request =
                HttpRequest.newBuilder(URI.create(api.uri() + path)).build();
        HttpResponse<byte[]> response = http.send(request, HttpResponse.BodyHandlers.ofByteArray());
        assertThat(response.statusCode()).isEqualTo(200);
        return response.body();
    }
}
