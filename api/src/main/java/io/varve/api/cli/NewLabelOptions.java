package io.varve.api.cli;

import io.vertx.core.json.JsonObject;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of the commands that make something with a name and tags. */
final class NewLabelOptions {
    @Option(names = "--name", paramLabel = "NAME", description = "A name.")
    private @Nullable String name;

    @Option(names = "--tag", paramLabel = "KEY=VALUE", description = "A tag; may be given many times.")
    private Map<String, String> tags = new LinkedHashMap<>();

    @Option(
            names = "--client-token",
            paramLabel = "TOKEN",
            description = "Makes the command repeatable: the same token makes one only.")
    private @Nullable String clientToken;

    void putInto(JsonObject body) {
        Fields.put(body, "name", name);
        Fields.put(body, "tags", tags.isEmpty() ? null : tags);
        Fields.put(body, "clientToken", clientToken);
    }
}
