package io.varve.api.aws.ebs;

import static io.varve.api.aws.ebs.EbsRequest.invalid;

import io.varve.api.aws.Echo;
import io.varve.api.aws.ebs.EbsException.Reason;
import io.varve.api.control.Label;
import io.varve.api.control.UploadRequest;
import io.varve.api.control.Uploads;
import io.varve.engine.SnapshotId;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.Json;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The document that StartSnapshot takes. */
final class StartSnapshot {
    private static final int LEAST_MINUTES = 10;
    private static final int MOST_MINUTES = 4320;
    private static final int DEFAULT_MINUTES = 60;
    private static final int MOST_DESCRIPTION = 255;
    private static final int MOST_TOKEN = 255;
    private static final int MOST_TAG_KEY = 127;
    private static final int MOST_TAG_VALUE = 255;
    private static final String RESERVED = "aws:";

    private final JsonObject json;

    private StartSnapshot(JsonObject json) {
        this.json = json;
    }

    /** Fails with a ValidationException. */
    static UploadRequest read(Buffer body) {
        Object json;
        try {
            json = Json.decodeValue(body);
        } catch (DecodeException e) {
            throw invalid("the body cannot be read as JSON");
        }
        if (!(json instanceof JsonObject object)) {
            throw invalid("the body is not a JSON object");
        }
        return new StartSnapshot(object).request();
    }

    private UploadRequest request() {
        Optional<SnapshotId> parent =
                text("ParentSnapshotId").map(text -> EbsRequest.snapshot("ParentSnapshotId", text));
        refuseEncryption(parent.isPresent());
        return new UploadRequest(
                sizeGiB(),
                parent,
                new Label(Optional.empty(), tags()),
                text("Description", MOST_DESCRIPTION, "[\\S\\s]+").orElse(""),
                (int) whole("Timeout", LEAST_MINUTES, MOST_MINUTES, Reason.INVALID_PARAMETER_VALUE)
                        .orElse((long) DEFAULT_MINUTES)
                        .longValue(),
                text("ClientToken", MOST_TOKEN, "\\S+"));
    }

    private long sizeGiB() {
        return whole("VolumeSize", 1, Uploads.MOST_GIB, Reason.INVALID_VOLUME_SIZE)
                .orElseThrow(() -> new EbsException(Reason.INVALID_VOLUME_SIZE, "VolumeSize is missing"));
    }

    private void refuseEncryption(boolean hasParent) {
        Object encrypted = json.getValue("Encrypted");
        if (encrypted != null && hasParent) {
            throw invalid("ParentSnapshotId and Encrypted exclude each other");
        }
        if (encrypted != null && !(encrypted instanceof Boolean)) {
            throw invalid("Encrypted is true or false");
        }
        if (Boolean.TRUE.equals(encrypted) || text("KmsKeyArn").isPresent()) {
            throw invalid("encrypted snapshots are not there yet: leave out Encrypted and KmsKeyArn");
        }
    }

    private Map<String, String> tags() {
        Object value = json.getValue("Tags");
        if (value == null) {
            return Map.of();
        }
        if (!(value instanceof JsonArray array)) {
            throw invalidTag("Tags is a list of Key and Value");
        }
        Map<String, String> tags = new TreeMap<>();
        for (Object element : array) {
            JsonObject tag = element instanceof JsonObject object ? object : new JsonObject();
            Object key = tag.getValue("Key");
            Object text = tag.getValue("Value", "");
            if (!(key instanceof String name) || !(text instanceof String words)) {
                throw invalidTag("a tag has a Key and a Value, both texts");
            }
            if (name.isEmpty() || name.length() > MOST_TAG_KEY || name.startsWith(RESERVED)) {
                throw invalidTag("tag %s is refused: a key has from 1 to %d characters and does not begin with %s"
                        .formatted(Echo.quoted(name), MOST_TAG_KEY, RESERVED));
            }
            if (words.length() > MOST_TAG_VALUE) {
                throw invalidTag("the value of tag %s is refused: it has up to %d characters"
                        .formatted(Echo.quoted(name), MOST_TAG_VALUE));
            }
            if (tags.put(name, words) != null) {
                throw invalidTag("tag %s is given twice".formatted(Echo.quoted(name)));
            }
        }
        if (tags.size() > Label.MOST_TAGS) {
            throw invalidTag("%d tags are refused: there are up to %d".formatted(tags.size(), Label.MOST_TAGS));
        }
        return tags;
    }

    private static EbsException invalidTag(String message) {
        return new EbsException(Reason.INVALID_TAG, message);
    }

    private Optional<String> text(String name) {
        Object value = json.getValue(name);
        if (value != null && !(value instanceof String)) {
            throw invalid(name + " is a text");
        }
        return Optional.ofNullable((String) value);
    }

    private Optional<String> text(String name, int most, String form) {
        Optional<String> text = text(name);
        text.ifPresent(value -> {
            if (value.length() > most || !value.matches(form)) {
                throw invalid("%s %s is refused: it has from 1 to %d characters of %s"
                        .formatted(name, Echo.quoted(value), most, form));
            }
        });
        return text;
    }

    private Optional<Long> whole(String name, long least, long most, Reason reason) {
        Object value = json.getValue(name);
        if (value == null) {
            return Optional.empty();
        }
        if (!(value instanceof Integer || value instanceof Long)
                || ((Number) value).longValue() < least
                || ((Number) value).longValue() > most) {
            throw new EbsException(
                    reason,
                    "%s %s is refused: it is a number from %d to %d"
                            .formatted(name, Echo.quoted(String.valueOf(value)), least, most));
        }
        return Optional.of(((Number) value).longValue());
    }
}
