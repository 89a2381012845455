package io.varve.api.cli;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code varve image …}. */
@Command(
        name = "image",
        description = "Make images of snapshots, and launch volumes from them.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            ImageCommands.Register.class,
            ImageCommands.Create.class,
            ImageCommands.Ls.class,
            ImageCommands.Show.class,
            ImageCommands.Change.class,
            ImageCommands.Copy.class,
            ImageCommands.Launch.class,
            ImageCommands.Deregister.class
        })
public final class ImageCommands {
    private static final String PATH = "v1/images";
    private static final String IMAGE = "IMAGE";
    private static final String IMAGE_TEXT = "The image's id, or its name.";

    private static String path(ApiClient client, String idOrName) {
        return PATH + "/" + Fields.segment(client.imageId(idOrName));
    }

    /** {@code varve image register}. */
    @Command(name = "register", description = "Make an image, and print it.", mixinStandardHelpOptions = true)
    static final class Register implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Option(
                names = "--disk",
                paramLabel = "DEVICE=SNAPSHOT",
                required = true,
                description = "A disk, such as /dev/sda1=SNAPSHOT; may be given many times.")
        private Map<String, String> disks = new LinkedHashMap<>();

        @Option(names = "--root", paramLabel = "DEVICE", description = "The disk to boot from, if there are several.")
        private @Nullable String root;

        @Option(
                names = "--keep",
                paramLabel = "DEVICE",
                description = "A disk whose volumes stay when their instance is terminated.")
        private List<String> kept = List.of();

        @Option(names = "--description", paramLabel = "TEXT", description = "What it is.")
        private @Nullable String description;

        @Option(names = "--protect", description = "Protect it from deregistration.")
        private boolean protection;

        @Mixin
        private NewLabelOptions label = new NewLabelOptions();

        @Override
        public void run() {
            ApiClient client = remote.client();
            JsonArray mappings = new JsonArray();
            disks.forEach((device, snapshot) -> mappings.add(new JsonObject()
                    .put("deviceName", device)
                    .put("snapshotId", client.snapshotId(snapshot))
                    .put("deleteOnTermination", !kept.contains(device))));
            JsonObject body = new JsonObject().put("blockDeviceMappings", mappings);
            Fields.put(body, "rootDeviceName", root);
            Fields.put(body, "description", description);
            body.put("deregistrationProtection", protection);
            label.putInto(body);
            JsonObject made = client.post(PATH, body);
            remote.show(made);
        }
    }

    /** {@code varve image create}. */
    @Command(
            name = "create",
            description = "Make an image of all volumes of an instance, as they are at one instant.",
            mixinStandardHelpOptions = true)
    static final class Create implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Parameters(paramLabel = "INSTANCE", description = "The instance's id.")
        private String instance = "";

        @Option(names = "--root", paramLabel = "DEVICE", description = "The disk to boot from, if there are several.")
        private @Nullable String root;

        @Option(names = "--description", paramLabel = "TEXT", description = "What it is.")
        private @Nullable String description;

        @Mixin
        private NewLabelOptions label = new NewLabelOptions();

        @Override
        public void run() {
            JsonObject body = new JsonObject();
            Fields.put(body, "rootDeviceName", root);
            Fields.put(body, "description", description);
            label.putInto(body);
            JsonObject made = remote.client().post("v1/instances/" + Fields.segment(instance) + "/image", body);
            remote.show(made);
        }
    }

    /** {@code varve image ls}. */
    @Command(name = "ls", description = "List all images.", mixinStandardHelpOptions = true)
    static final class Ls implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Mixin
        private FilterOption filter = new FilterOption();

        @Override
        public void run() {
            JsonObject page = remote.client().list(PATH, "images", filter.filters());
            Table table = new Table("IMAGE", "NAME", "STATE", "DISKS", "ROOT", "DEPRECATED", "CREATED");
            for (JsonObject image : Rows.list(page, "images")) {
                table.row(
                        image.getString("imageId"),
                        image.getString("name"),
                        image.getString("state"),
                        String.valueOf(image.getJsonArray("blockDeviceMappings").size()),
                        image.getString("rootDeviceName"),
                        image.getString("deprecationTime", "-"),
                        image.getString("creationDate"));
            }
            remote.show(page, table::print);
        }
    }

    /** {@code varve image show}. */
    @Command(name = "show", description = "Show one image.", mixinStandardHelpOptions = true)
    static final class Show implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Parameters(paramLabel = IMAGE, description = IMAGE_TEXT)
        private String image = "";

        @Override
        public void run() {
            ApiClient client = remote.client();
            JsonObject found = client.get(path(client, image));
            remote.show(found);
        }
    }

    /** {@code varve image set}. */
    @Command(
            name = "set",
            description = "Describe, tag, deprecate, protect or disable an image.",
            mixinStandardHelpOptions = true)
    static final class Change implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Parameters(paramLabel = IMAGE, description = IMAGE_TEXT)
        private String image = "";

        @Option(names = "--description", paramLabel = "TEXT", description = "The new description.")
        private @Nullable String description;

        @Option(
                names = "--deprecate",
                paramLabel = "TIME",
                description = "From when on it should not be used, such as 2030-01-31T00:00:00Z; empty for never.")
        private @Nullable String deprecation;

        @Option(
                names = "--protect",
                negatable = true,
                description = "Protect it from deregistration, or protect it no longer.")
        private @Nullable Boolean protection;

        @Option(names = "--disable", negatable = true, description = "Let nobody launch or copy it, or let them again.")
        private @Nullable Boolean disabled;

        @Option(names = "--tag", paramLabel = "KEY=VALUE", description = "Set a tag; KEY= removes it.")
        private Map<String, String> tags = new LinkedHashMap<>();

        @Override
        public void run() {
            ApiClient client = remote.client();
            JsonObject body = new JsonObject();
            Fields.put(body, "description", description);
            Fields.put(body, "deregistrationProtection", protection);
            Fields.put(body, "disabled", disabled);
            if (deprecation != null) {
                body.put("deprecationTime", deprecation.isEmpty() ? null : deprecation);
            }
            Fields.putTags(body, tags);
            JsonObject changed = client.patch(path(client, image), body);
            remote.show(changed);
        }
    }

    /** {@code varve image copy}. */
    @Command(
            name = "copy",
            description = "Make an image with copies of another's snapshots, and print it.",
            mixinStandardHelpOptions = true)
    static final class Copy implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Parameters(paramLabel = IMAGE, description = IMAGE_TEXT)
        private String image = "";

        @Option(names = "--description", paramLabel = "TEXT", description = "What it is; default: as of the image.")
        private @Nullable String description;

        @Mixin
        private NewLabelOptions label = new NewLabelOptions();

        @Override
        public void run() {
            ApiClient client = remote.client();
            JsonObject body = new JsonObject();
            Fields.put(body, "description", description);
            label.putInto(body);
            JsonObject made = client.post(path(client, image) + "/copy", body);
            remote.show(made);
        }
    }

    /** {@code varve image launch}. */
    @Command(
            name = "launch",
            description = "Clone all disks of an image, and print the volumes.",
            mixinStandardHelpOptions = true)
    static final class Launch implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Parameters(paramLabel = IMAGE, description = IMAGE_TEXT)
        private String image = "";

        @Option(names = "--count", paramLabel = "N", defaultValue = "1", description = "How many times; default: 1.")
        private int count;

        @Mixin
        private NewLabelOptions label = new NewLabelOptions();

        @Override
        public void run() {
            ApiClient client = remote.client();
            JsonObject body = new JsonObject().put("count", count);
            label.putInto(body);
            JsonObject launched = client.post(path(client, image) + "/volumes", body);
            Table table = new Table("VOLUME", "DEVICE", "SIZE", "NBD");
            for (JsonObject launch : Rows.list(launched, "launches")) {
                for (JsonObject disk : Rows.list(launch, "disks")) {
                    JsonObject volume = disk.getJsonObject("volume");
                    table.row(
                            volume.getString("volumeId"),
                            disk.getString("deviceName"),
                            volume.getInteger("sizeGiB") + " GiB",
                            volume.getString("nbdUri", volume.getString("nbdUnixUri", "-")));
                }
            }
            remote.show(launched, table::print);
        }
    }

    /** {@code varve image deregister}. */
    @Command(
            name = "deregister",
            description = "Deregister images; volumes launched from them stay.",
            mixinStandardHelpOptions = true)
    static final class Deregister implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Parameters(paramLabel = IMAGE, arity = "1..*", description = IMAGE_TEXT)
        private List<String> images = List.of();

        @Option(
                names = "--delete-snapshots",
                description = "Delete their snapshots too, but for those that other images use or that are locked.")
        private boolean deleteSnapshots;

        @Override
        public void run() {
            ApiClient client = remote.client();
            for (String image : images) {
                JsonObject gone = client.delete(path(client, image) + (deleteSnapshots ? "?deleteSnapshots=true" : ""));
                remote.say("deregistered " + gone.getString("imageId"));
                for (JsonObject snapshot : Rows.list(gone, "snapshots")) {
                    remote.say(
                            snapshot.getBoolean("deleted")
                                    ? "deleted " + snapshot.getString("snapshotId")
                                    : "kept " + snapshot.getString("snapshotId") + ": " + snapshot.getString("detail"));
                }
            }
        }
    }
}
