package io.varve.benchmarks;

import io.varve.api.Main;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Prints how fast snapshots are written and read block by block over the EBS direct APIs, by eight connections on
 * loopback, and what that does to a volume that is written over NBD meanwhile. The server is a process of its own with
 * the memory that the launcher gives it. Run it with a directory on a real disk; it leaves nothing behind.
 */
public final class DirectApiSpeed implements AutoCloseable {
    private static final Pattern READY = Pattern.compile("varve ready api=(\\S+) .*");
    private static final int CONNECTIONS = 8;
    private static final int SIZE_GIB = 2;
    private static final int BLOCKS = SIZE_GIB << 11;
    private static final int SAMPLES = 64;
    private static final int NBD_REQUESTS = 4096;
    private static final int NBD_DEPTH = 8;
    private static final int NBD_BLOCK = 4096;
    private static final String VOLUME = "written";

    private final PrintStream out = System.out;
    private final Path directory;
    private final Process server;
    private final BufferedReader output;
    private final URI api;
    private final List<DirectApiClient.Sample> samples = new ArrayList<>();
    private final List<DirectApiClient> clients = new ArrayList<>();
    private final ExecutorService threads = Executors.newFixedThreadPool(CONNECTIONS + 1);

    private DirectApiSpeed(String parent) throws IOException {
        directory = Files.createTempDirectory(Path.of(parent), "varve-direct-");
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(argument -> argument.startsWith("--"))
                .forEach(command::add);
        command.addAll(List.of("-Xmx256m", "-XX:MaxDirectMemorySize=576m", "-XX:+UseSerialGC"));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName(), "serve"));
        command.addAll(List.of("--data=" + directory.resolve("data"), "--api=127.0.0.1:0", "--nbd=127.0.0.1:0"));
        command.add("--nbd-socket=" + socket());
        server = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        output = new BufferedReader(new InputStreamReader(server.getInputStream(), StandardCharsets.UTF_8));
        Matcher ready = READY.matcher(String.valueOf(output.readLine()));
        if (!ready.matches()) {
            server.destroyForcibly();
            throw new IOException("the server did not start");
        }
        api = URI.create(ready.group(1));
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < SAMPLES; i++) {
            samples.add(DirectApiClient.Sample.random(random));
        }
        for (int i = 0; i < CONNECTIONS; i++) {
            clients.add(new DirectApiClient(api));
        }
    }

    private Path socket() {
        return directory.resolve("nbd.sock");
    }

    /** Runs it; see the class. */
    public static void main(String[] arguments) throws Exception {
        String parent = arguments.length > 0 ? arguments[0] : System.getProperty("java.io.tmpdir");
        try (DirectApiSpeed speed = new DirectApiSpeed(parent)) {
            speed.run();
        }
    }

    private void run() throws Exception {
        clients.get(0)
                .nativeCall(
                        "POST",
                        "/v1/volumes",
                        new JsonObject().put("sizeGiB", 1).put("name", VOLUME));
        String warm = upload("the first, in a cold JVM");
        download(warm, "the first");
        clients.get(0).nativeCall("DELETE", "/v1/snapshots/" + warm, new JsonObject());
        String id = upload("again");
        download(id, "again");
        out.printf(
                "NBD writes of 4 KiB, depth %d, alone:  %,.0f a second%n", NBD_DEPTH, nbdRate(new AtomicBoolean(true)));
        beside("GetSnapshotBlock", () -> download(id, "beside NBD"));
        beside("PutSnapshotBlock", () -> upload("beside NBD"));
    }

    private void beside(String what, Step step) throws Exception {
        AtomicBoolean end = new AtomicBoolean();
        Future<Double> rate = threads.submit(() -> nbdRate(end));
        step.run();
        end.set(true);
        out.printf("NBD writes beside %s: %,.0f a second%n", what, rate.get());
    }

    /** Writes at least once over, and until it is to end. */
    private double nbdRate(AtomicBoolean end) throws IOException {
        SplittableRandom random = new SplittableRandom(2);
        try (NbdClient client = new NbdClient(socket(), VOLUME, NBD_BLOCK, NBD_DEPTH, new byte[NBD_BLOCK])) {
            client.run(NBD_REQUESTS, () -> false, () -> random.nextLong(1L << 18) * NBD_BLOCK);
            long begun = System.nanoTime();
            long requests = 0;
            do {
                client.run(NBD_REQUESTS, () -> false, () -> random.nextLong(1L << 18) * NBD_BLOCK);
                requests += NBD_REQUESTS;
            } while (!end.get() || requests < 10 * NBD_REQUESTS);
            return requests / ((System.nanoTime() - begun) / 1e9);
        }
    }

    private String upload(String which) throws Exception {
        DirectApiClient one = clients.get(0);
        String id = one.json("POST", "/snapshots", new JsonObject().put("VolumeSize", SIZE_GIB), "")
                .getString("SnapshotId");
        timed("PutSnapshotBlock, " + which, (client, index) -> client.put(id, index, samples.get(index % SAMPLES)));
        long begun = System.nanoTime();
        one.json(
                "POST",
                "/snapshots/completion/" + id,
                new JsonObject(),
                "x-amz-ChangedBlocksCount: " + BLOCKS + "\r\n");
        out.printf("%-40s %8.0f ms%n", "CompleteSnapshot", (System.nanoTime() - begun) / 1e6);
        return id;
    }

    private String download(String id, String which) throws Exception {
        long begun = System.nanoTime();
        JsonArray blocks = clients.get(0)
                .json("GET", "/snapshots/" + id + "/blocks?maxResults=10000", new JsonObject(), "")
                .getJsonArray("Blocks");
        out.printf("%-40s %8.0f ms%n", "ListSnapshotBlocks, " + blocks.size(), (System.nanoTime() - begun) / 1e6);
        timed(
                "GetSnapshotBlock, " + which,
                (client, index) -> client.get(
                        id,
                        index,
                        URLEncoder.encode(
                                blocks.getJsonObject(index).getString("BlockToken"), StandardCharsets.UTF_8)));
        return id;
    }

    private interface Step {
        Object run() throws Exception;
    }

    private interface BlockStep {
        void run(DirectApiClient client, int index) throws IOException;
    }

    private void timed(String what, BlockStep step) throws Exception {
        AtomicInteger next = new AtomicInteger();
        long begun = System.nanoTime();
        Duration used = serverTime();
        List<Future<?>> running = new ArrayList<>();
        for (DirectApiClient client : clients) {
            running.add(threads.submit(() -> {
                for (int index = next.getAndIncrement(); index < BLOCKS; index = next.getAndIncrement()) {
                    step.run(client, index);
                }
                return null;
            }));
        }
        for (Future<?> client : running) {
            client.get();
        }
        double seconds = (System.nanoTime() - begun) / 1e9;
        out.printf(
                "%-40s %8.0f MB/s, %,.0f a second, %.2f ms of the server's CPU each%n",
                what,
                (double) BLOCKS * DirectApiClient.BLOCK_BYTES / 1e6 / seconds,
                BLOCKS / seconds,
                serverTime().minus(used).toNanos() / 1e6 / BLOCKS);
    }

    private Duration serverTime() {
        return server.info().totalCpuDuration().orElse(Duration.ZERO);
    }

    @Override
    public void close() throws IOException {
        threads.shutdownNow();
        for (DirectApiClient client : clients) {
            client.close();
        }
        server.destroy();
        try {
            if (!server.waitFor(30, TimeUnit.SECONDS)) {
                server.destroyForcibly();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        output.close();
        TemporaryStore.delete(directory);
    }
}
