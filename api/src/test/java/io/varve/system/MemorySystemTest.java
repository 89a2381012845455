package io.varve.system;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.MemoryBudget;
import io.varve.engine.MemoryUse;
import io.varve.testing.Background;
import io.varve.testing.RequiresTools;
import io.varve.testing.Tools;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The least memory that a server can be told to use is enough for clients that want far more: scattered writes over
 * more map pages than it holds, large requests in flight, blocks written in part, compressed writes, and all of it at
 * once (law 10). The JVM ends the process if the heap is short, and fails requests if direct memory is.
 */
@Tag("slow")
@RequiresTools("fio")
class MemorySystemTest {
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final long MEMORY_MIB = MemoryBudget.LEAST_BYTES >> 20;
    private static final long DIRECT_MIB = MEMORY_MIB + MEMORY_MIB / 8;

    @TempDir
    static Path directory;

    @Test
    void theSumOfAllSharesHoldsWhateverClientsDo() {
        List<String> limits = List.of("-Xmx96m", "-XX:MaxDirectMemorySize=" + DIRECT_MIB + "m");
        List<String> options = List.of("--nbd=127.0.0.1:0", "--memory=" + MEMORY_MIB, "--scrub-rate=64");
        try (ServerProcess server = ServerProcess.start(directory, List.of(), limits, options)) {
            String scattered = server.newVolume("scattered", 1024);
            String large = server.newVolume("large", 4);
            String partial = server.newVolume("partial", 1);
            String compressed = newCompressedVolume(server);
            List<CompletableFuture<Tools.Finished>> loads = new ArrayList<>();
            loads.add(load(server, scattered, "--rw=randrw", "--bs=4k", "--iodepth=64", "--norandommap"));
            for (int client = 0; client < 4; client++) {
                loads.add(load(server, large, "--rw=randrw", "--bs=4m", "--iodepth=32", "--norandommap"));
            }
            loads.add(load(server, partial, "--rw=randrw", "--bs=512", "--iodepth=256", "--norandommap"));
            loads.add(load(server, compressed, "--rw=randrw", "--bsrange=4k-256k", "--iodepth=64", "--norandommap"));

            loads.forEach(CompletableFuture::join);

            for (MemoryUse use : MemoryUse.values()) {
                if (use == MemoryUse.BACKGROUND) {
                    continue;
                }
                double budget = server.labelled("varve_memory_budget_bytes", use.label());
                assertThat(budget).as("%s", use).isPositive();
                assertThat(server.labelled("varve_memory_used_bytes", use.label()))
                        .as("%s", use)
                        .isLessThanOrEqualTo(budget * 5 / 4);
            }
            assertThat(server.labelled("jvm_buffer_memory_used_bytes", "direct"))
                    .isLessThan(DIRECT_MIB << 20);
        }
    }

    private static String newCompressedVolume(ServerProcess server) {
        JsonObject request = new JsonObject().put("sizeGiB", 1).put("compression", "lz4");
        return server.api().post("/v1/volumes", request).body().getString("volumeId");
    }

    /** Fails with what fio says if one of its requests failed. */
    private static CompletableFuture<Tools.Finished> load(ServerProcess server, String volume, String... options) {
        List<String> command = new ArrayList<>(List.of(
                "fio",
                "--name=load",
                "--ioengine=nbd",
                "--uri=" + server.unixUri(volume),
                "--time_based",
                "--runtime=10",
                "--buffer_compress_percentage=60"));
        command.addAll(List.of(options));
        return Background.supply(
                () -> Tools.run(PATIENCE, command.toArray(String[]::new)).succeeded());
    }
}
