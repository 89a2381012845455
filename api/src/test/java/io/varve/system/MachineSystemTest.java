package io.varve.system;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.api.rest.Probe;
import io.varve.testing.RequiresTools;
import io.varve.testing.Tools;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.net.http.HttpRequest;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A virtual machine lives on clones of an image, as {@code docs/qemu.md} shows it: whoever runs it tells the instance's
 * states over REST, and QEMU opens over NBD what is attached.
 */
@Tag("slow")
@RequiresTools({
    "qemu-system-x86_64",
    "qemu-img",
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
class MachineSystemTest {
    private static final String INSTANCE = "i-0123456789abcdef0";
    private static final String PATH = "/v1/instances/" + INSTANCE;

    @TempDir
    private Path directory;

    @Test
    void aMachineBootsFromAnImageKeepsItsDataOverAStopAndTakesItsDiskAlong() {
        GuestKernel kernel = GuestKernel.into(directory);
        Path disk = makeDisk(kernel);
        List<String> options = List.of("--nbd=127.0.0.1:0", "--attached-only");
        try (ServerProcess server = ServerProcess.start(directory, List.of(), options)) {
            String image = register(server, disk);
            String root = launch(server, image);
            String data = server.newVolume("data", 1);
            server.api().post("/v1/instances", new JsonObject().put("instanceId", INSTANCE));
            attach(server, root, "/dev/vda", true);
            attach(server, data, "/dev/vdb", false);

            tell(server, "running");
            assertThat(work(kernel, server, root, data, "first"))
                    .contains("machine has booted 1 times")
                    .contains("root had: -")
                    .contains("data had: -");
            tell(server, "stopping");
            tell(server, "stopped");

            tell(server, "running");
            assertThat(work(kernel, server, root, data, "second"))
                    .contains("machine has booted 2 times")
                    .contains("root had: first")
                    .contains("data had: first");
            tell(server, "shutting-down");
            assertThat(tell(server, "terminated").getJsonArray("attachments")).isEmpty();

            whatGoesWithTheMachineIsGoneAndTheRestStays(server, root, data, image, disk);
        }
    }

    /** A disk whose file system is what the initramfs has, with a first process of its own. */
    private Path makeDisk(GuestKernel kernel) {
        Path disk = directory.resolve("machine.raw");
        Tools.run(GuestKernel.PATIENCE, "cp", GuestKernel.resource("machine").toString(), kernel.root() + "/init")
                .succeeded();
        Tools.run(GuestKernel.PATIENCE, "mkfs.ext4", "-q", "-d", kernel.root().toString(), disk.toString(), "1G")
                .succeeded();
        return disk;
    }

    /** Brings the disk in: onto an attached volume by qemu-img, and from there to a snapshot and an image. */
    private static String register(ServerProcess server, Path disk) {
        String master = server.newVolume("master", 1);
        server.api().post("/v1/instances", new JsonObject().put("instanceId", "i-00000000000000001"));
        String attachment = "/v1/instances/i-00000000000000001/attachments/" + master;
        put(server, attachment, new JsonObject().put("deviceName", "/dev/vda"));
        Tools.run(
                        GuestKernel.PATIENCE,
                        "qemu-img",
                        "convert",
                        "-n",
                        "-f",
                        "raw",
                        "-O",
                        "raw",
                        disk.toString(),
                        server.unixUri(master))
                .succeeded();
        String snapshot = server.newSnapshot(master);
        JsonObject mapping = new JsonObject().put("deviceName", "/dev/vda").put("snapshotId", snapshot);
        JsonObject image =
                new JsonObject().put("name", "machine").put("blockDeviceMappings", new JsonArray().add(mapping));
        return server.api().post("/v1/images", image).body().getString("imageId");
    }

    private static String launch(ServerProcess server, String image) {
        return server.api()
                .post("/v1/images/" + image + "/volumes", new JsonObject())
                .body()
                .getJsonArray("launches")
                .getJsonObject(0)
                .getJsonArray("disks")
                .getJsonObject(0)
                .getJsonObject("volume")
                .getString("volumeId");
    }

    private static void attach(ServerProcess server, String volume, String device, boolean deleteOnTermination) {
        JsonObject body = new JsonObject().put("deviceName", device).put("deleteOnTermination", deleteOnTermination);
        put(server, PATH + "/attachments/" + volume, body);
    }

    private static JsonObject tell(ServerProcess server, String state) {
        return put(server, PATH + "/state", new JsonObject().put("state", state));
    }

    private static JsonObject put(ServerProcess server, String path, JsonObject body) {
        Probe api = server.api();
        Probe.Reply reply = api.send(api.json(path).PUT(HttpRequest.BodyPublishers.ofString(body.encode())));
        assertThat(reply.status()).isEqualTo(200);
        return reply.body();
    }

    /** One life of the machine, in which it writes a word to both of its disks. */
    private static String work(GuestKernel kernel, ServerProcess server, String root, String data, String word) {
        Map<String, String> environment = Map.of("disk", "/dev/vda", "word", word);
        try (Guest guest =
                kernel.boot("none", environment, "-drive", drive(server, root), "-drive", drive(server, data))) {
            return guest.awaitSuccess(GuestKernel.PATIENCE);
        }
    }

    private static String drive(ServerProcess server, String volume) {
        return "file=" + server.unixUri(volume) + ",format=raw,if=virtio,cache=none,discard=unmap";
    }

    private static void whatGoesWithTheMachineIsGoneAndTheRestStays(
            ServerProcess server, String root, String data, String image, Path disk) {
        Probe api = server.api();
        assertThat(api.get("/v1/volumes/" + root).status()).isEqualTo(404);
        JsonObject kept = api.get("/v1/volumes/" + data).body();
        assertThat(kept.getString("state")).isEqualTo("available");
        assertThat(kept.getJsonArray("attachments")).isEmpty();
        JsonObject registered = api.get("/v1/images/" + image).body();
        assertThat(registered.getString("state")).isEqualTo("available");
        String snapshot =
                registered.getJsonArray("blockDeviceMappings").getJsonObject(0).getString("snapshotId");
        Tools.run(
                        GuestKernel.PATIENCE,
                        "qemu-img",
                        "compare",
                        "-f",
                        "raw",
                        "-F",
                        "raw",
                        disk.toString(),
                        server.unixUri(snapshot))
                .succeeded();
    }
}
