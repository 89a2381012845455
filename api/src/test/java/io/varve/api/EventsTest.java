package io.varve.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.vertx.core.json.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Clients that listen to what happens. */
class EventsTest {
    @TempDir
    private Path directory;

    private RunningServer server;

    @BeforeEach
    void start() {
        server = RunningServer.on(directory);
    }

    @AfterEach
    void stop() {
        server.close();
    }

    @Test
    void aListenerIsToldOfEveryState() throws IOException {
        try (Listener listener = new Listener("")) {
            assertThat(listener.line()).isEqualTo(": listening");
            String volume = server.newVolume(1).getString("volumeId");
            String snapshot = server.newSnapshot(volume).getString("snapshotId");
            server.api().delete("/v1/snapshots/" + snapshot);
            assertThat(listener.events(6))
                    .containsExactly(
                            "volume " + volume + " creating",
                            "volume " + volume + " available",
                            "snapshot " + snapshot + " pending",
                            "snapshot " + snapshot + " completed",
                            "snapshot " + snapshot + " deleting",
                            "snapshot " + snapshot + " deleted");
        }
    }

    @Test
    void aListenerThatComesBackIsToldWhatItMissed() throws IOException {
        String last;
        try (Listener listener = new Listener("")) {
            assertThat(listener.line()).isEqualTo(": listening");
            server.newVolume(1);
            last = listener.lastId(2);
        }
        String missed = server.newVolume(1).getString("volumeId");
        try (Listener listener = new Listener("Last-Event-ID: " + last + "\r\n")) {
            assertThat(listener.events(2))
                    .containsExactly("volume " + missed + " creating", "volume " + missed + " available");
        }
    }

    @Test
    void aListenerFromAnotherLifeIsToldOfTheGap() throws IOException {
        for (String unknown : List.of("0-1", "nonsense", "0123456789abcdef-7")) {
            try (Listener listener = new Listener("Last-Event-ID: " + unknown + "\r\n")) {
                String line = listener.line();
                while (!line.startsWith("event: gap")) {
                    assertThat(line).isNotEqualTo(": listening");
                    line = listener.line();
                }
            }
        }
    }

    @Test
    void useByAnNbdClientIsNoticed() throws IOException {
        String volume = server.newVolume(1).getString("volumeId");
        try (Listener listener = new Listener("")) {
            assertThat(listener.line()).isEqualTo(": listening");
            Process client = new ProcessBuilder(
                            "qemu-io", "-f", "raw", server.daemon().nbdUri(volume), "-c", "sleep 60000")
                    .redirectErrorStream(true)
                    .start();
            try {
                assertThat(listener.events(1)).containsExactly("volume " + volume + " in-use");
            } finally {
                client.destroyForcibly();
            }
            assertThat(listener.events(1)).containsExactly("volume " + volume + " available");
        }
    }

    @Test
    void onlySoManyMayListenAndWhoLeavesMakesRoom() throws IOException {
        JsonObject change = new JsonObject().put("name", "n".repeat(200));
        String path = "/v1/volumes/" + server.newVolume(1).getString("volumeId");
        List<Listener> silent = new ArrayList<>();
        try {
            for (int i = 0; i < 64; i++) {
                silent.add(new Listener(""));
                assertThat(silent.get(i).line()).isEqualTo(": listening");
            }
            assertThat(server.api().get("/v1/events").code()).isEqualTo("RequestLimitExceeded");
            silent.get(0).close();
            await().untilAsserted(() -> {
                try (Listener next = new Listener("")) {
                    assertThat(next.status()).contains("200");
                }
            });
            assertThat(server.api().patch(path, change).status()).isEqualTo(200);
        } finally {
            for (Listener listener : silent) {
                listener.close();
            }
        }
    }

    /** A client that speaks just enough HTTP. */
    private final class Listener implements AutoCloseable {
        private final Socket socket;
        private final BufferedReader in;
        private final String status;

        Listener(String header) throws IOException {
            URI uri = URI.create(server.daemon().apiUri());
            socket = new Socket(uri.getHost(), uri.getPort());
            socket.setSoTimeout(20_000);
            OutputStream out = socket.getOutputStream();
            out.write(("GET /v1/events HTTP/1.1\r\nHost: localhost\r\n" + header + "\r\n")
                    .getBytes(StandardCharsets.US_ASCII));
            in = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
            status = in.readLine();
            for (String line = status; !line.isEmpty(); line = in.readLine()) {
                assertThat(line).isNotNull();
            }
        }

        String status() {
            return status;
        }

        /** The next line that is not of the chunked coding and not empty. */
        String line() throws IOException {
            String line = in.readLine();
            while (line.matches("[0-9a-f]*")) {
                line = in.readLine();
            }
            return line;
        }

        List<String> events(int count) throws IOException {
            List<String> events = new ArrayList<>();
            while (events.size() < count) {
                String line = line();
                if (line.startsWith("data: {\"kind\"")) {
                    JsonObject data = new JsonObject(line.substring("data: ".length()));
                    events.add(data.getString("kind") + " " + data.getString("id") + " " + data.getString("state"));
                }
            }
            return events;
        }

        String lastId(int count) throws IOException {
            String id = "";
            for (int seen = 0; seen < count; ) {
                String line = line();
                if (line.startsWith("id: ")) {
                    id = line.substring("id: ".length());
                    seen++;
                }
            }
            return id;
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }
}
