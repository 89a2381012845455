package io.varve.api;

import io.varve.api.control.RequestException;
import io.varve.api.rest.Contract;
import io.varve.engine.VolumeType;
import io.varve.engine.VolumeType.Choice;
import io.varve.engine.VolumeType.Range;
import io.varve.engine.VolumeTypes;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The file in which an operator defines volume types: {@code DefineVolumeTypes} of the contract. */
final class VolumeTypesFile {
    private static final String OPTION = "--volume-types ";
    private static final String SCHEMA = "DefineVolumeTypes";
    private static final int MOST_BYTES = 1 << 20;
    private static final int KIB = 1 << 10;
    private static final int USUAL_UNIT_KIB = 256;

    private VolumeTypesFile() {}

    /** The built-in types and those of the file. Fails with a {@link StartException} that says what is wrong where. */
    static VolumeTypes read(Path file) {
        try {
            JsonObject json = Contract.load().check(text(file), SCHEMA);
            List<VolumeType> types = json.getJsonArray("volumeTypes").stream()
                    .map(JsonObject.class::cast)
                    .map(VolumeTypesFile::type)
                    .toList();
            return VolumeTypes.BUILT_IN.and(types);
        } catch (IOException e) {
            throw new StartException(ExitCode.USAGE, OPTION + file + " cannot be read: " + e.getMessage(), e);
        } catch (RequestException | IllegalArgumentException e) {
            throw new StartException(ExitCode.USAGE, OPTION + file + ": " + e.getMessage(), e);
        }
    }

    private static String text(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            byte[] bytes = in.readNBytes(MOST_BYTES + 1);
            if (bytes.length > MOST_BYTES) {
                throw new IOException("it has more than " + MOST_BYTES + " bytes");
            }
            return new String(bytes, StandardCharsets.UTF_8);
        }
    }

    private static VolumeType type(JsonObject json) {
        String name = json.getString("volumeType");
        try {
            return VolumeTypes.asAskedFor(
                    name,
                    range(json.getJsonObject("sizeGiB")),
                    choice(json.getJsonObject("iops")),
                    choice(json.getJsonObject("throughputMiBps")),
                    json.getInteger("ioUnitKiB", USUAL_UNIT_KIB) * KIB);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("volumeType " + name + " has " + e.getMessage(), e);
        }
    }

    private static Range range(JsonObject json) {
        return new Range(json.getLong("minimum"), json.getLong("maximum"));
    }

    private static Choice choice(JsonObject json) {
        Range range = range(json);
        Object initial = json.getValue("default");
        long unasked = initial instanceof Number figure
                ? figure.longValue()
                : initial == null ? range.least() : VolumeType.UNLIMITED;
        if (unasked != VolumeType.UNLIMITED && (unasked < range.least() || unasked > range.most())) {
            throw new IllegalArgumentException(
                    "the default %d, which is not from %d to %d".formatted(unasked, range.least(), range.most()));
        }
        Choice choice = Choice.of(range.least(), range.most(), unasked)
                .perGiB(json.getLong("perGiB", 0L), Math.max(unasked, range.least()));
        return initial == null ? choice.required() : choice;
    }
}
