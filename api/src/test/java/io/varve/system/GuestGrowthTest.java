package io.varve.system;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.testing.RequiresTools;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A mounted ext4 grows with its volume, once the client below it was told: nothing in NBD tells it. */
@Tag("slow")
@RequiresTools({
    "qemu-system-x86_64",
    "python3",
    "busybox",
    "cpio",
    "nbd-client",
    "mkfs.ext4",
    "e2fsck",
    "resize2fs",
    "modprobe",
    "depmod",
    "apt-get",
    "dpkg-deb"
})
class GuestGrowthTest {
    private static final long NEW_BYTES = 2L << 30;

    @TempDir
    static Path directory;

    private static GuestKernel kernel;
    private static ServerProcess server;

    @BeforeAll
    static void start() throws IOException {
        Path python = Files.createDirectories(directory.resolve("gathered"));
        GuestKernel.gatherPython(python, "nbd-reconfigure.py");
        kernel = GuestKernel.into(directory, "resize2fs").with("python", python);
        server = ServerProcess.start(directory);
    }

    @AfterAll
    static void stop() {
        if (server != null) {
            server.close();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"netlink", "ioctl"})
    void theKernelsNbdClientIsToldTheNewSize(String kernelInterface) {
        String volume = server.newVolume(kernelInterface, 1);
        Map<String, String> environment = Map.of(
                "host",
                Guest.HOST,
                "port",
                String.valueOf(server.nbdPort()),
                "volume",
                volume,
                "interface",
                kernelInterface);
        try (Guest guest = kernel.boot("grow", environment, "-nic", "user,model=virtio-net-pci")) {
            guest.await("guest is ready to grow", GuestKernel.PATIENCE);
            grow(volume);
            guest.type(String.valueOf(NEW_BYTES));
            assertGrown(guest, "/dev/nbd0");
        }
    }

    /** QEMU's NBD driver cannot resize, so the disk gets a new connection below it before it is resized. */
    @Test
    void aVirtioDiskGetsANewConnectionBelowIt() {
        String volume = server.newVolume("virtio", 1);
        Path monitor = directory.resolve("monitor.sock");
        try (Guest guest = kernel.boot(
                "grow",
                Map.of(),
                "-blockdev",
                connection(volume, "before").encode(),
                "-blockdev",
                disk("before").encode(),
                "-device",
                "virtio-blk-pci,drive=disk",
                "-qmp",
                Qmp.option(monitor))) {
            guest.await("guest is ready to grow", GuestKernel.PATIENCE);
            grow(volume);
            JsonObject larger = new JsonObject().put("node-name", "disk").put("size", NEW_BYTES);
            try (Qmp qmp = Qmp.connect(monitor)) {
                assertThat(qmp.refusal("block_resize", larger)).isEqualTo("Cannot grow NBD nodes");

                qmp.execute("blockdev-add", connection(volume, "after"));
                qmp.execute("blockdev-reopen", new JsonObject().put("options", new JsonArray().add(disk("after"))));
                qmp.execute("block_resize", larger);
                qmp.execute("blockdev-del", new JsonObject().put("node-name", "before"));
            }
            guest.type(String.valueOf(NEW_BYTES));
            assertGrown(guest, "/dev/vda");
        }
    }

    private static void grow(String volume) {
        server.api().patch("/v1/volumes/" + volume, new JsonObject().put("sizeGiB", NEW_BYTES >> 30));
    }

    private static JsonObject connection(String volume, String name) {
        return new JsonObject()
                .put("driver", "nbd")
                .put("node-name", name)
                .put(
                        "server",
                        new JsonObject()
                                .put("type", "unix")
                                .put("path", server.socket().toString()))
                .put("export", volume)
                .put("cache", new JsonObject().put("direct", true))
                .put("discard", "unmap");
    }

    private static JsonObject disk(String connection) {
        return new JsonObject()
                .put("driver", "raw")
                .put("node-name", "disk")
                .put("file", connection)
                .put("cache", new JsonObject().put("direct", true))
                .put("discard", "unmap");
    }

    private static void assertGrown(Guest guest, String disk) {
        assertThat(guest.awaitSuccess(GuestKernel.PATIENCE))
                .containsPattern("guest has (19|20)\\d\\d MiB")
                .containsPattern(disk + ": \\d+/\\d+ files");
    }
}
