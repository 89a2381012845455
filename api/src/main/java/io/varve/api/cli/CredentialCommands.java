package io.varve.api.cli;

import io.vertx.core.json.JsonObject;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code varve token …} and {@code varve access-key …}, which differ in words. */
public final class CredentialCommands {
    private CredentialCommands() {}

    /** What one kind of credentials is called in the API. */
    private record Kind(String path, String listField, String idField, String heading) {
        static final Kind TOKEN = new Kind("v1/tokens", "tokens", "tokenId", "TOKEN");
        static final Kind ACCESS_KEY = new Kind("v1/access-keys", "accessKeys", "accessKeyId", "ACCESS KEY");
    }

    /** {@code varve token …}. */
    public static CommandLine token() {
        return group(new TokenGroup(), Kind.TOKEN);
    }

    /** {@code varve access-key …}. */
    public static CommandLine accessKey() {
        return group(new AccessKeyGroup(), Kind.ACCESS_KEY);
    }

    private static CommandLine group(Object group, Kind kind) {
        return new CommandLine(group)
                .addSubcommand(new Create(kind))
                .addSubcommand(new Ls(kind))
                .addSubcommand(new Rm(kind));
    }

    @Command(
            name = "token",
            description = "Say who may use this API.",
            mixinStandardHelpOptions = true,
            synopsisSubcommandLabel = "COMMAND")
    private static final class TokenGroup {}

    @Command(
            name = "access-key",
            description = "Say who may use the AWS faces.",
            mixinStandardHelpOptions = true,
            synopsisSubcommandLabel = "COMMAND")
    private static final class AccessKeyGroup {}

    @Command(
            name = "create",
            description = "Make one, and print it with its secret, which is shown this once.",
            mixinStandardHelpOptions = true)
    private static final class Create implements Runnable {
        private final Kind kind;

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

        Create(Kind kind) {
            this.kind = kind;
        }

        @Override
        public void run() {
            JsonObject body = new JsonObject().put("role", role);
            Fields.put(body, "name", name);
            remote.show(remote.client().post(kind.path, body));
        }
    }

    @Command(name = "ls", description = "List them, without their secrets.", mixinStandardHelpOptions = true)
    private static final class Ls implements Runnable {
        private final Kind kind;

        @Mixin
        private Remote remote = new Remote();

        Ls(Kind kind) {
            this.kind = kind;
        }

        @Override
        public void run() {
            JsonObject all = remote.client().get(kind.path);
            Table table = new Table(kind.heading, "NAME", "ROLE", "CREATED");
            for (JsonObject one : Rows.list(all, kind.listField)) {
                table.row(
                        one.getString(kind.idField),
                        one.getString("name", "-"),
                        one.getString("role"),
                        one.getString("createTime"));
            }
            remote.show(all, table::print);
        }
    }

    @Command(name = "rm", description = "Remove them: who has them gets in no more.", mixinStandardHelpOptions = true)
    private static final class Rm implements Runnable {
        private final Kind kind;

        @Mixin
        private Remote remote = new Remote();

        @Parameters(paramLabel = "ID", arity = "1..*", description = "Ids.")
        private List<String> ids = List.of();

        Rm(Kind kind) {
            this.kind = kind;
        }

        @Override
        public void run() {
            for (String id : ids) {
                remote.client().delete(kind.path + "/" + Fields.segment(id));
                remote.say("removed " + id);
            }
        }
    }
}
