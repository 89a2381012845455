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

/** {@code varve retention-rule …}. */
@Command(
        name = "retention-rule",
        description = "Say what the recycle bin keeps of what is deleted, and how long.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            RetentionRuleCommands.Create.class,
            RetentionRuleCommands.Ls.class,
            RetentionRuleCommands.Show.class,
            RetentionRuleCommands.Change.class,
            RetentionRuleCommands.Rm.class,
            RetentionRuleCommands.Lock.class,
            RetentionRuleCommands.Unlock.class
        })
public final class RetentionRuleCommands {
    private static final String PATH = "v1/retention-rules";

    private static String path(String id) {
        return PATH + "/" + Fields.segment(id);
    }

    /** {@code varve retention-rule create}. */
    @Command(name = "create", description = "Make a rule, and print it.", mixinStandardHelpOptions = true)
    static final class Create implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Option(
                names = "--for",
                paramLabel = "TYPE",
                required = true,
                description = "What it keeps: volume, snapshot or image.")
        private String resource = "";

        @Option(names = "--days", paramLabel = "N", required = true, description = "How long, from 1 to 3650.")
        private int days;

        @Option(
                names = "--with-tag",
                paramLabel = "KEY=VALUE",
                description = "Only what has one of these tags; may be given many times.")
        private Map<String, String> resourceTags = new TreeMap<>();

        @Option(names = "--description", paramLabel = "TEXT", description = "What it is for.")
        private @Nullable String description;

        @Mixin
        private NewLabelOptions label = new NewLabelOptions();

        @Override
        public void run() {
            JsonObject body = new JsonObject();
            body.put("resourceType", resource).put("retentionDays", days);
            Fields.put(body, "resourceTags", resourceTags.isEmpty() ? null : resourceTags);
            Fields.put(body, "description", description);
            label.putInto(body);
            JsonObject made = remote.client().post(PATH, body);
            remote.show(made);
        }
    }

    /** {@code varve retention-rule ls}. */
    @Command(name = "ls", description = "List them.", mixinStandardHelpOptions = true)
    static final class Ls implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Mixin
        private FilterOption filter = new FilterOption();

        @Override
        public void run() {
            JsonObject page = remote.client().list(PATH, "retentionRules", filter.filters());
            Table table = new Table("RULE", "NAME", "KEEPS", "WITH TAGS", "DAYS", "LOCK");
            for (JsonObject one : Rows.list(page, "retentionRules")) {
                table.row(
                        one.getString("ruleId"),
                        one.getString("name", "-"),
                        one.getString("resourceType"),
                        one.getJsonObject("resourceTags").encode(),
                        one.getInteger("retentionDays").toString(),
                        one.getString("lockState"));
            }
            remote.show(page, table::print);
        }
    }

    /** {@code varve retention-rule show}. */
    @Command(name = "show", description = "Show one.", mixinStandardHelpOptions = true)
    static final class Show implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Parameters(paramLabel = "RULE", description = "Its id.")
        private String id = "";

        @Override
        public void run() {
            JsonObject found = remote.client().get(path(id));
            remote.show(found);
        }
    }

    /** {@code varve retention-rule set}. */
    @Command(name = "set", description = "Change one.", mixinStandardHelpOptions = true)
    static final class Change implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Parameters(paramLabel = "RULE", description = "Its id.")
        private String id = "";

        @Option(names = "--days", paramLabel = "N", description = "How long from now on, from 1 to 3650.")
        private @Nullable Integer days;

        @Option(names = "--with-tag", paramLabel = "KEY=VALUE", description = "Only what has one of these tags.")
        private Map<String, String> resourceTags = new TreeMap<>();

        @Option(names = "--description", paramLabel = "TEXT", description = "What it is for.")
        private @Nullable String description;

        @Mixin
        private LabelOptions label = new LabelOptions();

        @Override
        public void run() {
            JsonObject body = new JsonObject();
            Fields.put(body, "retentionDays", days);
            Fields.put(body, "resourceTags", resourceTags.isEmpty() ? null : resourceTags);
            Fields.put(body, "description", description);
            label.putInto(body);
            JsonObject changed = remote.client().patch(path(id), body);
            remote.show(changed);
        }
    }

    /** {@code varve retention-rule rm}. */
    @Command(name = "rm", description = "Delete them.", mixinStandardHelpOptions = true)
    static final class Rm implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Parameters(paramLabel = "RULE", arity = "1..*", description = "Ids.")
        private List<String> ids = List.of();

        @Override
        public void run() {
            for (String id : ids) {
                remote.client().delete(path(id));
                remote.say("deleted " + id);
            }
        }
    }

    /** {@code varve retention-rule lock}. */
    @Command(name = "lock", description = "Keep a rule from being changed or deleted.", mixinStandardHelpOptions = true)
    static final class Lock implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Parameters(paramLabel = "RULE", description = "Its id.")
        private String id = "";

        @Option(
                names = "--unlock-delay-days",
                paramLabel = "N",
                required = true,
                description = "How long it stays locked after unlocking was asked for, from 7 to 30.")
        private int days;

        @Override
        public void run() {
            JsonObject locked = remote.client().put(path(id) + "/lock", new JsonObject().put("unlockDelayDays", days));
            remote.show(locked);
        }
    }

    /** {@code varve retention-rule unlock}. */
    @Command(name = "unlock", description = "Ask for a rule to be unlocked.", mixinStandardHelpOptions = true)
    static final class Unlock implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Parameters(paramLabel = "RULE", description = "Its id.")
        private String id = "";

        @Override
        public void run() {
            JsonObject rule = remote.client().delete(path(id) + "/lock");
            remote.show(rule);
        }
    }
}
