package io.varve.system;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.testing.RequiresTools;
import io.varve.testing.Tools;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What clients that others wrote learn of holes, data and changed blocks, and the backups they make with it. */
class BlockStatusSystemTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final long MIB = 1L << 20;
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

    @Test
    @RequiresTools({"nbdinfo", "nbdsh"})
    void nbdinfoMapsDataAndHoles() {
        String volume = server.newVolume("mapped", 1);
        nbdsh(volume, "h.pwrite(b'x' * 65536, 1 << 20)", "h.zero(1 << 20, 8 << 20, nbd.CMD_FLAG_NO_HOLE)");

        assertThat(map(volume, "base:allocation"))
                .containsExactly(
                        new Extent(0, MIB, 3),
                        new Extent(MIB, 65536, 0),
                        new Extent(MIB + 65536, 7 * MIB - 65536, 3),
                        new Extent(8 * MIB, MIB, 2),
                        new Extent(9 * MIB, GIB - 9 * MIB, 3));
        assertThat(run("nbdinfo", "--map", "--totals", uri(volume))).containsPattern("65536 +0\\.0% +0 +data");
        assertThat(run("nbdinfo", "--can", "df", uri(volume))).isEmpty();
        assertThat(run("nbdinfo", "--can", "cache", uri(volume))).isEmpty();
        assertThat(run("nbdinfo", "--can", "fast-zero", uri(volume))).isEmpty();
    }

    @Test
    @RequiresTools("nbdinfo")
    void anEmptyVolumeOfSixteenTebibytesIsAnsweredAtOnce() {
        String volume = server.newVolume("vast", 16 << 10);

        List<Extent> map = map(volume, "base:allocation");

        assertThat(map.stream().mapToLong(Extent::length).sum()).isEqualTo(16L << 40);
        assertThat(map).allMatch(extent -> extent.type() == 3);
    }

    /**
     * CVE-2025-47711 and CVE-2025-47712 (nbdkit): the longest length, and extents that together take more than 32 bits.
     */
    @Test
    @RequiresTools("nbdsh")
    void theLongestBlockStatusDoesNotWrapAround() {
        String volume = server.newVolume("long", 16 << 10);
        nbdsh(volume, "h.pwrite(b'x' * 4096, (1 << 32) - 8192)");
        String said = nbdsh(List.of("-c", "h.add_meta_context('base:allocation')"), volume, """
                for length in [0xffffffff, 0xfffffffe, 0xfffff000, 0x80000000]:
                    for at in [0, 1, 4096, (1 << 32) - 4096, (1 << 44) - length]:
                        seen = []
                        h.block_status(length, at, lambda name, offset, entries, err: seen.extend(entries))
                        assert sum(seen[::2]) == length, (length, at, seen)
                        for flags in [nbd.CMD_FLAG_REQ_ONE]:
                            seen = []
                            h.block_status(length, at, lambda name, offset, entries, err: seen.extend(entries), flags)
                            assert len(seen) == 2 and 0 < seen[0] <= length, (length, at, seen)
                print('well')
                """);
        assertThat(said.strip()).isEqualTo("well");
    }

    @Test
    @RequiresTools({"qemu-img", "nbdsh"})
    void qemuImgMapsMeasuresAndKnowsTheDepth() {
        String volume = server.newVolume("measured", 1);
        nbdsh(volume, "h.pwrite(b'x' * (3 << 20), 4 << 20)");

        JsonArray map = new JsonArray(run("qemu-img", "map", "-f", "raw", "--output=json", uri(volume)));

        assertThat(map).hasSize(3);
        JsonObject data = map.getJsonObject(1);
        assertThat(data.getLong("start")).isEqualTo(4 * MIB);
        assertThat(data.getLong("length")).isEqualTo(3 * MIB);
        assertThat(data.getBoolean("data")).isTrue();
        assertThat(map.getJsonObject(2).getBoolean("zero")).isTrue();
        JsonObject size =
                new JsonObject(run("qemu-img", "measure", "-f", "raw", "-O", "qcow2", "--output=json", uri(volume)));
        assertThat(size.getLong("required")).isLessThan(8 * MIB);

        server.newSnapshot(volume);
        nbdsh(volume, "h.pwrite(b'y' * 4096, 5 << 20)");
        assertThat(map(volume, "qemu:allocation-depth"))
                .containsExactly(
                        new Extent(0, 4 * MIB, 0),
                        new Extent(4 * MIB, MIB, 2),
                        new Extent(5 * MIB, 4096, 1),
                        new Extent(5 * MIB + 4096, 2 * MIB - 4096, 2),
                        new Extent(7 * MIB, GIB - 7 * MIB, 0));
    }

    @Test
    @RequiresTools({"nbdsh", "qemu-img"})
    void qemuSeesChangedBlocksAsADirtyBitmap() {
        String volume = server.newVolume("dirty", 1);
        nbdsh(volume, "h.pwrite(b'a' * (2 << 20), 0)");
        String snapshot = server.newSnapshot(volume);
        nbdsh(volume, "h.pwrite(b'b' * 8192, 1 << 20)", "h.trim(4096, 0)");

        String options = "driver=nbd,server.type=unix,server.path=" + server.socket() + ",export=" + volume
                + ",x-dirty-bitmap=qemu:dirty-bitmap:" + snapshot;
        JsonArray map = new JsonArray(run("qemu-img", "map", "--image-opts", "--output=json", options));

        // Through this option QEMU tells what is dirty as what is no data.
        List<Long> dirty = new ArrayList<>();
        for (int i = 0; i < map.size(); i++) {
            JsonObject extent = map.getJsonObject(i);
            if (!extent.getBoolean("data")) {
                dirty.add(extent.getLong("start"));
                dirty.add(extent.getLong("length"));
            }
        }
        assertThat(dirty).containsExactly(0L, 4096L, MIB, 8192L);
    }

    /** Full copy at snapshot 1; then what changed up to snapshot 2 over it, by a client that knows nothing but NBD. */
    @Test
    @RequiresTools({"nbdsh", "nbdcopy", "qemu-img"})
    void anIncrementalBackupIsEqualToAFullOne() throws IOException {
        String volume = server.newVolume("backed-up", 1);
        nbdsh(volume, RANDOM_WRITES.formatted(1, 400));
        String first = server.newSnapshot(volume);
        Path backup = directory.resolve("backup.img");
        run("nbdcopy", uri(first), backup.toString());
        nbdsh(volume, RANDOM_WRITES.formatted(2, 120));
        String second = server.newSnapshot(volume);
        nbdsh(volume, RANDOM_WRITES.formatted(3, 120));

        for (String prefix : List.of("varve:changed-since:", "qemu:dirty-bitmap:")) {
            Path copy = directory.resolve("copy.img");
            Files.copy(backup, copy, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
            String said = nbdsh(
                    List.of("-c", "h.add_meta_context('" + prefix + first + "')"),
                    second,
                    APPLY_CHANGES.formatted(copy));
            long copied = Long.parseLong(said.strip());

            run("qemu-img", "compare", "-f", "raw", "-F", "raw", copy.toString(), uri(second));
            Path full = directory.resolve("full.img");
            run("nbdcopy", uri(second), full.toString());
            assertThat(Files.mismatch(copy, full)).isEqualTo(-1);
            assertThat(copied).isBetween(1L, 120L * 36 * 4096);
        }
    }

    private static final String RANDOM_WRITES = """
            import random
            r = random.Random(%d)
            for i in range(%d):
                kind = r.randrange(6)
                length = r.randrange(1, 32) * 4096 + r.randrange(2) * 512
                at = r.randrange(0, (1 << 30) - length)
                at -= at %% 512
                if kind == 0:
                    h.trim(length, at)
                elif kind == 1:
                    h.zero(length, at)
                else:
                    h.pwrite(bytes([r.randrange(1, 255)]) * length, at)
            """;

    private static final String APPLY_CHANGES = """
            copy = open('%s', 'r+b')
            size = h.get_size()
            at = 0
            copied = 0
            while at < size:
                extents = []
                h.block_status(min(size - at, 1 << 30), at, lambda name, offset, entries, err: extents.extend(entries))
                for length, flags in zip(extents[::2], extents[1::2]):
                    done = 0
                    while flags & 1 and done < length:
                        piece = min(length - done, 32 << 20)
                        copy.seek(at + done)
                        copy.write(h.pread(piece, at + done))
                        done += piece
                        copied += piece
                    at += length
            copy.close()
            print(copied)
            """;

    // ---- clients ----

    private record Extent(long offset, long length, int type) {}

    private static List<Extent> map(String export, String context) {
        JsonArray map = new JsonArray(run("nbdinfo", "--json", "--map=" + context, uri(export)));
        List<Extent> extents = new ArrayList<>();
        for (int i = 0; i < map.size(); i++) {
            JsonObject extent = map.getJsonObject(i);
            extents.add(new Extent(extent.getLong("offset"), extent.getLong("length"), extent.getInteger("type")));
        }
        return extents;
    }

    private static String nbdsh(String export, String... script) {
        return nbdsh(List.of(), export, script);
    }

    /** With the system's Python, which alone has the module of libnbd. */
    private static String nbdsh(List<String> before, String export, String... script) {
        List<String> command = new ArrayList<>(List.of("env", "PATH=/usr/bin:/bin", "nbdsh"));
        command.addAll(before);
        command.addAll(List.of("-u", uri(export)));
        for (String part : script) {
            command.add("-c");
            command.add(part);
        }
        return run(command.toArray(String[]::new));
    }

    private static String uri(String export) {
        return server.unixUri(export);
    }

    private static String run(String... command) {
        return Tools.run(PATIENCE, command).succeeded().output();
    }
}
