package io.varve.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/** Each benchmark runs for one short iteration, so that it does not rot. What it measures then means nothing. */
class BenchmarksTest {
    private static final TimeValue MOMENT = TimeValue.milliseconds(20);

    @TempDir
    private Path directory;

    @Test
    void everyBenchmarkRunsAndLeavesNothing() throws RunnerException, IOException {
        Collection<RunResult> results = new Runner(new OptionsBuilder()
                        .include("io\\.varve\\..*")
                        .param("mebibytes", "8")
                        .param("requestKib", "64")
                        .param("snapshots", "2")
                        .param("throttled", "true")
                        .param("directory", directory.toString())
                        .forks(0)
                        .warmupIterations(0)
                        .measurementIterations(1)
                        .measurementTime(MOMENT)
                        .shouldFailOnError(true)
                        .verbosity(VerboseMode.SILENT)
                        .build())
                .run();

        assertThat(results)
                .extracting(result -> result.getParams().getBenchmark().replaceFirst(".*\\.(.*\\..*)", "$1"))
                .contains(
                        "EngineBenchmark.randomMixed",
                        "EngineBenchmark.snapshotUnderLoad",
                        "ServerBenchmark.randomRead",
                        "StepBenchmark.lookUp",
                        "AppendBenchmark.append",
                        "TokenBucketBenchmark.admit",
                        "WireBenchmark.decode");
        assertThat(results)
                .allSatisfy(result -> assertThat(
                                result.getPrimaryResult().getStatistics().getMean())
                        .isPositive());
        try (Stream<Path> left = Files.list(directory)) {
            assertThat(left).isEmpty();
        }
    }
}
