package io.varve.api.aws.ec2;

import io.varve.api.aws.Echo;
import io.varve.api.control.ErrorCode;
import io.varve.api.control.Filter;
import io.varve.api.control.ImageId;
import io.varve.api.control.InstanceId;
import io.varve.api.control.Label;
import io.varve.api.control.ListRequest;
import io.varve.api.control.RequestException;
import io.varve.engine.SnapshotId;
import io.varve.engine.VolumeId;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * The parameters of one request, or of one structure in it.
 *
 * @param values by their names
 * @param host as the client addressed the server
 */
record Parameters(Map<String, String> values, String host) {
    private static final Pattern NUMBER = Pattern.compile("-?[0-9]{1,9}");
    private static final Pattern INDEX = Pattern.compile("[1-9][0-9]{0,3}");
    private static final Pattern CLIENT_TOKEN = Pattern.compile("[!-~]{1,64}");
    private static final String RESERVED_TAG = "aws:";

    /** A name with N in the place of every number. */
    static String pattern(String name) {
        String[] parts = name.split("\\.", Ec2Limits.DEPTH + 1);
        for (int i = 1; i < parts.length; i++) {
            parts[i] = INDEX.matcher(parts[i]).matches() ? "N" : parts[i];
        }
        return String.join(".", parts);
    }

    /** Empty if it is not given; an empty value is as good as none, as in EC2. */
    Optional<String> text(String name) {
        return Optional.ofNullable(values.get(name)).filter(value -> !value.isEmpty());
    }

    Optional<String> text(String name, int mostChars) {
        return text(name).map(value -> {
            if (value.length() > mostChars) {
                throw Ec2Exception.value(name, value, "at most " + mostChars + " characters");
            }
            return value;
        });
    }

    String required(String name) {
        return text(name).orElseThrow(() -> missing(name));
    }

    private static Ec2Exception missing(String name) {
        return new Ec2Exception("MissingParameter", "the request must contain the parameter " + name);
    }

    Optional<Integer> number(String name) {
        return text(name).map(value -> {
            if (!NUMBER.matcher(value).matches()) {
                throw Ec2Exception.value(name, value, "a whole number");
            }
            return Integer.parseInt(value);
        });
    }

    Optional<Integer> number(String name, int least, int most) {
        return number(name).map(value -> {
            if (value < least || value > most) {
                throw Ec2Exception.value(name, value.toString(), "a number from %d to %d".formatted(least, most));
            }
            return value;
        });
    }

    boolean flag(String name) {
        return optionalFlag(name).orElse(false);
    }

    Optional<Boolean> optionalFlag(String name) {
        return text(name).map(value -> {
            if (!value.equalsIgnoreCase("true") && !value.equalsIgnoreCase("false")) {
                throw Ec2Exception.value(name, value, "true or false");
            }
            return Boolean.parseBoolean(value);
        });
    }

    Optional<Instant> time(String name) {
        return text(name).map(value -> {
            try {
                return OffsetDateTime.parse(value).toInstant();
            } catch (DateTimeException e) {
                throw Ec2Exception.value(name, value, "a time such as 2030-01-31T00:00:00Z");
            }
        });
    }

    /** The members of a list, in the order of their numbers. */
    List<String> list(String name) {
        TreeMap<Integer, String> members = new TreeMap<>();
        values.forEach((key, value) -> {
            if (key.startsWith(name + ".")
                    && INDEX.matcher(key.substring(name.length() + 1)).matches()) {
                members.put(Integer.parseInt(key.substring(name.length() + 1)), value);
            }
        });
        return List.copyOf(members.values());
    }

    /** The members of a list of structures, in the order of their numbers. */
    List<Parameters> structures(String name) {
        TreeMap<Integer, Map<String, String>> members = new TreeMap<>();
        values.forEach((key, value) -> {
            String rest = key.startsWith(name + ".") ? key.substring(name.length() + 1) : "";
            int dot = rest.indexOf('.');
            if (dot > 0 && INDEX.matcher(rest.substring(0, dot)).matches()) {
                members.computeIfAbsent(Integer.parseInt(rest.substring(0, dot)), index -> new LinkedHashMap<>())
                        .put(rest.substring(dot + 1), value);
            }
        });
        return members.values().stream()
                .map(member -> new Parameters(member, host))
                .toList();
    }

    VolumeId volume(String name) {
        return volumeId(required(name));
    }

    static VolumeId volumeId(String text) {
        return id(text, VolumeId::parse, ErrorCode.VOLUME_ID_MALFORMED, VolumeId.PREFIX);
    }

    SnapshotId snapshot(String name) {
        return snapshotId(required(name));
    }

    static SnapshotId snapshotId(String text) {
        return id(text, SnapshotId::parse, ErrorCode.SNAPSHOT_ID_MALFORMED, SnapshotId.PREFIX);
    }

    ImageId image(String name) {
        return imageId(required(name));
    }

    static ImageId imageId(String text) {
        return id(text, ImageId::new, ErrorCode.IMAGE_ID_MALFORMED, ImageId.PREFIX);
    }

    InstanceId instance(String name) {
        return instanceId(required(name));
    }

    static InstanceId instanceId(String text) {
        return id(text, InstanceId::new, ErrorCode.INSTANCE_ID_MALFORMED, InstanceId.PREFIX);
    }

    private static <T> T id(String text, Function<String, T> parser, ErrorCode malformed, String prefix) {
        try {
            return parser.apply(text);
        } catch (IllegalArgumentException e) {
            throw new RequestException(
                    malformed,
                    "Invalid id: %s (expecting %s and 17 hexadecimal digits)"
                            .formatted(Echo.quoted(text), Echo.quoted(prefix)));
        }
    }

    Optional<String> clientToken() {
        return text("ClientToken").map(token -> {
            if (!CLIENT_TOKEN.matcher(token).matches()) {
                throw Ec2Exception.value("ClientToken", token, "1 to 64 ASCII characters without spaces");
            }
            return token;
        });
    }

    String description() {
        return text("Description", Ec2Limits.DESCRIPTION_CHARS).orElse("");
    }

    /** The tags that TagSpecification has for the first of {@code kinds}. Fails if it names a kind that is none of them. */
    Label label(String... kinds) {
        Map<String, Optional<String>> tags = new HashMap<>();
        for (Parameters specification : structures("TagSpecification")) {
            String type = specification.required("ResourceType");
            if (!List.of(kinds).contains(type)) {
                throw Ec2Exception.value("ResourceType", type, String.join(" or ", kinds));
            }
            if (type.equals(kinds[0])) {
                tags.putAll(specification.tags());
            }
        }
        return Label.NONE.tagged(tags);
    }

    /** The list {@code Tag}; a tag without a value is there with none. */
    Map<String, Optional<String>> tags() {
        Map<String, Optional<String>> tags = new HashMap<>();
        for (Parameters tag : structures("Tag")) {
            String key = tag.required("Key");
            String value = tag.values().getOrDefault("Value", "");
            if (key.length() > Ec2Limits.TAG_KEY_CHARS || key.startsWith(RESERVED_TAG)) {
                throw new Ec2Exception(
                        "InvalidTagKey.Malformed",
                        "tag key %s is refused: it has at most %d characters and does not begin with %s"
                                .formatted(Echo.quoted(key), Ec2Limits.TAG_KEY_CHARS, RESERVED_TAG));
            }
            if (value.length() > Ec2Limits.TAG_VALUE_CHARS) {
                throw Ec2Exception.value("Tag.Value", value, "at most " + Ec2Limits.TAG_VALUE_CHARS + " characters");
            }
            if (tags.put(key, Optional.of(value)) != null) {
                throw new Ec2Exception(
                        "InvalidParameterValue", "tag key %s is given twice".formatted(Echo.quoted(key)));
            }
        }
        return tags;
    }

    /** Which part of a list is wanted, without what is the same for all. */
    ListRequest page(List<Filter> filters, Set<String> ids) {
        int most = number("MaxResults")
                .map(wanted -> {
                    if (wanted < Ec2Limits.LEAST_RESULTS) {
                        throw Ec2Exception.value("MaxResults", wanted.toString(), "5 to " + ListRequest.MOST);
                    }
                    return Math.min(wanted, ListRequest.MOST);
                })
                .orElse(ListRequest.MOST);
        return new ListRequest(filters, ids, most, text("NextToken"));
    }

    List<Filter> filters() {
        List<Filter> filters = new ArrayList<>();
        for (Parameters filter : structures("Filter")) {
            List<String> values = filter.list("Value");
            if (values.isEmpty()) {
                throw new Ec2Exception(
                        "InvalidParameterValue",
                        "the filter %s has no values".formatted(Echo.quoted(filter.required("Name"))));
            }
            filters.add(new Filter(filter.required("Name"), values));
        }
        return filters;
    }
}
