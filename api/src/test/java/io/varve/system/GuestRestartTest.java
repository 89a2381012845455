package io.varve.system;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.testing.Certificates;
import io.varve.testing.RequiresTools;
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

    private Certificates authority;

    /** QEMU holds back what the machine asks for, over TLS, until the server is there again ({@code reconnect-delay}). */
    @Test
    void aVirtioDiskOverTlsGoesOnBehindTheServersDeath() {
        GuestKernel kernel = GuestKernel.into(directory);
        authority = Certificates.create(directory.resolve("ca")).server("ec");
        Path client = authority.client("machine");
        ServerProcess server = start(0);
        try {
            int port = server.nbdPort();
            String blockdev = "driver=nbd,node-name=disk,server.type=inet,server.host=127.0.0.1,server.port=" + port
                    + ",export=" + server.newVolume("disk", 1)
                    + ",tls-creds=tls0,reconnect-delay=120,cache.direct=on,discard=unmap";
            try (Guest guest = kernel.boot(
                    "restarts",
                    Map.of(),
                    "-object",
                    "tls-creds-x509,id=tls0,endpoint=client,dir=" + client,
                    "-blockdev",
                    blockdev,
                    "-device",
                    "virtio-blk-pci,drive=disk")) {
                for (int synced : new int[] {20, 60}) {
                    guest.await("synced file " + synced + ".", GuestKernel.PATIENCE);
                    server.kill();
                    server = start(port);
                }
                guest.await("synced file 100.", GuestKernel.PATIENCE);
                guest.type("enough");
                assertThat(guest.awaitSuccess(GuestKernel.PATIENCE))
                        .containsPattern("/dev/vda: \\d+/\\d+ files")
                        .containsPattern("found all \\d{3,} files");
            }
        } finally {
            server.close();
        }
    }

    private ServerProcess start(int port) {
        List<String> options = new ArrayList<>(List.of("--nbd=127.0.0.1:" + port));
        options.add("--nbd-tls-cert=" + authority.serverCertificate());
        options.add("--nbd-tls-key=" + authority.serverKey());
        options.add("--nbd-tls-client-ca=" + authority.authority());
        return ServerProcess.start(directory, List.of(), options);
    }
}
