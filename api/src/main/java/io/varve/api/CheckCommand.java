package io.varve.api;

import io.varve.engine.BlockStore;
import io.varve.engine.CheckReport;
import io.varve.engine.Finding;
import io.varve.engine.StoreException;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
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
            "Ends with 0 if there are at most notes, with 13 if there is damage or a wrong count."
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

    @Option(names = "--json", description = "Print the report as JSON.")
    private boolean json;

    @Override
    public Integer call() {
        CheckReport report;
        try {
            report = BlockStore.check(data, dataBlocks);
        } catch (StoreException e) {
            throw new StartException(ExitCode.of(e.kind()), String.valueOf(e.getMessage()), e);
        }
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.println(toJson(report).encodePrettily());
        } else {
            print(report, out);
        }
        out.flush();
        return report.isClean() ? ExitCode.OK : ExitCode.DAMAGED;
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

    private static JsonObject toJson(CheckReport report) {
        JsonArray findings = new JsonArray();
        for (Finding finding : report.findings()) {
            findings.add(new JsonObject()
                    .put("severity", finding.severity().name().toLowerCase(Locale.ROOT))
                    .put("where", finding.where())
                    .put("what", finding.what())
                    .put("touches", new JsonArray(finding.touches())));
        }
        return new JsonObject()
                .put("storeId", report.store())
                .put("generation", report.generation())
                .put("clean", report.isClean())
                .put("findings", findings)
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
