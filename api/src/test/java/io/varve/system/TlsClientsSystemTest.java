package io.varve.system;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.testing.Certificates;
import io.varve.testing.RequiresTools;
import io.varve.testing.Tools;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * QEMU's programs and libnbd's on a server that talks to nobody without TLS and a client certificate. Two cannot: fio
 * 3.33 lets libnbd read no certificates, and {@code qemu-img bench} of 7.2 takes none but through the daemon.
 */
@RequiresTools("openssl")
class TlsClientsSystemTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int MIB = 1 << 20;

    @TempDir
    static Path serverDirectory;

    private static ServerProcess server;
    private static Path client;

    @TempDir
    Path directory;

    private Path image;

    @BeforeAll
    static void start() {
        Certificates authority =
                Certificates.create(serverDirectory.resolve("ca")).server("ec");
        client = authority.client("somebody");
        List<String> options = List.of(
                "--nbd=127.0.0.1:0",
                "--nbd-tls-cert=" + authority.serverCertificate(),
                "--nbd-tls-key=" + authority.serverKey(),
                "--nbd-tls-client-ca=" + authority.authority());
        server = ServerProcess.start(serverDirectory, List.of(), options);
    }

    @AfterAll
    static void stop() {
        try (ServerProcess ended = server) {
            assertThat(ended.metric("varve_nbd_violations_total")).isZero();
        }
    }

    /** 1 GiB with some data in it. */
    @BeforeEach
    void makeImage() throws IOException {
        image = directory.resolve("image.raw");
        byte[] data = new byte[5 * MIB];
        new Random(1).nextBytes(data);
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(1L << 30);
            file.seek(3 * MIB + 512);
            file.write(data);
            file.seek((1L << 30) - data.length);
            file.write(data);
        }
    }

    @Test
    @RequiresTools("qemu-img")
    void qemuImgDoesAllItCan() throws IOException {
        String options = options(server.newVolume("everything", 1));

        qemuImg("convert", "-n", "-f", "raw", "--target-image-opts", image.toString(), options);
        assertThat(new JsonObject(qemuImg("info", "--output=json", "--image-opts", options)).getLong("virtual-size"))
                .isEqualTo(1L << 30);
        String extents = qemuImg("map", "--output=json", "--image-opts", options);
        assertThat(new JsonArray(extents).getJsonObject(1).getLong("start")).isEqualTo(3 * MIB);
        String measured = qemuImg("measure", "-O", "qcow2", "--output=json", "--image-opts", options);
        assertThat(new JsonObject(measured).getLong("required")).isBetween(10L * MIB, 16L * MIB);
        qemuImg("compare", "--image-opts", "driver=file,filename=" + image, options);

        // QEMU 7.2 counts what it skips.
        Path piece = directory.resolve("piece");
        qemuImg(
                "dd",
                "--image-opts",
                "-O",
                "raw",
                "bs=512",
                "skip=6145",
                "count=16385",
                "if=" + options,
                "of=" + piece);
        assertThat(Arrays.mismatch(Files.readAllBytes(piece), contentOfImage(6145 * 512L, 5 * MIB)))
                .isEqualTo(-1);
        Path qcow2 = directory.resolve("copy.qcow2");
        qemuImg("convert", "-O", "qcow2", "-m", "16", "-W", "--image-opts", options, qcow2.toString());
        run("qemu-img", "compare", "-f", "qcow2", "-F", "raw", qcow2.toString(), image.toString());
    }

    private byte[] contentOfImage(long offset, int length) throws IOException {
        byte[] content = new byte[length];
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "r")) {
            file.seek(offset);
            file.readFully(content);
        }
        return content;
    }

    @Test
    @RequiresTools("nbdcopy")
    void nbdcopyCopiesBothWaysOverSeveralConnections() throws IOException {
        String uri = uri(server.newVolume("copied", 1));
        String other = uri(server.newVolume("copied-again", 1));
        Path copy = directory.resolve("copy.raw");

        run("nbdcopy", "--connections=4", "--requests=16", "--threads=4", "--flush", image.toString(), uri);
        run("nbdcopy", "--connections=4", "--requests=16", "--threads=4", "--flush", uri, other);
        run("nbdcopy", "--connections=4", "--requests=16", "--threads=4", other, copy.toString());

        assertThat(Files.mismatch(image, copy)).isEqualTo(-1);
    }

    @Test
    @RequiresTools("nbdinfo")
    void nbdinfoAnswersQuestionsByItsExitCode() {
        String volume = server.newVolume("asked", 1);
        String snapshot = server.newSnapshot(volume);

        for (String can : List.of(
                "connect",
                "read",
                "write",
                "flush",
                "fua",
                "trim",
                "zero",
                "fast-zero",
                "cache",
                "df",
                "multi-conn",
                "structured-reply")) {
            assertThat(nbdinfo("--can", can, volume)).as(can).isZero();
        }
        for (String can : List.of("write", "trim", "zero")) {
            assertThat(nbdinfo("--can", can, snapshot)).as(can).isEqualTo(2);
        }
        assertThat(nbdinfo("--is", "tls", volume)).isZero();
        assertThat(nbdinfo("--is", "read-only", volume)).isEqualTo(2);
        assertThat(nbdinfo("--is", "read-only", snapshot)).isZero();
        assertThat(nbdinfo("--is", "rotational", volume)).isEqualTo(2);
    }

    /** A daemon of QEMU's exports again, in the clear, what it opened over TLS. */
    @Test
    @RequiresTools({"qemu-storage-daemon", "qemu-img", "qemu-io", "nbdcopy"})
    void qemuStorageDaemonPassesAllThatItIsAsked() throws Exception {
        String volume = server.newVolume("passed-on", 1);
        Path socket = directory.resolve("again.sock");
        try (StorageDaemon daemon = StorageDaemon.start(directory, tls(), options(volume) + ",discard=unmap", socket)) {
            String again = daemon.uri();
            run("nbdcopy", "--flush", image.toString(), again);
            run("qemu-img", "compare", "-f", "raw", "-F", "raw", image.toString(), again);
            String said = run(
                    "qemu-io",
                    "--discard=unmap",
                    "--format=raw",
                    again,
                    "-c",
                    "write -f -P 0x5a 100M 1M",
                    "-c",
                    "write -z -u 100M 64k",
                    "-c",
                    "discard 3M 6M",
                    "-c",
                    "flush",
                    "-c",
                    "read -P 0 100M 64k",
                    "-c",
                    "read -P 0x5a 102464k 960k");
            assertThat(said).doesNotContain("failed", "error");
            run(("qemu-img bench -f raw -w -c 2000 -d 32 -s 8192 -o 500m --pattern=119 --flush-interval=100 " + again)
                    .split(" ", -1));
        }
        assertThat(server.operations(volume, "trim")).isPositive();
        assertThat(qemuIo(
                        options(volume),
                        "read -P 0 100M 64k",
                        "read -P 0x5a 102464k 960k",
                        "read -P 0 3M 6M",
                        "read -P 119 500M 16384000"))
                .doesNotContain("failed", "error");
    }

    // ---- clients ----

    private static String tls() {
        return "tls-creds-x509,id=tls0,endpoint=client,dir=" + client;
    }

    private static String options(String export) {
        return "driver=nbd,server.type=inet,server.host=127.0.0.1,server.port=" + server.nbdPort() + ",export=" + export
                + ",tls-creds=tls0";
    }

    private static String uri(String export) {
        return "nbds://127.0.0.1:" + server.nbdPort() + "/" + export + "?tls-certificates=" + client;
    }

    private static int nbdinfo(String question, String word, String export) {
        return Tools.run(PATIENCE, "nbdinfo", question, word, uri(export)).exitCode();
    }

    private static String qemuImg(String command, String... arguments) {
        List<String> line = new ArrayList<>(List.of("qemu-img", command, "--object", tls()));
        line.addAll(Arrays.asList(arguments));
        return run(line.toArray(String[]::new));
    }

    private static String qemuIo(String options, String... commands) {
        List<String> line = new ArrayList<>(List.of("qemu-io", "--object", tls(), "--image-opts", options));
        for (String command : commands) {
            line.addAll(List.of("-c", command));
        }
        return run(line.toArray(String[]::new));
    }

    private static String run(String... command) {
        return Tools.run(PATIENCE, command).succeeded().output();
    }
}
