package io.varve.system;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.varve.testing.Tools;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;

/**
 * An export as a file of this machine, by nbdfuse. Closing unmounts it, and fails if nbdfuse does not end by itself
 * then.
 */
final class FuseFile implements AutoCloseable {
    private static final Duration AMPLE = Duration.ofMinutes(2);

    private final Process process;
    private final Path mountPoint;

    private FuseFile(Process process, Path mountPoint) {
        this.process = process;
        this.mountPoint = mountPoint;
    }

    /**
     * Mounts and waits until the file is there.
     *
     * @param mountPoint an empty directory
     * @param directory where nbdfuse leaves its process id and what it says
     */
    static FuseFile mount(Path mountPoint, Path directory, String uri) throws IOException {
        if (!"1".equals(System.getenv("VARVE_REQUIRE_TOOLS"))) {
            assumeTrue(Files.isWritable(Path.of("/dev/fuse")), "needs /dev/fuse");
        }
        Path pid = directory.resolve("nbdfuse.pid");
        Path output = directory.resolve("nbdfuse.out");
        Files.deleteIfExists(pid);
        FuseFile mounted = new FuseFile(
                new ProcessBuilder(
                                "nbdfuse",
                                "-P",
                                pid.toString(),
                                mountPoint.resolve("nbd").toString(),
                                uri)
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile())
                        .start(),
                mountPoint);
        try {
            Awaitility.await().atMost(AMPLE).until(() -> Files.exists(pid) || !mounted.process.isAlive());
        } catch (RuntimeException late) {
            mounted.process.destroyForcibly();
            throw late;
        }
        if (!mounted.process.isAlive()) {
            throw new AssertionError("nbdfuse " + uri + " ended: " + Files.readString(output));
        }
        return mounted;
    }

    /** The export's bytes. */
    Path file() {
        return mountPoint.resolve("nbd");
    }

    @Override
    public void close() {
        try {
            Tools.Finished unmounted = Tools.run(AMPLE, "fusermount3", "-u", mountPoint.toString());
            if (unmounted.exitCode() != 0) {
                Tools.run(AMPLE, "fusermount3", "-uz", mountPoint.toString());
            }
            unmounted.succeeded();
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                throw new AssertionError("nbdfuse did not end after its file was unmounted");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            process.destroyForcibly();
        }
    }
}
