package io.varve.api.cli;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.PrintWriter;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Volumes and snapshots as tables. */
final class Rows {
    private static final String NONE = "-";

    private Rows() {}

    static void volumes(List<JsonObject> volumes, PrintWriter out) {
        Table table = new Table("VOLUME", "NAME", "STATE", "SIZE", "USED", "OWN", "IOPS", "MiB/s", "CREATED");
        for (JsonObject volume : volumes) {
            table.row(
                    volume.getString("volumeId"),
                    volume.getString("name", NONE),
                    volume.getString("state"),
                    volume.getInteger("sizeGiB") + " GiB",
                    GiB.human(volume.getLong("usedBytes")),
                    own(volume),
                    String.valueOf(volume.getValue("iops", NONE)),
                    String.valueOf(volume.getValue("throughputMiBps", NONE)),
                    volume.getString("createTime"));
        }
        table.print(out);
    }

    static void snapshots(List<JsonObject> snapshots, PrintWriter out) {
        Table table = new Table("SNAPSHOT", "NAME", "STATE", "SIZE", "USED", "OWN", "VOLUME", "TAKEN");
        for (JsonObject snapshot : snapshots) {
            table.row(
                    snapshot.getString("snapshotId"),
                    snapshot.getString("name", NONE),
                    snapshot.getString("state"),
                    snapshot.getInteger("volumeSizeGiB") + " GiB",
                    GiB.human(snapshot.getLong("usedBytes")),
                    own(snapshot),
                    snapshot.getString("volumeId"),
                    snapshot.getString("startTime"));
        }
        table.print(out);
    }

    /** What deleting it alone would free, if that was counted. */
    private static String own(JsonObject object) {
        Long bytes = object.getLong("exclusiveBytes");
        return bytes == null ? NONE : GiB.human(bytes);
    }

    static void modifications(List<JsonObject> modifications, PrintWriter out) {
        Table table = new Table("VOLUME", "STATE", "FROM", "TO", "BEGUN", "ENDED");
        for (JsonObject modification : modifications) {
            table.row(
                    modification.getString("volumeId"),
                    modification.getString("state"),
                    shape(modification.getJsonObject("original")),
                    shape(modification.getJsonObject("target")),
                    modification.getString("startTime"),
                    modification.getString("endTime", NONE));
        }
        table.print(out);
    }

    private static String shape(JsonObject shape) {
        return "%s %d GiB, %s IOPS, %s MiB/s"
                .formatted(
                        shape.getString("volumeType"),
                        shape.getInteger("sizeGiB"),
                        shape.getValue("iops", NONE),
                        shape.getValue("throughputMiBps", NONE));
    }

    static void volumeTypes(List<JsonObject> types, PrintWriter out) {
        Table table = new Table("TYPE", "GiB", "IOPS", "MiB/s");
        for (JsonObject type : types) {
            table.row(
                    type.getString("volumeType"),
                    choice(type.getJsonObject("sizeGiB")),
                    choice(type.getJsonObject("iops")),
                    choice(type.getJsonObject("throughputMiBps")));
        }
        table.print(out);
    }

    private static String choice(@Nullable JsonObject choice) {
        if (choice == null) {
            return NONE; // it follows from the rest
        }
        String range = choice.getLong("minimum") + "-" + choice.getLong("maximum");
        return choice.containsKey("perGiB") ? range + ", " + choice.getLong("perGiB") + "/GiB" : range;
    }

    /** One object, a field a line. */
    static void fields(JsonObject object, PrintWriter out) {
        Table table = new Table("FIELD", "VALUE");
        for (String field : object.fieldNames()) {
            table.row(field, text(object.getValue(field)));
        }
        table.print(out);
    }

    private static String text(Object value) {
        if (value instanceof JsonObject nested) {
            return nested.stream()
                    .map(entry -> entry.getKey() + "=" + entry.getValue())
                    .collect(Collectors.joining(" "));
        }
        return String.valueOf(value);
    }

    static List<JsonObject> list(JsonObject page, String field) {
        JsonArray items = page.getJsonArray(field);
        return items.stream().map(JsonObject.class::cast).toList();
    }
}
