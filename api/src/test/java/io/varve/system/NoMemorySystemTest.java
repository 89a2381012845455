package io.varve.system;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.testing.RequiresTools;
import io.varve.testing.Tools;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A server that has less memory for buffers than its limits count on answers ENOMEM to what does not fit, and serves
 * on. The limits follow what the JVM is given, so that the network library alone is told here that there is less:
 * enough for the two chunks of 16 MiB from which loops take small buffers, not for one of them and a request of 32 MiB.
 */
class NoMemorySystemTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @TempDir
    private Path directory;

    @Test
    @RequiresTools("nbdsh")
    void requestsThatFitInNoBufferAreAnsweredEnomem() {
        List<String> memory =
                List.of("-Xmx256m", "-XX:MaxDirectMemorySize=576m", "-Dio.netty.maxDirectMemory=" + (44 << 20));
        try (ServerProcess server = ServerProcess.start(directory, List.of(), memory, List.of("--nbd=127.0.0.1:0"))) {
            String uri = server.unixUri(server.newVolume("disk", 1));
            Tools.run(PATIENCE, "env", "PATH=/usr/bin:/bin", "nbdsh", "-u", uri, "-c", NO_MEMORY)
                    .succeeded();
            assertThat(server.metric("varve_nbd_violations_total")).isZero();
        }
    }

    private static final String NO_MEMORY = """
            def expect_enomem(call):
                try:
                    call()
                except nbd.Error as e:
                    assert e.errno == 'ENOMEM', e
                    return
                assert False, 'there was memory'
            h.pwrite(b'a' * 65536, 0)
            for again in range(3):
                expect_enomem(lambda: h.pread(32 << 20, 0))
                expect_enomem(lambda: h.pwrite(b'b' * (32 << 20), 0))
            assert h.pread(65536, 0) == b'a' * 65536
            h.pwrite(b'c' * (1 << 20), 1 << 20)
            assert h.pread(1 << 20, 1 << 20) == b'c' * (1 << 20)
            h.shutdown()
            """;
}
