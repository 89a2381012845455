package io.varve.api.cli;

import io.vertx.core.json.JsonObject;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code varve recycle-bin …}. */
@Command(
        name = "recycle-bin",
        description = "List, restore and delete for good what retention rules keep; see varve retention-rule.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {RecycleBinCommands.Ls.class, RecycleBinCommands.Restore.class, RecycleBinCommands.Rm.class})
public final class RecycleBinCommands {
    private static final String VOLUMES = "v1/recycle-bin/volumes";
    private static final String SNAPSHOTS = "v1/recycle-bin/snapshots";
    private static final String IMAGES = "v1/recycle-bin/images";
    private static final String ID_TEXT = "Ids of volumes, snapshots or images.";

    private static String path(String id) {
        String kind = id.startsWith("snap-") ? SNAPSHOTS : id.startsWith("ami-") ? IMAGES : VOLUMES;
        return kind + "/" + Fields.segment(id);
    }

    /** {@code varve recycle-bin ls}. */
    @Command(name = "ls", description = "List what is in the recycle bin.", mixinStandardHelpOptions = true)
    static final class Ls implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Override
        public void run() {
            ApiClient client = remote.client();
            JsonObject all = client.list(VOLUMES, "volumes", List.of())
                    .mergeIn(client.list(SNAPSHOTS, "snapshots", List.of()))
                    .mergeIn(client.list(IMAGES, "images", List.of()));
            Table table = new Table("ID", "NAME", "SIZE", "DELETED", "GOES", "RULE");
            for (JsonObject volume : Rows.list(all, "volumes")) {
                row(table, volume.getString("volumeId"), size(volume.getInteger("sizeGiB")), volume);
            }
            for (JsonObject snapshot : Rows.list(all, "snapshots")) {
                row(table, snapshot.getString("snapshotId"), size(snapshot.getInteger("volumeSizeGiB")), snapshot);
            }
            for (JsonObject image : Rows.list(all, "images")) {
                row(table, image.getString("imageId"), "-", image);
            }
            remote.show(all, table::print);
        }

        private static String size(int sizeGiB) {
            return sizeGiB + " GiB";
        }

        private static void row(Table table, String id, String size, JsonObject binned) {
            table.row(
                    id,
                    binned.getString("name", "-"),
                    size,
                    binned.getString("recycleBinEnterTime"),
                    binned.getString("recycleBinExitTime"),
                    binned.getString("retentionRuleId"));
        }
    }

    /** {@code varve recycle-bin restore}. */
    @Command(
            name = "restore",
            description = "Take volumes, snapshots and images out again.",
            mixinStandardHelpOptions = true)
    static final class Restore implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Parameters(paramLabel = "ID", arity = "1..*", description = ID_TEXT)
        private List<String> ids = List.of();

        @Override
        public void run() {
            for (String id : ids) {
                JsonObject restored = remote.client().post(path(id) + "/restore", new JsonObject());
                remote.show(restored);
            }
        }
    }

    /** {@code varve recycle-bin rm}. */
    @Command(
            name = "rm",
            description = "Delete volumes, snapshots and images for good.",
            mixinStandardHelpOptions = true)
    static final class Rm implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Parameters(paramLabel = "ID", arity = "1..*", description = ID_TEXT)
        private List<String> ids = List.of();

        @Override
        public void run() {
            for (String id : ids) {
                remote.client().delete(path(id));
                remote.say("deleted " + id);
            }
        }
    }
}
