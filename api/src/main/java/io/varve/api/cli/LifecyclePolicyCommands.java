package io.varve.api.cli;

import io.vertx.core.json.JsonObject;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code varve lifecycle-policy …}. */
@Command(
        name = "lifecycle-policy",
        description = "Have snapshots taken and deleted by a schedule.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            LifecyclePolicyCommands.Create.class,
            LifecyclePolicyCommands.Ls.class,
            LifecyclePolicyCommands.Show.class,
            LifecyclePolicyCommands.Change.class,
            LifecyclePolicyCommands.Rm.class
        })
public final class LifecyclePolicyCommands {
    private static final String PATH = "v1/lifecycle-policies";

    private static String path(String id) {
        return PATH + "/" + Fields.segment(id);
    }

    /** {@code varve lifecycle-policy create}. */
    @Command(name = "create", description = "Make a policy, and print it.", mixinStandardHelpOptions = true)
    static final class Create implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Option(
                names = "--volumes",
                paramLabel = "KEY=VALUE",
                required = true,
                description = "Volumes with this tag; may be given many times.")
        private Map<String, String> targetTags = new TreeMap<>();

        @Mixin
        private ScheduleOptions schedule = new ScheduleOptions();

        @Option(names = "--snapshot-tag", paramLabel = "KEY=VALUE", description = "Tag the snapshots so.")
        private Map<String, String> snapshotTags = new TreeMap<>();

        @Option(names = "--copy-tags", description = "Give the snapshots their volume's tags too.")
        private boolean copyTags;

        @Option(names = "--description", paramLabel = "TEXT", description = "What it is for.")
        private @Nullable String description;

        @Mixin
        private NewLabelOptions label = new NewLabelOptions();

        @Override
        public void run() {
            JsonObject body = new JsonObject();
            body.put("targetTags", new JsonObject(new TreeMap<String, Object>(targetTags)))
                    .put("copyTags", copyTags);
            schedule.putInto(body);
            Fields.put(body, "snapshotTags", snapshotTags.isEmpty() ? null : snapshotTags);
            Fields.put(body, "description", description);
            label.putInto(body);
            JsonObject made = remote.client().post(PATH, body);
            remote.show(made);
        }
    }

    /** {@code varve lifecycle-policy ls}. */
    @Command(name = "ls", description = "List them.", mixinStandardHelpOptions = true)
    static final class Ls implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Mixin
        private FilterOption filter = new FilterOption();

        @Override
        public void run() {
            JsonObject page = remote.client().list(PATH, "lifecyclePolicies", filter.filters());
            Table table = new Table("POLICY", "NAME", "STATE", "VOLUMES", "WHEN", "KEEP", "NEXT");
            for (JsonObject one : Rows.list(page, "lifecyclePolicies")) {
                table.row(
                        one.getString("policyId"),
                        one.getString("name", "-"),
                        one.getString("state"),
                        one.getJsonObject("targetTags").encode(),
                        one.getJsonObject("schedule").encode(),
                        one.getJsonObject("keep").encode(),
                        one.getString("nextRunTime", "-"));
            }
            remote.show(page, table::print);
        }
    }

    /** {@code varve lifecycle-policy show}. */
    @Command(name = "show", description = "Show one.", mixinStandardHelpOptions = true)
    static final class Show implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Parameters(paramLabel = "POLICY", description = "Its id.")
        private String id = "";

        @Override
        public void run() {
            JsonObject found = remote.client().get(path(id));
            remote.show(found);
        }
    }

    /** {@code varve lifecycle-policy set}. */
    @Command(name = "set", description = "Change one.", mixinStandardHelpOptions = true)
    static final class Change implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Parameters(paramLabel = "POLICY", description = "Its id.")
        private String id = "";

        @Option(names = "--enabled", paramLabel = "BOOL", arity = "1", description = "Switch it on or off.")
        private @Nullable Boolean enabled;

        @Option(names = "--volumes", paramLabel = "KEY=VALUE", description = "Volumes with this tag.")
        private Map<String, String> targetTags = new TreeMap<>();

        @Mixin
        private ScheduleOptions schedule = new ScheduleOptions();

        @Option(names = "--description", paramLabel = "TEXT", description = "What it is for.")
        private @Nullable String description;

        @Mixin
        private LabelOptions label = new LabelOptions();

        @Override
        public void run() {
            JsonObject body = new JsonObject();
            Fields.put(body, "enabled", enabled);
            Fields.put(body, "targetTags", targetTags.isEmpty() ? null : targetTags);
            schedule.putInto(body);
            Fields.put(body, "description", description);
            label.putInto(body);
            JsonObject changed = remote.client().patch(path(id), body);
            remote.show(changed);
        }
    }

    /** {@code varve lifecycle-policy rm}. */
    @Command(name = "rm", description = "Delete them.", mixinStandardHelpOptions = true)
    static final class Rm implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Parameters(paramLabel = "POLICY", arity = "1..*", description = "Ids.")
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
