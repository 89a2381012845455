package io.varve.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.IoStatus;
import io.varve.engine.StoreException;
import io.varve.testing.Certificates;
import io.varve.testing.RequiresTools;
import io.varve.testing.Tools;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The error answers of the document (proto.md, "Option reply types", "Error values") as libnbd, told not to check
 * anything itself, gets and words them. What libnbd cannot ask for is in {@code IndependentClientSystemTest} of the api
 * module.
 */
@RequiresTools("nbdsh")
class ErrorAnswersTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private NbdFixture nbd;

    @TempDir
    private Path directory;

    @AfterEach
    void stop() {
        nbd.awaitNoConnections();
        assertThat(nbd.server.counters().violations()).isZero();
        nbd.close();
    }

    // ---- requests ----

    @ParameterizedTest
    @ValueSource(strings = {"True", "False"})
    void requestsThatTheDocumentForbidsAreRefusedAndTheConnectionGoesOn(String structured) {
        nbd = NbdFixture.start();

        nbdsh("disk", structured, FORBIDDEN);
    }

    @ParameterizedTest
    @ValueSource(strings = {"True", "False"})
    void aReadOnlyExportAnswersEperm(String structured) {
        nbd = NbdFixture.start();

        nbdsh(NbdFixture.SNAPSHOT, structured, READ_ONLY);
    }

    @ParameterizedTest
    @EnumSource(mode = Mode.EXCLUDE, names = "OK")
    void whatTheStorageFailsWithIsTold(IoStatus status) {
        nbd = NbdFixture.start();
        nbd.disk.answer = status;

        nbdsh("disk", "True", FAILING.formatted(status));
        nbdsh("disk", "False", FAILING.formatted(status));

        nbd.disk.answer = IoStatus.OK;
        nbdsh("disk", "True", "assert h.pread(4096, 0) == bytes(4096)");
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
            def status(length, at, flags=0):
                return h.block_status(length, at, lambda *args: 0, flags)
            h.set_strict_mode(0)
            size = h.get_size()
            chunks = h.get_structured_replies_negotiated()
            """;

    private static final String FORBIDDEN = """
            # ranges: ENOSPC for what would write, EINVAL for the rest
            for at, length in [(size, 1), (size - 1, 2), (size - 4096, 8192), (1 << 62, 4096), ((1 << 63) - 1, 4096)]:
                expect(errno.ENOSPC, lambda: h.pwrite(bytes(length), at))
                expect(errno.ENOSPC, lambda: h.zero(length, at))
                expect(errno.EINVAL, lambda: h.pread(length, at))
                expect(errno.EINVAL, lambda: h.trim(length, at))
                expect(errno.EINVAL, lambda: h.cache(length, at))
                if chunks:
                    expect(errno.EINVAL, lambda: status(length, at))
            expect(errno.ENOSPC, lambda: h.zero(0xffffffff, size - 1))
            expect(errno.EINVAL, lambda: h.trim(0xffffffff, 1))
            # flags: unknown ones, and those of another command
            for flag in [1 << 6, 1 << 9, 1 << 15]:
                expect(errno.EINVAL, lambda: h.pread(512, 0, flag))
                expect(errno.EINVAL, lambda: h.pwrite(b'x' * 512, 0, flag))
                expect(errno.EINVAL, lambda: h.flush(flag))
                expect(errno.EINVAL, lambda: h.trim(512, 0, flag))
                expect(errno.EINVAL, lambda: h.zero(512, 0, flag))
                expect(errno.EINVAL, lambda: h.cache(512, 0, flag))
            expect(errno.EINVAL, lambda: h.pwrite(b'x' * 512, 0, nbd.CMD_FLAG_DF))
            expect(errno.EINVAL, lambda: h.pwrite(b'x' * 512, 0, nbd.CMD_FLAG_NO_HOLE))
            expect(errno.EINVAL, lambda: h.trim(4096, 0, nbd.CMD_FLAG_FAST_ZERO))
            expect(errno.EINVAL, lambda: h.zero(4096, 0, nbd.CMD_FLAG_REQ_ONE))
            # payloads
            expect(errno.EINVAL, lambda: h.pwrite(bytes((32 << 20) + 1), 0))
            if chunks:
                expect(errno.EOVERFLOW, lambda: h.pread((32 << 20) + 1, 0))
                expect(errno.EOVERFLOW, lambda: h.pread((32 << 20) + 1, 0, nbd.CMD_FLAG_DF))
                assert len(h.pread(32 << 20, 0, nbd.CMD_FLAG_DF)) == 32 << 20
            else:
                expect(errno.EINVAL, lambda: h.pread((32 << 20) + 1, 0))
                expect(errno.EINVAL, lambda: h.pread(512, 0, nbd.CMD_FLAG_DF))
            # a block status without a context; libnbd itself refuses one without chunks
            if chunks:
                h2 = nbd.NBD()
                h2.connect_uri(h.get_uri())
                h, h2 = h2, h
                h.set_strict_mode(0)
                expect(errno.EINVAL, lambda: status(512, 0))
                h.shutdown()
                h = h2
            # zeroes that are no faster than a write, which leave what was there
            h.pwrite(b'y' * 8192, 0)
            for at, length in [(0, 513), (1, 4096), (512, 8192)]:
                expect(errno.ENOTSUP, lambda: h.zero(length, at, nbd.CMD_FLAG_FAST_ZERO))
                h.zero(length, size - 16384 + at)
            assert h.pread(8192, 0) == b'y' * 8192
            h.zero(8192, 0, nbd.CMD_FLAG_FAST_ZERO)
            assert h.pread(8192, 0) == bytes(8192)
            """;

    private static final String READ_ONLY = """
            assert h.is_read_only()
            for length in [1, 4096, 100000]:
                expect(errno.EPERM, lambda: h.pwrite(b'x' * length, 0))
                expect(errno.EPERM, lambda: h.trim(length, 0))
                expect(errno.EPERM, lambda: h.zero(length, 0))
            expect(errno.EPERM, lambda: h.pwrite(b'x' * 4096, size))
            assert h.pread(4096, 0) == bytes(4096)
            h.cache(4096, 0)
            h.flush()
            """;

    private static final String FAILING = """
            number = errno.%s
            expect(number, lambda: h.pread(4096, 0))
            expect(number, lambda: h.pwrite(b'x' * 100000, 0))
            expect(number, lambda: h.flush())
            expect(number, lambda: h.trim(4096, 0))
            expect(number, lambda: h.zero(4096, 0))
            expect(number, lambda: h.zero(4096, 0, nbd.CMD_FLAG_FAST_ZERO))
            if chunks:
                expect(number, lambda: status(4096, 0))
            expect(number, lambda: h.cache(4096, 0))
            """;

    // ---- options ----

    /** Each option error has its own words in libnbd. */
    @ParameterizedTest
    @CsvSource({
        "nothing, ENOENT, server has no export named",
        "vanished, ENOENT, server has no export named",
        "damaged, ENOTSUP, server policy prevents",
        "used, ENOTSUP, server policy prevents",
        "closing, ESHUTDOWN, server is shutting down"
    })
    void anExportThatCannotBeOpenedSaysWhy(String export, String errno, String words) {
        nbd = NbdFixture.start();
        nbd.exports.addBroken("vanished", new StoreException(StoreException.Kind.VOLUME_NOT_FOUND, "gone"));
        nbd.exports.addBroken("damaged", new StoreException(StoreException.Kind.DAMAGED, "gone"));
        nbd.exports.addBroken("used", new StoreException(StoreException.Kind.IN_USE, "by others"));
        nbd.exports.addBroken("closing", new StoreException(StoreException.Kind.CLOSED, "gone"));

        String named = "h.set_export_name('" + export + "')\n";
        assertThat(script(named + "h.connect_unix('" + nbd.socket + "')")).contains(words);
        assertThat(negotiate(named + "h.opt_go()")).startsWith(errno);
    }

    @Test
    void queriesThatAreTooManyOrBrokenAreRefused() {
        nbd = NbdFixture.start();

        assertThat(negotiate(QUERIES.formatted("['base:allocation'] * 129"))).contains("server replied with error");
        assertThat(negotiate(QUERIES.formatted("['no colon']"))).contains("server replied with error");
        assertThat(negotiate(QUERIES.formatted("['base:allocation']"))).isEqualTo("no error");
    }

    private static final String QUERIES = """
            for query in %s:
                h.add_meta_context(query)
            h.opt_list_meta_context(lambda name: 0)
            """;

    @Test
    @RequiresTools("openssl")
    void tlsIsRequiredWhereItIsAndRefusedWhereThereIsNone() {
        Certificates authority = Certificates.create(directory.resolve("ca")).server("ec");
        TlsSettings tls = new TlsSettings(
                authority.serverCertificate(), authority.serverKey(), Optional.empty(), Optional.empty());
        nbd = NbdFixture.startWithTls(tls, TlsMode.REQUIRED, NbdLimits.DEFAULT);

        String inTheClear = "h.connect_uri('" + nbd.tcpUri("disk") + "')";
        assertThat(script(inTheClear)).contains("server requires TLS encryption first");
        String demanded = "h.set_tls(nbd.TLS_REQUIRE)\nh.set_tls_certificates('" + authority.client("somebody")
                + "')\nh.connect_unix('" + nbd.socket + "')";
        assertThat(script(demanded)).contains("server refused TLS");
    }

    // ---- libnbd ----

    /** What libnbd says of the error that a script of options ends with. */
    private String negotiate(String options) {
        return script("h.set_opt_mode(True)\nh.connect_unix('" + nbd.socket + "')\n" + options);
    }

    private static String script(String body) {
        String guarded = """
                try:
                %s
                    print('no error')
                except nbd.Error as e:
                    print(e.errno, e.string)
                if h.aio_is_negotiating():
                    h.opt_abort()
                """.formatted(body.indent(4).stripTrailing());
        return run("-c", guarded).strip();
    }

    private void nbdsh(String export, String structured, String script) {
        run(
                "-c",
                "h.set_request_structured_replies(" + structured + ")",
                "-c",
                "h.add_meta_context('base:allocation')",
                "-u",
                nbd.unixUri(export),
                "-c",
                EXPECT + script + "\nh.shutdown()\n");
    }

    /** With the system's Python, which alone has the module of libnbd. */
    private static String run(String... arguments) {
        String[] command = new String[arguments.length + 3];
        System.arraycopy(new String[] {"env", "PATH=/usr/bin:/bin", "nbdsh"}, 0, command, 0, 3);
        System.arraycopy(arguments, 0, command, 3, arguments.length);
        return Tools.run(PATIENCE, command).succeeded().output();
    }
}
