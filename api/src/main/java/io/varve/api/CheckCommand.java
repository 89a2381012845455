package io.varve.api;

import io.varve.api.control.ControlDatabase;
import io.varve.engine.BlockStore;
import io.varve.engine.CheckReport;
import io.varve.engine.Finding;
import io.varve.engine.SalvageReport;
import io.varve.engine.StoreException;
import io.varve.engine.StoreOptions;
import io.varve.nbd.NettyLoops;
import io.varve.nbd.Transport;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code varve check}. */
@Command(
        name = "check",
        description = "Check a data directory that no server has open. Changes nothing.",
        mixinStandardHelpOptions = true,
        footer = {
            "",
            "Reads superblocks, tables, block maps and logs, and counts anew what is in use; with --data-blocks every",
            "block too. One finding a line: \"damage\" is what cannot be read, \"count\" is space that is counted wrong,",
            "\"note\" is what a crash may leave and the store mends by itself.",
            "Ends with 0 if there are at most notes, with 13 if there is damage or a wrong count, or if --salvage could not",
            "read everything: what it could not is named, and a hole in the copy."
        })
final class CheckCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Option(
            names = "--data",
            paramLabel = "DIR",
            defaultValue = "varve-data",
            description = "The data directory; default: varve-data.")
    private Path data = Path.of("varve-data");

    @Option(names = "--data-blocks", description = "Read every block and hold it against its check value.")
    private boolean dataBlocks;

    @Option(
            names = "--salvage",
            paramLabel = "TARGET",
            description =
                    "Copy all that can be read, with names, tags and lineage, into a new store in this directory.")
    private @Nullable Path salvage;

    @Option(names = "--json", description = "Print the report as JSON.")
    private boolean json;

    @Override
    public Integer call() {
        try {
            return salvage == null ? check() : salvage(salvage);
        } catch (StoreException e) {
            throw new StartException(ExitCode.of(e.kind()), String.valueOf(e.getMessage()), e);
        }
    }

    private int check() {
        CheckReport report = BlockStore.check(data, dataBlocks);
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.println(toJson(report).encodePrettily());
        } else {
            print(report, out);
        }
        out.flush();
        return report.isClean() ? ExitCode.OK : ExitCode.DAMAGED;
    }

    private int salvage(Path target) {
        SalvageReport report;
        try (NettyLoops loops = NettyLoops.start(Transport.auto(), 1);
                DaemonThreads threads = new DaemonThreads(loops)) {
            report = BlockStore.salvage(data, target, StoreOptions.DEFAULT, threads);
        }
        copyMetadata(target);
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.println(toJson(report).encodePrettily());
        } else {
            report.lost().forEach(out::println);
            out.println("copied " + report.copied().size() + " volumes and snapshots with " + report.dataBytes()
                    + " bytes of data to " + target);
        }
        out.flush();
        return report.lost().isEmpty() ? ExitCode.OK : ExitCode.DAMAGED;
    }

    /** Ids stay, so names, tags and limits go on to hold. */
    private void copyMetadata(Path target) {
        try (Stream<Path> files = Files.list(data)) {
            for (Path file : files.filter(path -> path.getFileName().toString().startsWith(ControlDatabase.FILE_NAME))
                    .toList()) {
                Files.copy(file, target.resolve(file.getFileName()));
            }
        } catch (IOException e) {
            throw new StartException(
                    ExitCode.STORAGE, "the store is copied, but not " + ControlDatabase.FILE_NAME + ": " + e, e);
        }
    }

    private static JsonObject toJson(SalvageReport report) {
        return new JsonObject()
                .put("complete", report.lost().isEmpty())
                .put("lost", toJson(report.lost()))
                .put("copied", new JsonArray(report.copied()))
                .put("dataBytes", report.dataBytes());
    }

    private void print(CheckReport report, PrintWriter out) {
        report.findings().forEach(out::println);
        if (report.store().isEmpty()) {
            return;
        }
        out.println("store " + report.store() + ", generation " + report.generation() + ": "
                + report.volumes().size() + " volumes, " + report.snapshots().size() + " snapshots, "
                + report.mapPages() + " map pages, " + report.liveBlocks() + " live blocks"
                + (dataBlocks ? ", " + report.blocksRead() + " of them read" : ""));
        List<String> intact = new ArrayList<>();
        List<String> damaged = new ArrayList<>();
        for (List<CheckReport.Checked> all : List.of(report.volumes(), report.snapshots())) {
            all.forEach(checked -> (checked.intact() ? intact : damaged).add(checked.id()));
        }
        if (damaged.isEmpty()) {
            out.println("intact: all volumes and snapshots");
        } else {
            out.println("damaged: " + String.join(", ", damaged));
            out.println("intact: " + (intact.isEmpty() ? "none" : String.join(", ", intact)));
        }
    }

    private static JsonArray toJson(List<Finding> all) {
        JsonArray findings = new JsonArray();
        for (Finding finding : all) {
            findings.add(new JsonObject()
                    .put("severity", finding.severity().name().toLowerCase(Locale.ROOT))
                    .put("where", finding.where())
                    .put("what", finding.what())
                    .put("touches", new JsonArray(finding.touches())));
        }
        return findings;
    }

    private static JsonObject toJson(CheckReport report) {
        return new JsonObject()
                .put("storeId", report.store())
                .put("generation", report.generation())
                .put("clean", report.isClean())
                .put("findings", toJson(report.findings()))
                .put("volumes", checked("volumeId", report.volumes()))
                .put("snapshots", checked("snapshotId", report.snapshots()))
                .put("mapPages", report.mapPages())
                .put("liveBlocks", report.liveBlocks())
                .put("blocksRead", report.blocksRead());
    }

    private static JsonArray checked(String idField, List<CheckReport.Checked> all) {
        JsonArray array = new JsonArray();
        all.forEach(one -> array.add(new JsonObject()
                .put(idField, one.id())
                .put("usedBytes", one.usedBytes())
                .put("intact", one.intact())));
        return array;
    }
}
