package io.varve.system;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.system.ServerProcess.Transport;
import io.varve.testing.RequiresTools;
import io.varve.testing.Tools;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** NBD clients that others wrote get from the real server what they gave it. */
class ClientProgramsSystemTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final long GIB = 1L << 30;

    @TempDir
    static Path serverDirectory;

    private static ServerProcess server;

    @TempDir
    Path directory;

    @BeforeAll
    static void start() {
        server = ServerProcess.start(serverDirectory);
    }

    @AfterAll
    static void stop() {
        try (ServerProcess ended = server) {
            assertThat(ended.metric("varve_nbd_violations_total")).isZero();
        }
    }

    @ParameterizedTest
    @EnumSource
    @RequiresTools("nbdinfo")
    void nbdinfoSeesVolumesAndSnapshots(Transport transport) {
        String volume = server.newVolume("seen-over-" + transport, 2);
        String snapshot = server.newSnapshot(volume);

        JsonObject writable = export(nbdinfo(server.uri(transport, volume)), volume);
        JsonObject readOnly = export(nbdinfo("--list", server.uri(transport, "")), snapshot);

        assertThat(writable.getLong("export-size")).isEqualTo(2 * GIB);
        assertThat(List.of("can_flush", "can_fua", "can_trim", "can_zero", "can_multi_conn", "can_df"))
                .allMatch(writable::getBoolean);
        assertThat(writable.getBoolean("is_read_only")).isFalse();
        assertThat(writable.getInteger("block_size_minimum")).isEqualTo(1);
        assertThat(writable.getInteger("block_size_preferred")).isEqualTo(4096);
        assertThat(readOnly.getLong("export-size")).isEqualTo(2 * GIB);
        assertThat(readOnly.getBoolean("is_read_only")).isTrue();
        assertThat(readOnly.getBoolean("can_trim")).isFalse();
    }

    @ParameterizedTest
    @EnumSource
    @RequiresTools("nbdcopy")
    void nbdcopyCopiesBothWaysAndFromASnapshot(Transport transport) throws IOException {
        String volume = server.newVolume("copied-over-" + transport, 1);
        Path first = sparseImage("first.img", 1);
        Path second = sparseImage("second.img", 2);
        Path copy = directory.resolve("copy.img");
        Path copyOfSnapshot = directory.resolve("snapshot.img");

        run("nbdcopy", "--flush", first.toString(), server.uri(transport, volume));
        String snapshot = server.newSnapshot(volume);
        run("nbdcopy", "--flush", second.toString(), server.uri(transport, volume));
        run("nbdcopy", server.uri(transport, volume), copy.toString());
        run("nbdcopy", server.uri(transport, snapshot), copyOfSnapshot.toString());

        assertThat(Files.mismatch(second, copy)).isEqualTo(-1);
        assertThat(Files.mismatch(first, copyOfSnapshot)).isEqualTo(-1);
    }

    @ParameterizedTest
    @EnumSource
    @RequiresTools("qemu-img")
    void qemuImgConvertsAndCompares(Transport transport) throws IOException {
        String volume = server.newVolume("converted-over-" + transport, 1);
        String uri = server.uri(transport, volume);
        Path image = sparseImage("image.raw", 3);
        Path qcow2 = directory.resolve("image.qcow2");

        run("qemu-img", "convert", "-n", "-f", "raw", "-O", "raw", image.toString(), uri);
        run("qemu-img", "compare", "-f", "raw", "-F", "raw", image.toString(), uri);
        run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", uri, qcow2.toString());
        run("qemu-img", "compare", "-f", "qcow2", "-F", "raw", qcow2.toString(), uri);

        JsonObject info = new JsonObject(run("qemu-img", "info", "--output=json", uri));
        assertThat(info.getLong("virtual-size")).isEqualTo(GIB);
    }

    @ParameterizedTest
    @EnumSource
    @RequiresTools({"qemu-img", "qemu-io"})
    void qemuImgBenchWritesWithFlushesAndReads(Transport transport) {
        String uri = server.uri(transport, server.newVolume("benched-over-" + transport, 1));
        String bench = "qemu-img bench -f raw -c 3000 -d 32 -s 8192 ";

        String written = run((bench + "-w -S 12288 --pattern=119 --flush-interval=100 " + uri).split(" ", -1));
        String read = run((bench + uri).split(" ", -1));

        assertThat(List.of(written, read)).allMatch(said -> said.contains("Run completed"));
        // The last of 3,000 writes, each 12 KiB behind the one before.
        assertThat(qemuIo(uri, "read -P 119 0 8192", "read -P 0 8192 4096", "read -P 119 36851712 8192"))
                .doesNotContain("error", "failed");
    }

    @ParameterizedTest
    @EnumSource
    @RequiresTools("qemu-io")
    void qemuIoReadsWritesZeroesAndDiscards(Transport transport) {
        String volume = server.newVolume("patterns-over-" + transport, 1);

        String said = qemuIo(
                server.uri(transport, volume),
                "write -P 0xa5 512 1536", // from inside of the first block
                "read -P 0 0 512",
                "read -P 0xa5 512 1536",
                "read -P 0 2048 2048",
                "write -P 0xb6 4608 8192", // over three blocks, of which the middle one is whole
                "read -P 0xb6 4608 8192",
                "read -P 0 4096 512",
                "read -P 0 12800 3584",
                "write -P 0x11 1M 2M",
                "write -z 1049088 64k", // 1 MiB and 512 bytes
                "read -P 0x11 1M 512",
                "read -P 0 1049088 64k",
                "read -P 0x11 1114624 512",
                "write -f -P 0x22 1M 512",
                "read -P 0x22 1M 512",
                "discard 2M 512k",
                "read -P 0 2M 512k",
                "flush",
                "read -P 0x11 2621440 512k");

        assertThat(said).doesNotContain("error", "failed");
    }

    @ParameterizedTest
    @CsvSource({"UNIX, 1", "UNIX, 32", "TCP, 1", "TCP, 32"})
    @RequiresTools("fio")
    void fioVerifiesWhatItWrote(Transport transport, int depth) {
        String volume = server.newVolume("verified-over-" + transport + "-" + depth, 1);

        run(
                "fio",
                "--name=verify",
                "--ioengine=nbd",
                "--uri=" + server.uri(transport, volume),
                "--rw=randwrite",
                "--bsrange=512-1m",
                "--blockalign=512",
                "--size=96m",
                "--iodepth=" + depth,
                "--verify=crc32c",
                "--do_verify=1",
                "--verify_fatal=1",
                "--verify_state_save=0",
                "--fsync=16",
                "--randseed=7");
    }

    @Test
    @RequiresTools({"nbdfuse", "fusermount3"})
    void nbdfuseMakesAFileOfAVolume() throws IOException {
        String volume = server.newVolume("mounted", 1);
        byte[] written = new byte[5 << 20];
        new Random(4).nextBytes(written);
        Path mount = Files.createDirectories(directory.resolve("fuse"));

        try (FuseFile mounted = FuseFile.mount(mount, directory, server.unixUri(volume));
                RandomAccessFile file = new RandomAccessFile(mounted.file().toFile(), "rw")) {
            assertThat(file.length()).isEqualTo(GIB);
            file.seek(123_457);
            file.write(written);
            file.getFD().sync();
        }
        Path copy = directory.resolve("copy.img");
        run("nbdcopy", server.unixUri(volume), copy.toString());
        byte[] read = new byte[written.length];
        try (RandomAccessFile file = new RandomAccessFile(copy.toFile(), "r")) {
            file.seek(123_457);
            file.readFully(read);
        }
        assertThat(Arrays.mismatch(written, read)).isEqualTo(-1);
    }

    /** 1 GiB of holes with a few pieces of random bytes, some of them off the grid of blocks. */
    private Path sparseImage(String name, long seed) throws IOException {
        Path image = directory.resolve(name);
        Random random = new Random(seed);
        byte[] piece = new byte[3 << 20];
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(GIB);
            for (long at = 0; at < GIB; at += 128 << 20) {
                random.nextBytes(piece);
                file.seek(at + 512L * random.nextInt(64));
                file.write(piece);
            }
        }
        return image;
    }

    private static JsonArray nbdinfo(String... arguments) {
        String[] command = new String[arguments.length + 2];
        command[0] = "nbdinfo";
        command[1] = "--json";
        System.arraycopy(arguments, 0, command, 2, arguments.length);
        return new JsonObject(run(command)).getJsonArray("exports");
    }

    private static JsonObject export(JsonArray exports, String name) {
        return exports.stream()
                .map(JsonObject.class::cast)
                .filter(export -> export.getString("export-name").equals(name))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no " + name + " in " + exports));
    }

    private static String qemuIo(String uri, String... commands) {
        String[] line = new String[4 + 2 * commands.length];
        System.arraycopy(new String[] {"qemu-io", "--discard=unmap", "--format=raw", uri}, 0, line, 0, 4);
        for (int i = 0; i < commands.length; i++) {
            line[4 + 2 * i] = "-c";
            line[5 + 2 * i] = commands[i];
        }
        return run(line);
    }

    private static String run(String... command) {
        return Tools.run(PATIENCE, command).succeeded().output();
    }
}
