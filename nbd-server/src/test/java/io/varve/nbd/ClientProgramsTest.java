package io.varve.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.testing.RequiresTools;
import io.varve.testing.Tools;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Clients that others wrote understand the server, and it them. */
class ClientProgramsTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @TempDir
    Path directory;

    private NbdFixture nbd;

    @BeforeEach
    void start() {
        nbd = NbdFixture.start();
    }

    @AfterEach
    void stop() {
        nbd.awaitNoConnections();
        assertThat(nbd.server.counters().violations()).isZero();
        nbd.close();
    }

    @Test
    @RequiresTools("nbdinfo")
    void nbdinfoSeesWhatIsOffered() {
        String info = run("nbdinfo", nbd.tcpUri("disk"));

        assertThat(info)
                .contains("protocol: newstyle-fixed without TLS, using structured packets")
                .contains("export-size: " + NbdFixture.SIZE_BYTES)
                .contains("can_flush: true", "can_fua: true", "can_trim: true", "can_zero: true")
                .contains("can_multi_conn: true", "can_df: true", "can_fast_zero: true", "is_read_only: false")
                .contains("block_size_minimum: 1", "block_size_preferred: 4096", "block_size_maximum: 33554432");
        assertThat(run("nbdinfo", "--list", "--json", nbd.unixUri("")))
                .contains("\"export-name\": \"disk\"", "\"description\": \"the volume disk\"", NbdFixture.SNAPSHOT);
        assertThat(run("nbdinfo", nbd.unixUri(NbdFixture.SNAPSHOT))).contains("is_read_only: true");
    }

    @Test
    @RequiresTools("nbdcopy")
    void nbdcopyCopiesBothWays() throws IOException {
        Path image = randomImage(NbdFixture.SIZE_BYTES);
        Path copy = directory.resolve("copy.img");

        run("nbdcopy", "--flush", image.toString(), nbd.unixUri("disk"));
        run("nbdcopy", nbd.tcpUri("disk"), copy.toString());

        assertThat(Files.mismatch(image, copy)).isEqualTo(-1);
        assertThat(nbd.disk.content()).isEqualTo(Files.readAllBytes(image));
    }

    @Test
    @RequiresTools("qemu-img")
    void qemuImgConvertsAndCompares() throws IOException {
        Path image = randomImage(NbdFixture.SIZE_BYTES);
        Path qcow2 = directory.resolve("copy.qcow2");

        run("qemu-img", "convert", "-n", "-f", "raw", "-O", "raw", image.toString(), nbd.unixUri("disk"));
        run("qemu-img", "compare", "-f", "raw", "-F", "raw", image.toString(), nbd.tcpUri("disk"));
        run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", nbd.tcpUri("disk"), qcow2.toString());
        run("qemu-img", "compare", "-f", "qcow2", "-F", "raw", qcow2.toString(), nbd.unixUri("disk"));

        assertThat(run("qemu-img", "info", nbd.unixUri("disk"))).contains("virtual size: 64 MiB");
    }

    @Test
    @RequiresTools("qemu-io")
    void qemuIoReadsWritesAndDiscards() {
        String said = run(
                "qemu-io",
                "-f",
                "raw",
                nbd.unixUri("disk"),
                "-c",
                "write -P 0xa5 512 1536",
                "-c",
                "write -P 0x11 1M 2M",
                "-c",
                "read -P 0xa5 512 1536",
                "-c",
                "read -P 0 0 512",
                "-c",
                "write -z 1M 64k",
                "-c",
                "write -f -P 0x22 1M 512",
                "-c",
                "read -P 0x22 1M 512",
                "-c",
                "read -P 0 1049088 65024",
                "-c",
                "discard 2M 512k",
                "-c",
                "flush",
                "-c",
                "read -P 0x11 2621440 524288");

        assertThat(said).doesNotContain("error").doesNotContain("verification failed");
        assertThat(nbd.disk.durableRequests.get()).isPositive();
    }

    @Test
    @RequiresTools("nbdsh")
    void nbdshGetsTheErrorsOfTheProtocol() {
        nbdsh("-u", nbd.unixUri("disk"), "-c", ERRORS);
        nbdsh("-u", nbd.tcpUri(NbdFixture.SNAPSHOT), "-c", READ_ONLY_ERRORS);
    }

    @Test
    @RequiresTools("nbdsh")
    void nbdshWorksWithSimpleReplies() {
        nbdsh("-c", "h.set_request_structured_replies(False)", "-u", nbd.unixUri("disk"), "-c", SIMPLE);
    }

    @ParameterizedTest
    @CsvSource({"unix, 1", "unix, 32", "tcp, 1", "tcp, 32"})
    @RequiresTools("fio")
    void fioVerifiesWhatItWrote(String address, int depth) {
        String uri = address.equals("unix") ? nbd.unixUri("disk") : nbd.tcpUri("disk");

        run(
                "fio",
                "--name=verify",
                "--ioengine=nbd",
                "--uri=" + uri,
                "--rw=randwrite",
                "--bsrange=512-1m",
                "--bs_unaligned=1",
                "--size=48m",
                "--iodepth=" + depth,
                "--verify=crc32c",
                "--do_verify=1",
                "--verify_fatal=1",
                "--fsync=16",
                "--randseed=7");
    }

    private Path randomImage(int sizeBytes) throws IOException {
        byte[] bytes = new byte[sizeBytes];
        new Random(3).nextBytes(bytes);
        Arrays.fill(bytes, 1 << 20, 9 << 20, (byte) 0);
        return Files.write(directory.resolve("image.raw"), bytes);
    }

    /** With the system's Python, which alone has the module of libnbd. */
    private static void nbdsh(String... arguments) {
        List<String> command = new ArrayList<>(List.of("env", "PATH=/usr/bin:/bin", "nbdsh"));
        command.addAll(List.of(arguments));
        run(command.toArray(String[]::new));
    }

    private static String run(String... command) {
        return Tools.run(PATIENCE, command).succeeded().output();
    }

    private static final String EXPECT = """
            import errno
            def expect(number, call):
                try:
                    call()
                except nbd.Error as e:
                    assert e.errno == errno.errorcode[number], (e.errno, number)
                    return
                assert False, "no error " + errno.errorcode[number]
            h.set_strict_mode(0)
            size = h.get_size()
            """;

    private static final String ERRORS = EXPECT + """
            expect(errno.EINVAL, lambda: h.pread(4096, size))
            expect(errno.EINVAL, lambda: h.pread(4096, size - 1))
            expect(errno.ENOSPC, lambda: h.pwrite(b'x' * 4096, size - 1))
            expect(errno.ENOSPC, lambda: h.zero(4096, size))
            expect(errno.EINVAL, lambda: h.trim(4096, size))
            expect(errno.EINVAL, lambda: h.pread(512, 0, 1 << 9))
            expect(errno.EINVAL, lambda: h.pwrite(b'x' * 512, 0, nbd.CMD_FLAG_DF))
            expect(errno.EINVAL, lambda: h.cache(512, 0))
            expect(errno.ENOTSUP, lambda: h.zero(513, 0, nbd.CMD_FLAG_FAST_ZERO))
            h.zero(8192, 0, nbd.CMD_FLAG_FAST_ZERO | nbd.CMD_FLAG_NO_HOLE | nbd.CMD_FLAG_FUA)
            h.pwrite(b'y' * 70000, 3, nbd.CMD_FLAG_FUA)
            assert h.pread(70000, 3, nbd.CMD_FLAG_DF | nbd.CMD_FLAG_FUA) == b'y' * 70000
            h.trim(8192, 0, nbd.CMD_FLAG_FUA)
            h.flush(nbd.CMD_FLAG_FUA)
            h.shutdown()
            """;

    private static final String READ_ONLY_ERRORS = EXPECT + """
            assert h.is_read_only()
            expect(errno.EPERM, lambda: h.pwrite(b'x' * 100000, 0))
            expect(errno.EPERM, lambda: h.trim(4096, 0))
            expect(errno.EPERM, lambda: h.zero(4096, 0))
            assert h.pread(4096, 0) == bytes(4096)
            h.flush()
            """;

    private static final String SIMPLE = EXPECT + """
            assert not h.get_structured_replies_negotiated()
            assert not h.can_df()
            h.pwrite(b'z' * 4097, 511)
            assert h.pread(4097, 511) == b'z' * 4097
            expect(errno.EINVAL, lambda: h.pread(4096, size))
            expect(errno.EINVAL, lambda: h.pread(512, 0, nbd.CMD_FLAG_DF))
            assert h.pread(4097, 511) == b'z' * 4097
            """;
}
