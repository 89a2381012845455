package io.varve.benchmarks;

import static io.varve.engine.BlockStore.BLOCK_BYTES;

import io.varve.engine.Completion;
import io.varve.engine.IoStatus;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.PrintStream;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Prints how fast the control plane is, over REST, and what its calls do to a volume that is being written: one client,
 * one call after the other. Run it with a directory on a real disk; it leaves nothing behind.
 */
public final class ControlPlaneSpeed implements AutoCloseable {
    private static final int VOLUMES = 1000;
    private static final int SNAPSHOTS = 10_000;
    private static final int SNAPSHOTS_AT_ONCE = 100;
    private static final int QUIET_SECONDS = 10;
    private static final double STOP_MILLIS = 20;
    private static final int MOST_SAMPLES = 1 << 22;

    private final PrintStream out = System.out;
    private final HttpClient http = HttpClient.newHttpClient();
    private final ServedControlPlane served;

    private ControlPlaneSpeed(String parent) throws IOException {
        served = new ServedControlPlane(parent);
    }

    /** Runs it; see the class. */
    public static void main(String[] arguments) throws Exception {
        String parent = arguments.length > 0 ? arguments[0] : System.getProperty("java.io.tmpdir");
        try (ControlPlaneSpeed speed = new ControlPlaneSpeed(parent)) {
            speed.run();
        }
    }

    private void run() throws Exception {
        post("/v1/volumes", new JsonObject().put("sizeGiB", 1)); // wakes everything up
        timed("1,000 volumes created", this::createVolumes);
        timed("volumes described with filters, first call", this::filterVolumes);
        timed("volumes described with filters, again", this::filterVolumes);
        timed("10,000 snapshots taken, 100 at an instant", this::takeSnapshots);
        timed("10,000 snapshots paged, 1,000 a page", () -> pageSnapshots(1000));
        timed("10,000 snapshots paged, 100 a page", () -> pageSnapshots(100));

        Volume volume = served.store().open(newVolume()).join();
        CompletableFuture<Void> enough = new CompletableFuture<>();
        CompletableFuture<long[]> quiet = new Writer(volume, enough).begin();
        TimeUnit.SECONDS.sleep(QUIET_SECONDS);
        enough.complete(null);
        report("4 KiB writes without control calls", quiet);
        CompletableFuture<Void> end = new CompletableFuture<>();
        CompletableFuture<long[]> latencies = new Writer(volume, end).begin();
        timed("created, described, paged beside a writer", () -> {
            createVolumes();
            filterVolumes();
            pageSnapshots(1000);
        });
        end.complete(null);
        report("4 KiB writes with them", latencies);
        volume.release();
    }

    private void createVolumes() throws Exception {
        for (int i = 0; i < VOLUMES; i++) {
            JsonObject tags = new JsonObject().put("team", i % 10 == 0 ? "red" : "blue");
            post(
                    "/v1/volumes",
                    new JsonObject()
                            .put("sizeGiB", 1 + i % 7)
                            .put("name", "v" + i)
                            .put("tags", tags));
        }
    }

    private void filterVolumes() throws Exception {
        JsonObject page = get("/v1/volumes?filter=tag:team=r*&filter=status=available&filter=size=3");
        if (page.getJsonArray("volumes").isEmpty()) {
            throw new IllegalStateException("no volume passed the filters");
        }
    }

    private void takeSnapshots() throws Exception {
        String[] ids = get("/v1/volumes?maxResults=" + SNAPSHOTS_AT_ONCE).getJsonArray("volumes").stream()
                .map(volume -> ((JsonObject) volume).getString("volumeId"))
                .toArray(String[]::new);
        for (int i = 0; i < SNAPSHOTS / SNAPSHOTS_AT_ONCE; i++) {
            post("/v1/snapshot-groups", new JsonObject().put("volumeIds", Arrays.asList(ids)));
        }
    }

    private void pageSnapshots(int limit) throws Exception {
        int seen = 0;
        String token = "";
        while (token != null) {
            JsonObject page = get("/v1/snapshots?maxResults=" + limit + (token.isEmpty() ? "" : "&nextToken=" + token));
            seen += page.getJsonArray("snapshots").size();
            token = page.getString("nextToken");
        }
        if (seen != SNAPSHOTS) {
            throw new IllegalStateException("paged " + seen + " snapshots");
        }
    }

    private VolumeId newVolume() throws Exception {
        return VolumeId.parse(
                post("/v1/volumes", new JsonObject().put("sizeGiB", 1)).getString("volumeId"));
    }

    private JsonObject get(String path) throws Exception {
        return send(request(path).GET());
    }

    private JsonObject post(String path, JsonObject body) throws Exception {
        return send(request(path)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body.encode())));
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(served.uri(path));
    }

    private JsonObject send(HttpRequest.Builder request) throws Exception {
        HttpResponse<String> response = http.send(request.build(), HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() >= 300) {
            throw new IllegalStateException(response.body());
        }
        return new JsonObject(response.body());
    }

    private void timed(String what, Step step) throws Exception {
        long begun = System.nanoTime();
        step.run();
        out.printf("%-45s %8.0f ms%n", what, (System.nanoTime() - begun) / 1e6);
    }

    private void report(String what, CompletableFuture<long[]> future) {
        long[] sorted = future.join();
        Arrays.sort(sorted);
        long stops = Arrays.stream(sorted)
                .filter(nanos -> nanos >= STOP_MILLIS * 1e6)
                .count();
        out.printf(
                "%-45s %8d writes, median %.0f us, p99 %.0f us, p99.9 %.0f us, longest %.1f ms, %d of %.0f ms or more%n",
                what,
                sorted.length,
                sorted[sorted.length / 2] / 1e3,
                sorted[(int) (sorted.length * 0.99)] / 1e3,
                sorted[(int) (sorted.length * 0.999)] / 1e3,
                sorted[sorted.length - 1] / 1e6,
                stops,
                STOP_MILLIS);
    }

    @Override
    public void close() throws IOException {
        served.close();
    }

    private interface Step {
        void run() throws Exception;
    }

    /** One 4 KiB write at a time, and how long each of the first millions took. On the volume's loop. */
    private static final class Writer implements Completion {
        private final Volume volume;
        private final ByteBuffer block = ByteBuffer.allocateDirect(BLOCK_BYTES);
        private final long[] nanos = new long[MOST_SAMPLES];
        private final CompletableFuture<long[]> done = new CompletableFuture<>();
        private final CompletableFuture<Void> end;
        private int count;
        private long begun;

        Writer(Volume volume, CompletableFuture<Void> end) {
            this.volume = volume;
            this.end = end;
        }

        CompletableFuture<long[]> begin() {
            volume.loop().execute(this::next);
            return done;
        }

        private void next() {
            if (end.isDone()) {
                done.complete(Arrays.copyOf(nanos, Math.min(count, MOST_SAMPLES)));
                return;
            }
            begun = System.nanoTime();
            write();
        }

        /** As a server does, it waits while the volume takes nothing in; that counts. */
        private void write() {
            if (volume.congested()) {
                volume.whenWritable(() -> volume.loop().execute(this::write));
                return;
            }
            long offset = count * 7919L % (volume.sizeBytes() / BLOCK_BYTES) * BLOCK_BYTES;
            volume.write(offset, block, false, this);
            volume.submit();
        }

        @Override
        public void completed(IoStatus status) {
            if (count < MOST_SAMPLES) {
                nanos[count] = System.nanoTime() - begun;
            }
            count++;
            volume.loop().execute(this::next);
        }
    }
}
