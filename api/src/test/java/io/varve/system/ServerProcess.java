package io.varve.system;

import io.varve.api.Main;
import io.varve.api.rest.Probe;
import io.vertx.core.json.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** A server in a process of its own, with the memory that the launcher gives it, that can be killed. */
public final class ServerProcess implements AutoCloseable {
    private static final Pattern READY = Pattern.compile("varve ready api=(\\S+) nbd=nbds?://(\\S+?):(\\d+)\\S* .*");

    /** How a client reaches an export. */
    public enum Transport {
        TCP,
        UNIX
    }

    private final Process process;
    private final BufferedReader output;
    private final Path socket;
    private final Probe api;
    private final int nbdPort;

    private ServerProcess(Process process, Path socket) throws IOException {
        this.process = process;
        this.socket = socket;
        // Kept open to the end: a server whose output is closed would be told so.
        output = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        String line = output.readLine();
        Matcher ready = READY.matcher(line == null ? "" : line);
        if (!ready.matches()) {
            process.destroyForcibly();
            throw new AssertionError("the server said: " + line);
        }
        api = new Probe(ready.group(1));
        nbdPort = Integer.parseInt(ready.group(3));
    }

    /** Starts a server on {@code directory}/data and waits until it is ready. */
    public static ServerProcess start(Path directory) {
        return start(directory, List.of(), List.of("--nbd=127.0.0.1:0"));
    }

    /**
     * Starts a server in another way.
     *
     * @param launcher a program that runs the one behind it; empty for none
     * @param options where it listens on TCP, and whatever else it is told
     */
    public static ServerProcess start(Path directory, List<String> launcher, List<String> options) {
        return start(directory, launcher, List.of("-Xmx256m", "-XX:MaxDirectMemorySize=576m"), options);
    }

    /** Starts a server with other memory than the launcher gives it. */
    public static ServerProcess start(
            Path directory, List<String> launcher, List<String> memory, List<String> options) {
        Path socket = directory.resolve("nbd.sock");
        List<String> command = new ArrayList<>(launcher);
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(argument -> argument.startsWith("--"))
                .forEach(command::add);
        command.addAll(memory);
        command.addAll(List.of(
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName(),
                "serve",
                "--data=" + directory.resolve("data"),
                "--api=127.0.0.1:0",
                "--nbd-socket=" + socket));
        command.addAll(options);
        try {
            Process process = new ProcessBuilder(command)
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            return new ServerProcess(process, socket);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The REST API; every answer is held against the OpenAPI document. */
    public Probe api() {
        return api;
    }

    public Path socket() {
        return socket;
    }

    /** Creates a volume and gives its id. */
    public String newVolume(String name, int sizeGiB) {
        JsonObject request = new JsonObject().put("sizeGiB", sizeGiB).put("name", name);
        return api.post("/v1/volumes", request).body().getString("volumeId");
    }

    /** Creates a volume from a snapshot and gives its id. */
    public String restore(String name, String snapshotId) {
        JsonObject request = new JsonObject().put("snapshotId", snapshotId).put("name", name);
        return api.post("/v1/volumes", request).body().getString("volumeId");
    }

    /** Takes a snapshot and gives its id. */
    public String newSnapshot(String volumeId) {
        return api.post("/v1/snapshots", new JsonObject().put("volumeId", volumeId))
                .body()
                .getString("snapshotId");
    }

    /** An export's URI; the empty name is that of the server. */
    public String uri(Transport transport, String export) {
        return transport == Transport.TCP ? tcpUri(export) : unixUri(export);
    }

    /** An export's URI over the Unix socket. */
    public String unixUri(String export) {
        return "nbd+unix:///" + export + "?socket=" + socket;
    }

    /** An export's URI over TCP. */
    public String tcpUri(String export) {
        return "nbd://127.0.0.1:" + nbdPort + "/" + export;
    }

    /** The value of a metric that has no labels. */
    public double metric(String name) {
        String text = api.get("/metrics").response().body();
        return text.lines()
                .filter(line -> line.startsWith(name + " "))
                .mapToDouble(line -> Double.parseDouble(line.substring(name.length() + 1)))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no metric " + name + " in " + text));
    }

    /** The value of the metric with this label, whatever the label's name is. */
    public double labelled(String name, String label) {
        return api.get("/metrics")
                .response()
                .body()
                .lines()
                .filter(line -> line.startsWith(name + "{") && line.contains('"' + label + '"'))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no metric " + name + " of " + label));
    }

    /** How many requests of a kind, {@code write} say, the volume has finished. */
    public double operations(String volumeId, String kind) {
        return api.get("/metrics")
                .response()
                .body()
                .lines()
                .filter(line -> line.startsWith("varve_volume_operations_total{"))
                .filter(line -> line.contains('"' + volumeId + '"') && line.contains('"' + kind + '"'))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }

    public int nbdPort() {
        return nbdPort;
    }

    /** How many threads the process has. */
    public long threads() {
        try (Stream<Path> threads = Files.list(Path.of("/proc", String.valueOf(process.pid()), "task"))) {
            return threads.count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** How long the threads that run now have been ready to run, all together, without a CPU to run on. */
    public Duration cpuWait() {
        try (Stream<Path> threads = Files.list(Path.of("/proc", String.valueOf(process.pid()), "task"))) {
            return threads.map(ServerProcess::cpuWait).reduce(Duration.ZERO, Duration::plus);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Duration cpuWait(Path thread) {
        try {
            // Nanoseconds run, nanoseconds waited, slices: the kernel's Documentation/scheduler/sched-stats.
            return Duration.ofNanos(
                    Long.parseLong(Files.readString(thread.resolve("schedstat")).split(" ", -1)[1]));
        } catch (IOException e) {
            return Duration.ZERO; // it has ended since it was listed
        }
    }

    /** kill -9. */
    public void kill() {
        process.destroyForcibly().onExit().join();
    }

    /** SIGTERM, and waits for the end. */
    @Override
    public void close() {
        process.destroy();
        process.onExit().join();
        try {
            output.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
