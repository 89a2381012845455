package io.varve.testing;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ToolsTest {

    private static final Duration AMPLE = Duration.ofSeconds(30);

    @TempDir
    Path directory;

    @Test
    void returnsExitCodeAndBothStreams() {
        Tools.Finished finished = Tools.run(AMPLE, "sh", "-c", "echo out; echo err >&2; exit 3");

        assertThat(finished.exitCode()).isEqualTo(3);
        assertThat(finished.output()).isEqualTo("out\n");
        assertThat(finished.errors()).isEqualTo("err\n");
    }

    @Test
    void showsAllTheProgramSaidWhereSuccessWasExpected() {
        Tools.Finished failed = Tools.run(AMPLE, "sh", "-c", "echo no such export >&2; exit 1");

        assertThatThrownBy(failed::succeeded)
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("exit code 1")
                .hasMessageContaining("no such export");
    }

    @Test
    void givesNoStandardInput() {
        assertThat(Tools.run(AMPLE, "cat").succeeded().output()).isEmpty();
    }

    @Test
    void killsTheWholeTreeAtTheTimeoutAndTellsWhatItHadSaid() throws Exception {
        Path child = directory.resolve("child");

        Throwable failure = catchThrowable(() -> Tools.run(
                Duration.ofMillis(500), "sh", "-c", "sleep 600 & echo $! > " + child + "; echo started; wait"));

        assertThat(failure)
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("500 ms")
                .hasMessageContaining("started");
        assertGone(child);
    }

    @Test
    void killsWhatTheProgramLeftRunning() throws Exception {
        Path child = directory.resolve("child");

        Tools.run(AMPLE, "sh", "-c", "sleep 600 & echo $! > " + child).succeeded();

        assertGone(child);
    }

    @Test
    void namesThePackageOfAMissingProgram() {
        assertThatThrownBy(() -> Tools.run(AMPLE, "no-such-tool", "--version"))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("no-such-tool is not on this machine")
                .hasMessageContaining("sudo apt-get install no-such-tool");
    }

    private static void assertGone(Path pidFile) throws Exception {
        long pid = Long.parseLong(Files.readString(pidFile).strip());
        Optional<CompletableFuture<ProcessHandle>> exit = ProcessHandle.of(pid).map(ProcessHandle::onExit);
        if (exit.isPresent()) {
            assertThat(exit.get()).succeedsWithin(10, SECONDS);
        }
    }
}
