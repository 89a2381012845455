package io.varve.api.cli;

import io.vertx.core.json.JsonObject;
import java.io.PrintWriter;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code varve store}. */
@Command(
        name = "store",
        description = "Show the space of a running server's store, and what its scrub has found.",
        mixinStandardHelpOptions = true)
public final class StoreCommand implements Runnable {
    @Mixin
    private Remote remote = new Remote();

    @Override
    public void run() {
        JsonObject store = remote.client().get("v1/store");
        remote.show(store, out -> print(store, out));
    }

    private static void print(JsonObject store, PrintWriter out) {
        JsonObject fields = new JsonObject();
        store.getJsonObject("space").forEach(field -> fields.put(field.getKey(), field.getValue()));
        JsonObject scrub = store.getJsonObject("scrub").copy();
        Object damaged = scrub.remove("damaged");
        fields.put("scrub", scrub);
        fields.put("limits", store.getJsonObject("limits"));
        Rows.fields(fields, out);
        if (damaged != null) {
            Rows.list(new JsonObject().put("damaged", damaged), "damaged")
                    .forEach(damage -> out.println("damage: " + damage.getString("where") + ": "
                            + damage.getString("what") + " ["
                            + damage.getJsonArray("touches").stream()
                                    .map(String::valueOf)
                                    .collect(Collectors.joining(", "))
                            + "]"));
        }
    }
}
