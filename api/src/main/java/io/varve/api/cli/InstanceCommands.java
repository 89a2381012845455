package io.varve.api.cli;

import io.vertx.core.json.JsonObject;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code varve instance …}. */
@Command(
        name = "instance",
        description = "Tell of machines that you run, and attach volumes to them.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            InstanceCommands.Create.class,
            InstanceCommands.Ls.class,
            InstanceCommands.Show.class,
            InstanceCommands.State.class,
            InstanceCommands.Attach.class,
            InstanceCommands.Detach.class
        })
public final class InstanceCommands {
    private static final String PATH = "v1/instances";
    private static final String INSTANCE = "INSTANCE";
    private static final String INSTANCE_TEXT = "The instance's id.";

    private static String path(String id) {
        return PATH + "/" + Fields.segment(id);
    }

    private static String path(ApiClient client, String id, String volume) {
        return path(id) + "/attachments/" + Fields.segment(client.volumeId(volume));
    }

    /** {@code varve instance create}. */
    @Command(name = "create", description = "Tell of a pending instance.", mixinStandardHelpOptions = true)
    static final class Create implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Option(
                names = "--id",
                paramLabel = "ID",
                description = "Its id, i- and 17 hexadecimal digits; default: drawn.")
        private @Nullable String id;

        @Option(names = "--image", paramLabel = "IMAGE", description = "Attach clones of an image's disks.")
        private @Nullable String image;

        @Mixin
        private NewLabelOptions label = new NewLabelOptions();

        @Override
        public void run() {
            ApiClient client = remote.client();
            JsonObject body = new JsonObject();
            Fields.put(body, "instanceId", id);
            if (image != null) {
                body.put("imageId", client.imageId(image));
            }
            label.putInto(body);
            JsonObject made = client.post(PATH, body);
            remote.show(made);
        }
    }

    /** {@code varve instance ls}. */
    @Command(name = "ls", description = "List all instances.", mixinStandardHelpOptions = true)
    static final class Ls implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Mixin
        private FilterOption filter = new FilterOption();

        @Override
        public void run() {
            JsonObject page = remote.client().list(PATH, "instances", filter.filters());
            Table table = new Table("INSTANCE", "NAME", "STATE", "VOLUMES", "SINCE");
            for (JsonObject instance : Rows.list(page, "instances")) {
                table.row(
                        instance.getString("instanceId"),
                        instance.getString("name", "-"),
                        instance.getString("state"),
                        String.valueOf(instance.getJsonArray("attachments").size()),
                        instance.getString("stateTransitionTime"));
            }
            remote.show(page, table::print);
        }
    }

    /** {@code varve instance show}. */
    @Command(name = "show", description = "Show one instance.", mixinStandardHelpOptions = true)
    static final class Show implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Parameters(paramLabel = INSTANCE, description = INSTANCE_TEXT)
        private String id = "";

        @Option(
                names = "--wait",
                paramLabel = "SECONDS",
                description = "How long to wait until it is running, stopped or terminated and no volume is detaching,"
                        + " 45 at most; without it, not at all.")
        private int waitSeconds;

        @Override
        public void run() {
            JsonObject found = remote.client().get(path(id), waitSeconds);
            remote.show(found);
        }
    }

    /** {@code varve instance state}. */
    @Command(
            name = "state",
            description =
                    "Tell that an instance has come into a state; terminated deletes the volumes that go with it.",
            mixinStandardHelpOptions = true)
    static final class State implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Parameters(paramLabel = INSTANCE, description = INSTANCE_TEXT)
        private String id = "";

        @Parameters(
                paramLabel = "STATE",
                description = "pending, running, stopping, stopped, shutting-down or terminated.")
        private String state = "";

        @Override
        public void run() {
            JsonObject changed = remote.client().put(path(id) + "/state", new JsonObject().put("state", state));
            remote.show(changed);
        }
    }

    /** {@code varve instance attach}. */
    @Command(name = "attach", description = "Attach a volume.", mixinStandardHelpOptions = true)
    static final class Attach implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Parameters(paramLabel = INSTANCE, description = INSTANCE_TEXT)
        private String id = "";

        @Parameters(paramLabel = "VOLUME", description = "The volume's id, or its name where only one has it.")
        private String volume = "";

        @Parameters(paramLabel = "DEVICE", description = "Where, such as /dev/sdb.")
        private String device = "";

        @Option(names = "--delete-on-termination", description = "Delete the volume with the instance.")
        private boolean deleteOnTermination;

        @Override
        public void run() {
            ApiClient client = remote.client();
            JsonObject body =
                    new JsonObject().put("deviceName", device).put("deleteOnTermination", deleteOnTermination);
            JsonObject changed = client.put(path(client, id, volume), body);
            remote.show(changed);
        }
    }

    /** {@code varve instance detach}. */
    @Command(name = "detach", description = "Detach a volume.", mixinStandardHelpOptions = true)
    static final class Detach implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Parameters(paramLabel = INSTANCE, description = INSTANCE_TEXT)
        private String id = "";

        @Parameters(paramLabel = "VOLUME", description = "The volume's id, or its name where only one has it.")
        private String volume = "";

        @Option(names = "--force", description = "Disconnect its NBD clients instead of waiting for them.")
        private boolean force;

        @Option(
                names = "--wait",
                paramLabel = "SECONDS",
                description = "How long to wait for its NBD clients to leave, 45 at most; without it, not at all.")
        private int waitSeconds;

        @Override
        public void run() {
            ApiClient client = remote.client();
            JsonObject changed = client.delete(path(client, id, volume) + (force ? "?force=true" : ""), waitSeconds);
            remote.show(changed);
        }
    }
}
