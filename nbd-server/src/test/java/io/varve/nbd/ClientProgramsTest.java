package io.varve.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.testing.RequiresTools;
import io.varve.testing.Tools;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What libnbd's own programs see of the protocol: what is offered, and errors as it words them. What clients get back
 * of what they wrote is tested on the real server, in the api module.
 */
class ClientProgramsTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

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
            h.cache(512, 0)
            expect(errno.EINVAL, lambda: h.cache(512, size))
            expect(errno.EINVAL, lambda: h.block_status(512, 0, lambda *args: 0))
            expect(errno.EOVERFLOW, lambda: h.pread((32 << 20) + 1, 0))
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
