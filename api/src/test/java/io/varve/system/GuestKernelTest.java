package io.varve.system;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.testing.Certificates;
import io.varve.testing.RequiresTools;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A Linux kernel lives on volumes: through its own NBD client, and through QEMU's below a virtio disk. The kernel is
 * Debian's; see {@link GuestKernel}.
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
    @TempDir
    static Path directory;

    private static GuestKernel kernel;
    private static ServerProcess server;

    @BeforeAll
    static void start() {
        kernel = GuestKernel.into(directory);
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

        try (Guest guest = kernel.boot("nbd", environment, "-nic", "user,model=virtio-net-pci")) {
            guest.await("guest is ready for the snapshot", GuestKernel.PATIENCE);
            String snapshot = server.newSnapshot(volume);
            guest.type(server.restore("restored", snapshot));
            String console = guest.awaitSuccess(GuestKernel.PATIENCE);

            assertThat(console).containsPattern(checked("/dev/nbd0")).containsPattern(checked("/dev/nbd1"));
            assertThat(console.lines().filter(line -> line.matches("before-\\d+: OK")))
                    .hasSize(10);
        }
    }

    @Test
    void fourConnectionsOfTheKernelsNbdClientCarryAFileSystem() {
        fourConnections(kernel, server);
    }

    @Test
    @RequiresTools("openssl")
    void fourConnectionsOfTheKernelsNbdClientCarryAFileSystemOverTls(@TempDir Path other) {
        Certificates authority = Certificates.create(other.resolve("ca")).server("ec");
        List<String> options = List.of(
                "--nbd=127.0.0.1:0",
                "--nbd-tls-cert=" + authority.serverCertificate(),
                "--nbd-tls-key=" + authority.serverKey(),
                "--nbd-tls-client-ca=" + authority.authority());
        try (ServerProcess secured = ServerProcess.start(other, List.of(), options)) {
            fourConnections(kernel.with("certificates", authority.client("guest")), secured);
        }
    }

    private static void fourConnections(GuestKernel guestKernel, ServerProcess server) {
        String volume = server.newVolume("four", 1);
        Map<String, String> environment =
                Map.of("host", Guest.HOST, "port", String.valueOf(server.nbdPort()), "volume", volume);
        try (Guest guest = guestKernel.boot("nbd-connections", environment, "-nic", "user,model=virtio-net-pci")) {
            guest.await("guest has written", GuestKernel.PATIENCE);
            assertThat(server.metric("varve_nbd_connections")).isEqualTo(4);
            guest.type("go on");
            String console = guest.awaitSuccess(GuestKernel.PATIENCE);

            assertThat(console).containsPattern(checked("/dev/nbd0"));
            assertThat(console.lines().filter(line -> line.matches("file-\\d-\\d: OK")))
                    .hasSize(24);
        }
    }

    @Test
    void aVirtioDiskKeepsItsFilesOverABoot() {
        String volume = server.newVolume("virtio", 1);
        String disk = "file=" + server.unixUri(volume) + ",format=raw,if=virtio,cache=none,discard=unmap";

        try (Guest first = kernel.boot("virtio-write", Map.of(), "-drive", disk)) {
            assertThat(first.awaitSuccess(GuestKernel.PATIENCE))
                    .containsPattern("/mnt: \\d+ bytes trimmed")
                    .containsPattern(checked("/dev/vda"));
        }
        assertThat(server.operations(volume, "trim")).isPositive();
        try (Guest second = kernel.boot("virtio-check", Map.of(), "-drive", disk)) {
            String console = second.awaitSuccess(GuestKernel.PATIENCE);

            assertThat(console).containsPattern(checked("/dev/vda"));
            assertThat(console.lines().filter(line -> line.matches("file-\\d+: OK")))
                    .hasSize(10);
        }
    }

    /**
     * The last line of a full check by e2fsck; had it found anything, the script would have ended with its exit code.
     */
    private static String checked(String device) {
        return device + ": \\d+/\\d+ files";
    }
}
