package io.varve.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.varve.testing.RequiresTools;
import io.varve.testing.Tools;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A Linux kernel lives on volumes: through its own NBD client, and through QEMU's below a virtio disk. The kernel is
 * Debian's, fetched once into the module's build directory; where that cannot be had, the tests are skipped, or fail
 * with {@code VARVE_REQUIRE_TOOLS=1}.
 */
@Tag("slow")
@RequiresTools({
    "qemu-system-x86_64",
    "busybox",
    "cpio",
    "nbd-client",
    "mkfs.ext4",
    "e2fsck",
    "modprobe",
    "depmod",
    "apt-get",
    "dpkg-deb"
})
class GuestKernelTest {
    private static final Path KERNEL = Path.of("target", "guest-kernel").toAbsolutePath();
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    @TempDir
    static Path directory;

    private static ServerProcess server;

    @BeforeAll
    static void start() throws IOException {
        if (!Files.exists(KERNEL)) {
            fetchKernel();
        }
        Tools.run(PATIENCE, "sh", resource("make-initramfs"), KERNEL.toString(), directory.toString())
                .succeeded();
        server = ServerProcess.start(directory);
    }

    @AfterAll
    static void stop() {
        if (server != null) {
            server.close();
        }
    }

    @Test
    void theKernelsNbdClientCarriesAFileSystemAndASnapshotTakenUnderIt() {
        String volume = server.newVolume("nbd", 1);
        Map<String, String> environment =
                Map.of("host", Guest.HOST, "port", String.valueOf(server.nbdPort()), "volume", volume);

        try (Guest guest = boot("nbd", environment, "-nic", "user,model=virtio-net-pci")) {
            guest.await("guest is ready for the snapshot", PATIENCE);
            String snapshot = server.newSnapshot(volume);
            guest.type(server.restore("restored", snapshot));
            String console = guest.awaitSuccess(PATIENCE);

            assertThat(console).containsPattern(checked("/dev/nbd0")).containsPattern(checked("/dev/nbd1"));
            assertThat(console.lines().filter(line -> line.matches("before-\\d+: OK")))
                    .hasSize(10);
        }
    }

    @Test
    void aVirtioDiskKeepsItsFilesOverABoot() {
        String volume = server.newVolume("virtio", 1);
        String disk = "file=" + server.unixUri(volume) + ",format=raw,if=virtio,cache=none,discard=unmap";

        try (Guest first = boot("virtio-write", Map.of(), "-drive", disk)) {
            assertThat(first.awaitSuccess(PATIENCE))
                    .containsPattern("/mnt: \\d+ bytes trimmed")
                    .containsPattern(checked("/dev/vda"));
        }
        assertThat(server.operations(volume, "trim")).isPositive();
        try (Guest second = boot("virtio-check", Map.of(), "-drive", disk)) {
            String console = second.awaitSuccess(PATIENCE);

            assertThat(console).containsPattern(checked("/dev/vda"));
            assertThat(console.lines().filter(line -> line.matches("file-\\d+: OK")))
                    .hasSize(10);
        }
    }

    private static Guest boot(String script, Map<String, String> environment, String... devices) {
        try (Stream<Path> files = Files.list(KERNEL.resolve("boot"))) {
            Path image = files.filter(file -> file.getFileName().toString().startsWith("vmlinuz-"))
                    .findFirst()
                    .orElseThrow();
            return Guest.boot(image, directory.resolve("initramfs"), script, environment, List.of(devices));
        } catch (IOException e) {
            throw new AssertionError("no kernel in " + KERNEL, e);
        }
    }

    /** The last line of a full check by e2fsck; had it found anything, the script would have ended with its exit code. */
    private static String checked(String device) {
        return device + ": \\d+/\\d+ files";
    }

    private static void fetchKernel() {
        Tools.Finished fetched = Tools.run(PATIENCE, "sh", resource("fetch-kernel"), KERNEL.toString());
        if ("1".equals(System.getenv("VARVE_REQUIRE_TOOLS"))) {
            fetched.succeeded();
        }
        assumeTrue(
                fetched.exitCode() == 0,
                () -> "needs Debian's linux-image-cloud-amd64, which apt cannot download here: " + fetched.errors());
    }

    private static String resource(String name) {
        try {
            return Path.of(Objects.requireNonNull(GuestKernelTest.class.getResource("guest/" + name))
                            .toURI())
                    .toString();
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }
}
