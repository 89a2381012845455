package io.varve.api.cli;

import io.vertx.core.json.JsonObject;
import java.io.PrintWriter;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The options of every command that talks to a server, and how its answer is shown. */
final class Remote {
    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec = CommandSpec.create();

    @Option(
            names = "--api",
            paramLabel = "URL",
            defaultValue = "${env:VARVE_API:-http://127.0.0.1:7080}",
            description = "The server's REST API; default: $VARVE_API, else http://127.0.0.1:7080.")
    private String api = "";

    @Option(names = "--json", description = "Print the server's answer as JSON.")
    private boolean json;

    @Option(
            names = "--token",
            paramLabel = "TOKEN",
            defaultValue = "${env:VARVE_TOKEN}",
            description = "The API token, if the server wants one; default: $VARVE_TOKEN, which other users of the"
                    + " machine cannot see.")
    private @Nullable String token;

    @Mixin
    private TlsOptions tls = new TlsOptions();

    ApiClient client() {
        return new ApiClient(api, Optional.ofNullable(token).filter(text -> !text.isEmpty()), tls.context());
    }

    /** Prints what is said of one object: field by field, or as JSON. */
    void show(JsonObject answer) {
        show(answer, out -> Rows.fields(answer, out));
    }

    /** Shows an answer as JSON, or as {@code table} lays it out. */
    void show(JsonObject answer, Consumer<PrintWriter> table) {
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.println(answer.encodePrettily());
        } else {
            table.accept(out);
        }
        out.flush();
    }

    /** Says a line, but not to scripts. */
    void say(String line) {
        if (!json) {
            spec.commandLine().getOut().println(line);
            spec.commandLine().getOut().flush();
        }
    }
}
