package io.varve.api.cli;

import io.vertx.core.json.JsonObject;
import java.io.PrintWriter;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Lists of what came in and went out, or is on its way. */
final class TransferCommands {
    private static final String NONE = "-";

    private TransferCommands() {}

    /** {@code varve snapshot imports}. */
    @Command(
            name = "imports",
            description = "List imports of portable files and disk images.",
            mixinStandardHelpOptions = true)
    static final class Imports extends Listing {
        Imports() {
            super("imports", "importId", "IMPORT");
        }
    }

    /** {@code varve snapshot exports}. */
    @Command(name = "exports", description = "List exports of disk images.", mixinStandardHelpOptions = true)
    static final class Exports extends Listing {
        Exports() {
            super("exports", "exportId", "EXPORT");
        }
    }

    /** What both lists are. */
    abstract static class Listing implements Runnable {
        private final String name;
        private final String id;
        private final String heading;

        @Mixin
        private Remote remote = new Remote();

        @Mixin
        private FilterOption filter = new FilterOption();

        private Listing(String name, String id, String heading) {
            this.name = name;
            this.id = id;
            this.heading = heading;
        }

        @Override
        public void run() {
            JsonObject all = remote.client().list("v1/" + name, name, filter.filters());
            remote.show(all, out -> rows(Rows.list(all, name), id, heading, out));
        }
    }

    private static void rows(List<JsonObject> transfers, String id, String heading, PrintWriter out) {
        Table table = new Table(heading, "STATE", "SNAPSHOT", "FORMAT", "FILE", "WHY");
        for (JsonObject transfer : transfers) {
            table.row(
                    transfer.getString(id),
                    transfer.getString("state"),
                    transfer.getString("snapshotId", NONE),
                    transfer.getString("format", NONE),
                    transfer.getString("file", NONE),
                    transfer.getString("failure", NONE));
        }
        table.print(out);
    }
}
