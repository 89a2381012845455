package io.varve.benchmarks;

import java.io.IOException;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;

/**
 * A volume over NBD and a Unix socket. The client is a thread of the same JVM and takes its share of the cores; for a
 * client of its own see {@code benchmarks/compare}.
 */
public class ServerBenchmark extends AsServed {
    private static final int REQUESTS = 1024;

    private int turn;

    @Benchmark
    @OperationsPerInvocation(REQUESTS)
    public void randomRead(ServedVolume served) throws IOException {
        served.client().run(REQUESTS, () -> true, served.filled().random());
    }

    @Benchmark
    @OperationsPerInvocation(REQUESTS)
    public void randomWrite(ServedVolume served) throws IOException {
        served.client().run(REQUESTS, () -> false, served.filled().random());
    }

    @Benchmark
    @OperationsPerInvocation(REQUESTS)
    public void randomMixed(ServedVolume served) throws IOException {
        served.client().run(REQUESTS, this::sevenOfTen, served.filled().random());
    }

    private boolean sevenOfTen() {
        turn = (turn + 3) % 10;
        return turn < 7;
    }
}
