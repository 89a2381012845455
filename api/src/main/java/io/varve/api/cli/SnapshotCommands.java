package io.varve.api.cli;

import io.vertx.core.json.JsonObject;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code varve snapshot …}. */
@Command(
        name = "snapshot",
        description = "Take, list and delete snapshots. To restore one: varve volume create --snapshot SNAPSHOT.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            SnapshotCommands.Create.class,
            SnapshotCommands.Ls.class,
            SnapshotCommands.Show.class,
            SnapshotCommands.Change.class,
            SnapshotCommands.Rm.class,
            SnapshotCommands.Copy.class,
            SnapshotLockCommands.Lock.class,
            SnapshotLockCommands.Unlock.class,
            SnapshotExportCommand.class,
            SnapshotImportCommand.class,
            TransferCommands.Imports.class,
            TransferCommands.Exports.class
        })
public final class SnapshotCommands {
    static final String PATH = "v1/snapshots";
    private static final String GROUPS = "v1/snapshot-groups";
    static final String SNAPSHOT = "SNAPSHOT";
    static final String SNAPSHOT_TEXT = "The snapshot's id, or its name where only one has it.";

    /** {@code varve snapshot create}. */
    @Command(
            name = "create",
            description = "Take a snapshot of a volume, in use or not, and print it; of several, at one instant.",
            mixinStandardHelpOptions = true)
    static final class Create implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Parameters(
                paramLabel = "VOLUME",
                arity = "1..*",
                description = "The volume's id, or its name where only one has it.")
        private List<String> volumes = List.of();

        @Option(names = "--name", paramLabel = "NAME", description = "A name.")
        private @Nullable String name;

        @Option(names = "--description", paramLabel = "TEXT", description = "Why it was taken.")
        private @Nullable String description;

        @Option(names = "--tag", paramLabel = "KEY=VALUE", description = "A tag; may be given many times.")
        private Map<String, String> tags = new LinkedHashMap<>();

        @Option(
                names = "--client-token",
                paramLabel = "TOKEN",
                description = "Makes the command repeatable: the same token takes one snapshot only.")
        private @Nullable String clientToken;

        @Override
        public void run() {
            ApiClient client = remote.client();
            JsonObject body = new JsonObject();
            Fields.put(body, "name", name);
            Fields.put(body, "description", description);
            Fields.put(body, "tags", tags.isEmpty() ? null : tags);
            Fields.put(body, "clientToken", clientToken);
            if (volumes.size() == 1) {
                JsonObject snapshot = client.post(PATH, body.put("volumeId", client.volumeId(volumes.get(0))));
                remote.show(snapshot);
            } else {
                List<String> ids = volumes.stream().map(client::volumeId).toList();
                JsonObject group = client.post(GROUPS, body.put("volumeIds", ids));
                remote.show(group, out -> Rows.snapshots(Rows.list(group, "snapshots"), out));
            }
        }
    }

    /** {@code varve snapshot copy}. */
    @Command(
            name = "copy",
            description = "Make a snapshot that reads as another and lives on its own; it shares all blocks.",
            mixinStandardHelpOptions = true)
    static final class Copy implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Parameters(paramLabel = SNAPSHOT, description = SNAPSHOT_TEXT)
        private String snapshot = "";

        @Option(names = "--description", paramLabel = "TEXT", description = "Why it was made.")
        private @Nullable String description;

        @Mixin
        private NewLabelOptions label = new NewLabelOptions();

        @Override
        public void run() {
            ApiClient client = remote.client();
            JsonObject body = new JsonObject().put("sourceSnapshotId", client.snapshotId(snapshot));
            Fields.put(body, "description", description);
            label.putInto(body);
            JsonObject copy = client.post(PATH, body);
            remote.show(copy);
        }
    }

    /** {@code varve snapshot ls}. */
    @Command(name = "ls", description = "List all snapshots, oldest first.", mixinStandardHelpOptions = true)
    static final class Ls implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Mixin
        private FilterOption filter = new FilterOption();

        @Override
        public void run() {
            JsonObject page = remote.client().list(PATH, "snapshots", filter.filters());
            remote.show(page, out -> Rows.snapshots(Rows.list(page, "snapshots"), out));
        }
    }

    /** {@code varve snapshot show}. */
    @Command(name = "show", description = "Show one snapshot.", mixinStandardHelpOptions = true)
    static final class Show implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Parameters(paramLabel = SNAPSHOT, description = SNAPSHOT_TEXT)
        private String snapshot = "";

        @Override
        public void run() {
            ApiClient client = remote.client();
            JsonObject found = client.get(PATH + "/" + Fields.segment(client.snapshotId(snapshot)));
            remote.show(found);
        }
    }

    /** {@code varve snapshot set}. */
    @Command(name = "set", description = "Rename, describe or tag a snapshot.", mixinStandardHelpOptions = true)
    static final class Change implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Parameters(paramLabel = SNAPSHOT, description = SNAPSHOT_TEXT)
        private String snapshot = "";

        @Option(names = "--description", paramLabel = "TEXT", description = "The new description.")
        private @Nullable String description;

        @Mixin
        private LabelOptions label = new LabelOptions();

        @Override
        public void run() {
            ApiClient client = remote.client();
            JsonObject body = new JsonObject();
            Fields.put(body, "description", description);
            label.putInto(body);
            JsonObject changed = client.patch(PATH + "/" + Fields.segment(client.snapshotId(snapshot)), body);
            remote.show(changed);
        }
    }

    /** {@code varve snapshot rm}. */
    @Command(
            name = "rm",
            description = "Delete snapshots; volumes restored from them stay.",
            mixinStandardHelpOptions = true)
    static final class Rm implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Parameters(paramLabel = SNAPSHOT, arity = "1..*", description = SNAPSHOT_TEXT)
        private List<String> snapshots = List.of();

        @Option(names = "--force", description = "Disconnect NBD readers first instead of refusing.")
        private boolean force;

        @Override
        public void run() {
            ApiClient client = remote.client();
            for (String snapshot : snapshots) {
                String id = client.snapshotId(snapshot);
                client.delete(PATH + "/" + Fields.segment(id) + (force ? "?force=true" : ""));
                remote.say("deleted " + id);
            }
        }
    }
}
