package io.varve.api.cli;

import io.vertx.core.json.JsonObject;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code varve token …}. */
@Command(
        name = "token",
        description = "Say who may use this API.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {TokenCommands.Create.class, TokenCommands.Ls.class, TokenCommands.Rm.class})
public final class TokenCommands {
    private static final String PATH = "v1/tokens";

    /** {@code varve token create}. */
    @Command(
            name = "create",
            description = "Make a token, and print it with its secret, which is shown this once.",
            mixinStandardHelpOptions = true)
    static final class Create implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Option(
                names = "--role",
                paramLabel = "ROLE",
                required = true,
                description = "What it may do: read, operate or administer.")
        private String role = "";

        @Option(names = "--name", paramLabel = "NAME", description = "Whom or what it is for.")
        private @Nullable String name;

        @Override
        public void run() {
            JsonObject body = new JsonObject().put("role", role);
            Fields.put(body, "name", name);
            JsonObject made = remote.client().post(PATH, body);
            remote.show(made);
        }
    }

    /** {@code varve token ls}. */
    @Command(name = "ls", description = "List them, without their secrets.", mixinStandardHelpOptions = true)
    static final class Ls implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Override
        public void run() {
            JsonObject all = remote.client().get(PATH);
            Table table = new Table("TOKEN", "NAME", "ROLE", "CREATED");
            for (JsonObject one : Rows.list(all, "tokens")) {
                table.row(
                        one.getString("tokenId"),
                        one.getString("name", "-"),
                        one.getString("role"),
                        one.getString("createTime"));
            }
            remote.show(all, table::print);
        }
    }

    /** {@code varve token rm}. */
    @Command(name = "rm", description = "Remove them.", mixinStandardHelpOptions = true)
    static final class Rm implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Parameters(paramLabel = "ID", arity = "1..*", description = "Ids.")
        private List<String> ids = List.of();

        @Override
        public void run() {
            for (String id : ids) {
                remote.client().delete(PATH + "/" + Fields.segment(id));
                remote.say("removed " + id);
            }
        }
    }
}
