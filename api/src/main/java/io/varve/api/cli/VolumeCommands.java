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

/** {@code varve volume …}. */
@Command(
        name = "volume",
        description = "Create, list, change and delete volumes.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            VolumeCommands.Create.class,
            VolumeCommands.Ls.class,
            VolumeCommands.Show.class,
            VolumeCommands.Extend.class,
            VolumeCommands.Change.class,
            VolumeCommands.Modify.class,
            VolumeCommands.Modifications.class,
            VolumeCommands.Types.class,
            VolumeCommands.Rm.class
        })
public final class VolumeCommands {
    private static final String PATH = "v1/volumes";
    private static final String VOLUME = "VOLUME";
    private static final String VOLUME_TEXT = "The volume's id, or its name where only one has it.";

    /** {@code varve volume create}. */
    @Command(
            name = "create",
            description = "Create a volume, empty or from a snapshot, and print it.",
            mixinStandardHelpOptions = true)
    static final class Create implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Option(
                names = "--size",
                paramLabel = "SIZE",
                converter = GiB.Converter.class,
                description = "Such as 10GiB or 2TiB; with --snapshot the default is the snapshot's.")
        private @Nullable GiB size;

        @Option(names = "--snapshot", paramLabel = "SNAPSHOT", description = "Begin as this snapshot: id or name.")
        private @Nullable String snapshot;

        @Option(
                names = "--copy-of",
                paramLabel = "VOLUME",
                description = "Begin as this volume is now, in use or not: id or name.")
        private @Nullable String source;

        @Option(
                names = "--type",
                paramLabel = "TYPE",
                description = "The volume type, such as local (the default), gp3 or io2; see volume types.")
        private @Nullable String type;

        @Option(names = "--name", paramLabel = "NAME", description = "A name; also an NBD export name if unique.")
        private @Nullable String name;

        @Option(names = "--tag", paramLabel = "KEY=VALUE", description = "A tag; may be given many times.")
        private Map<String, String> tags = new LinkedHashMap<>();

        @Option(
                names = "--iops",
                paramLabel = "N",
                converter = Figure.Converter.class,
                description = "At most so many operations per second, or unlimited.")
        private @Nullable Figure iops;

        @Option(
                names = "--throughput",
                paramLabel = "N",
                converter = Figure.Converter.class,
                description = "At most so many MiB per second, or unlimited.")
        private @Nullable Figure throughput;

        @Option(
                names = "--minimum-iops",
                paramLabel = "N",
                description = "Operations per second that it gets even while the store as a whole is short.")
        private @Nullable Integer minimumIops;

        @Option(
                names = "--weight",
                paramLabel = "N",
                description = "Its part while the store as a whole is short, from 1 to 1000; others have 100.")
        private @Nullable Integer weight;

        @Option(names = "--multi-attach", description = "Let up to 16 instances have it at once; io1 and io2 only.")
        private boolean multiAttach;

        @Option(
                names = "--compression",
                paramLabel = "MODE",
                description = "auto (the default: what compaction moves), lz4 (all that is written), or off.")
        private @Nullable String compression;

        @Option(
                names = "--client-token",
                paramLabel = "TOKEN",
                description = "Makes the command repeatable: the same token creates one volume only.")
        private @Nullable String clientToken;

        @Override
        public void run() {
            ApiClient client = remote.client();
            JsonObject body = new JsonObject();
            Fields.put(body, "sizeGiB", size == null ? null : size.count());
            Fields.put(body, "snapshotId", snapshot == null ? null : client.snapshotId(snapshot));
            Fields.put(body, "sourceVolumeId", source == null ? null : client.volumeId(source));
            Fields.put(body, "volumeType", type);
            Fields.put(body, "name", name);
            Fields.put(body, "tags", tags.isEmpty() ? null : tags);
            Figure.put(body, "iops", iops);
            Figure.put(body, "throughputMiBps", throughput);
            Fields.put(body, "minimumIops", minimumIops);
            Fields.put(body, "weight", weight);
            Fields.put(body, "multiAttachEnabled", multiAttach ? true : null);
            Fields.put(body, "compression", compression);
            Fields.put(body, "clientToken", clientToken);
            JsonObject volume = client.post(PATH, body);
            remote.show(volume);
        }
    }

    /** {@code varve volume ls}. */
    @Command(name = "ls", description = "List all volumes, oldest first.", mixinStandardHelpOptions = true)
    static final class Ls implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Mixin
        private FilterOption filter = new FilterOption();

        @Override
        public void run() {
            JsonObject page = remote.client().list(PATH, "volumes", filter.filters());
            remote.show(page, out -> Rows.volumes(Rows.list(page, "volumes"), out));
        }
    }

    /** {@code varve volume show}. */
    @Command(name = "show", description = "Show one volume.", mixinStandardHelpOptions = true)
    static final class Show implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Parameters(paramLabel = VOLUME, description = VOLUME_TEXT)
        private String volume = "";

        @Override
        public void run() {
            ApiClient client = remote.client();
            JsonObject found = client.get(PATH + "/" + Fields.segment(client.volumeId(volume)));
            remote.show(found);
        }
    }

    /** {@code varve volume extend}. */
    @Command(name = "extend", description = "Grow a volume, in use or not.", mixinStandardHelpOptions = true)
    static final class Extend implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Parameters(paramLabel = VOLUME, description = VOLUME_TEXT)
        private String volume = "";

        @Option(
                names = "--size",
                paramLabel = "SIZE",
                required = true,
                converter = GiB.Converter.class,
                description = "The new size, such as 20GiB.")
        private GiB size = new GiB(0);

        @Override
        public void run() {
            ApiClient client = remote.client();
            JsonObject changed = client.patch(
                    PATH + "/" + Fields.segment(client.volumeId(volume)),
                    new JsonObject().put("sizeGiB", size.count()));
            remote.show(changed);
        }
    }

    /** {@code varve volume set}. */
    @Command(
            name = "set",
            description = "Rename, tag or throttle a volume, or set its compression, in use or not.",
            mixinStandardHelpOptions = true)
    static final class Change implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Parameters(paramLabel = VOLUME, description = VOLUME_TEXT)
        private String volume = "";

        @Mixin
        private LabelOptions label = new LabelOptions();

        @Option(
                names = "--iops",
                paramLabel = "N",
                converter = Figure.Converter.class,
                description = "Operations per second, or unlimited; 0 for what the type gives.")
        private @Nullable Figure iops;

        @Option(
                names = "--throughput",
                paramLabel = "N",
                converter = Figure.Converter.class,
                description = "MiB per second, or unlimited; 0 for what the type gives.")
        private @Nullable Figure throughput;

        @Option(
                names = "--minimum-iops",
                paramLabel = "N",
                description =
                        "Operations per second that it gets even while the store as a whole is short; 0 for none.")
        private @Nullable Integer minimumIops;

        @Option(
                names = "--weight",
                paramLabel = "N",
                description = "Its part while the store as a whole is short, from 1 to 1000; others have 100.")
        private @Nullable Integer weight;

        @Option(
                names = "--compression",
                paramLabel = "MODE",
                description = "auto, lz4 or off, for what is written from now on; given alone.")
        private @Nullable String compression;

        @Override
        public void run() {
            ApiClient client = remote.client();
            JsonObject body = new JsonObject();
            label.putInto(body);
            Fields.put(body, "minimumIops", minimumIops);
            Fields.put(body, "weight", weight);
            Fields.put(body, "compression", compression);
            Figure.put(body, "iops", iops);
            Figure.put(body, "throughputMiBps", throughput);
            JsonObject changed = client.patch(PATH + "/" + Fields.segment(client.volumeId(volume)), body);
            remote.show(changed);
        }
    }

    /** {@code varve volume modify}. */
    @Command(
            name = "modify",
            description = "Change size, type and performance of a volume at once, in use or not.",
            mixinStandardHelpOptions = true)
    static final class Modify implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Parameters(paramLabel = VOLUME, description = VOLUME_TEXT)
        private String volume = "";

        @Option(
                names = "--size",
                paramLabel = "SIZE",
                converter = GiB.Converter.class,
                description = "The new size, such as 20GiB.")
        private @Nullable GiB size;

        @Option(names = "--type", paramLabel = "TYPE", description = "The new volume type.")
        private @Nullable String type;

        @Option(
                names = "--iops",
                paramLabel = "N",
                converter = Figure.Converter.class,
                description = "Operations per second, or unlimited; 0 for what the type gives.")
        private @Nullable Figure iops;

        @Option(
                names = "--throughput",
                paramLabel = "N",
                converter = Figure.Converter.class,
                description = "MiB per second, or unlimited; 0 for what the type gives.")
        private @Nullable Figure throughput;

        @Option(
                names = "--multi-attach",
                paramLabel = "true|false",
                arity = "1",
                description = "Whether up to 16 instances may have it at once; io2 only.")
        private @Nullable Boolean multiAttach;

        @Override
        public void run() {
            ApiClient client = remote.client();
            JsonObject body = new JsonObject();
            Fields.put(body, "sizeGiB", size == null ? null : size.count());
            Fields.put(body, "volumeType", type);
            Fields.put(body, "multiAttachEnabled", multiAttach);
            Figure.put(body, "iops", iops);
            Figure.put(body, "throughputMiBps", throughput);
            JsonObject changed = client.patch(PATH + "/" + Fields.segment(client.volumeId(volume)), body);
            remote.show(changed);
        }
    }

    /** {@code varve volume modifications}. */
    @Command(
            name = "modifications",
            description =
                    "List what was changed of the size and performance of volumes, by volume and then oldest first.",
            mixinStandardHelpOptions = true)
    static final class Modifications implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Mixin
        private FilterOption filter = new FilterOption();

        @Parameters(paramLabel = VOLUME, arity = "0..1", description = VOLUME_TEXT + " All volumes if left out.")
        private @Nullable String volume;

        @Override
        public void run() {
            ApiClient client = remote.client();
            String path = volume == null
                    ? "v1/volume-modifications"
                    : PATH + "/" + Fields.segment(client.volumeId(volume)) + "/modifications";
            JsonObject page = client.list(path, "modifications", filter.filters());
            remote.show(page, out -> Rows.modifications(Rows.list(page, "modifications"), out));
        }
    }

    /** {@code varve volume types}. */
    @Command(
            name = "types",
            description = "List the volume types and what they offer.",
            mixinStandardHelpOptions = true)
    static final class Types implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Override
        public void run() {
            JsonObject types = remote.client().get("v1/volume-types");
            remote.show(types, out -> Rows.volumeTypes(Rows.list(types, "volumeTypes"), out));
        }
    }

    /** {@code varve volume rm}. */
    @Command(name = "rm", description = "Delete volumes; their snapshots stay.", mixinStandardHelpOptions = true)
    static final class Rm implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Parameters(paramLabel = VOLUME, arity = "1..*", description = VOLUME_TEXT)
        private List<String> volumes = List.of();

        @Option(names = "--force", description = "Disconnect NBD clients first instead of refusing.")
        private boolean force;

        @Override
        public void run() {
            ApiClient client = remote.client();
            for (String volume : volumes) {
                String id = client.volumeId(volume);
                client.delete(PATH + "/" + Fields.segment(id) + (force ? "?force=true" : ""));
                remote.say("deleted " + id);
            }
        }
    }
}
