package io.varve.api.cli;

import io.vertx.core.json.JsonObject;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of the commands that rename and tag what exists. */
final class LabelOptions {
    @Option(names = "--name", paramLabel = "NAME", description = "The new name; empty for none.")
    private @Nullable String name;

    @Option(names = "--tag", paramLabel = "KEY=VALUE", description = "Set a tag; KEY= removes it.")
    private Map<String, String> tags = new LinkedHashMap<>();

    void putInto(JsonObject body) {
        if (name != null) {
            body.put("name", name.isEmpty() ? null : name);
        }
        Fields.putTags(body, tags);
    }
}
