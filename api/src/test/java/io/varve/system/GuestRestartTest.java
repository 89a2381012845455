package io.varve.system;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.testing.Certificates;
import io.varve.testing.RequiresTools;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A machine that writes and syncs files does not notice that the server below its disk is killed and comes back. */
@Tag("slow")
@RequiresTools({
    "qemu-system-x86_64",
    "openssl",
    "python3",
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
class GuestRestartTest {
    @TempDir
    Path directory;

    /**
     * QEMU holds back what the machine asks for, over TLS, until the server is there again ({@code reconnect-delay}).
     */
    @Test
    void aVirtioDiskOverTlsGoesOnBehindTheServersDeath() {
        Certificates authority = Certificates.create(directory.resolve("ca")).server("ec");
        Path client = authority.client("machine");
        List<String> tls = List.of(
                "--nbd-tls-cert=" + authority.serverCertificate(),
                "--nbd-tls-key=" + authority.serverKey(),
                "--nbd-tls-client-ca=" + authority.authority());
        try (Lives lives = new Lives(tls)) {
            String blockdev =
                    "driver=nbd,node-name=disk,server.type=inet,server.host=127.0.0.1,server.port=" + lives.port()
                            + ",export=" + lives.server.newVolume("disk", 1)
                            + ",tls-creds=tls0,reconnect-delay=120,cache.direct=on,discard=unmap";
            try (Guest guest = GuestKernel.into(directory)
                    .boot(
                            "restarts",
                            Map.of(),
                            "-object",
                            "tls-creds-x509,id=tls0,endpoint=client,dir=" + client,
                            "-blockdev",
                            blockdev,
                            "-device",
                            "virtio-blk-pci,drive=disk")) {
                for (int synced : new int[] {10, 30}) {
                    guest.await("synced file " + synced + ".", GuestKernel.PATIENCE);
                    lives.next();
                }
                guest.await("synced file 50.", GuestKernel.PATIENCE);
                assertNothingIsLost(guest, "/dev/vda");
            }
        }
    }

    /**
     * Linux holds back what waits for the device, and sends again over new connections what was in flight. They are
     * made by a script of ours, because {@code nbd-client -persist} (3.24) gives up.
     */
    @Test
    void theKernelsNbdClientGoesOnOverNewConnections() throws IOException {
        Path python = Files.createDirectories(directory.resolve("gathered"));
        GuestKernel.gatherPython(python, "nbd-reconfigure.py");
        try (Lives lives = new Lives(List.of())) {
            Map<String, String> environment = Map.of(
                    "host", Guest.HOST,
                    "port", String.valueOf(lives.port()),
                    "volume", lives.server.newVolume("disk", 1));
            try (Guest guest = GuestKernel.into(directory)
                    .with("python", python)
                    .boot("restarts", environment, "-nic", "user,model=virtio-net-pci")) {
                for (int synced : new int[] {10, 30}) {
                    guest.await("synced file " + synced + ".", GuestKernel.PATIENCE);
                    lives.next();
                    guest.type("again");
                }
                guest.await("synced file 50.", GuestKernel.PATIENCE);
                assertNothingIsLost(guest, "/dev/nbd0");
            }
        }
    }

    private static void assertNothingIsLost(Guest guest, String disk) {
        guest.type("enough");
        assertThat(guest.awaitSuccess(GuestKernel.PATIENCE))
                .containsPattern(disk + ": \\d+/\\d+ files")
                .containsPattern("found all \\d{2,} files");
    }

    /** A server that is killed and comes back at the same port. */
    private final class Lives implements AutoCloseable {
        private final List<String> options;
        private ServerProcess server;

        Lives(List<String> options) {
            this.options = options;
            server = start(0);
        }

        private ServerProcess start(int port) {
            List<String> all = new ArrayList<>(options);
            all.add("--nbd=127.0.0.1:" + port);
            return ServerProcess.start(directory, List.of(), all);
        }

        int port() {
            return server.nbdPort();
        }

        void next() {
            int port = port();
            server.kill();
            server = start(port);
        }

        @Override
        public void close() {
            server.close();
        }
    }
}
