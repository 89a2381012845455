package io.varve.api.aws.ebs;

import io.varve.api.aws.Echo;
import io.varve.api.aws.SignedRequest;
import io.varve.api.aws.ebs.EbsException.Reason;
import io.varve.engine.SnapshotId;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/** One request: its parts read as the service model has them. What is not in the model is not looked at. */
record EbsRequest(SignedRequest signed, EbsOperation operation) {
    private static final Pattern SNAPSHOT_ID = Pattern.compile("snap-[0-9a-f]{1,59}");
    private static final Pattern NUMBER = Pattern.compile("[0-9]{1,10}");
    private static final int DIGEST_BYTES = 32;
    private static final String SHA256 = "SHA256";

    SnapshotId snapshot() {
        return snapshot("SnapshotId", operation.part(signed.path(), 0));
    }

    static SnapshotId snapshot(String name, String text) {
        if (!SNAPSHOT_ID.matcher(text).matches()) {
            throw new EbsException(
                    Reason.INVALID_SNAPSHOT_ID,
                    "%s %s is refused: it is snap- and hexadecimal digits".formatted(name, Echo.quoted(text)));
        }
        try {
            return SnapshotId.parse(text);
        } catch (IllegalArgumentException e) {
            throw new EbsException(
                    EbsException.Type.RESOURCE_NOT_FOUND,
                    Optional.of(Reason.SNAPSHOT_NOT_FOUND),
                    "there is no snapshot " + text);
        }
    }

    int blockIndex() {
        return number("BlockIndex", operation.part(signed.path(), 1), 0, Integer.MAX_VALUE);
    }

    /** A parameter of the request line. Fails with INVALID_PARAMETER_VALUE if it is there twice. */
    Optional<String> query(String name) {
        List<String> values = signed.query().stream()
                .filter(pair -> pair.getKey().equals(name))
                .map(Map.Entry::getValue)
                .toList();
        return only(name, values);
    }

    private static Optional<String> only(String name, List<String> values) {
        if (values.size() > 1) {
            throw invalid("%s is refused: it is given %d times".formatted(name, values.size()));
        }
        return values.stream().findFirst();
    }

    Optional<Integer> queryNumber(String name, int least, int most) {
        return query(name).map(text -> number(name, text, least, most));
    }

    Optional<String> header(String name) {
        return only(name, signed.headers().getAll(name));
    }

    String requiredHeader(String name) {
        return header(name).orElseThrow(() -> invalid("the header " + name + " is missing"));
    }

    Optional<Integer> headerNumber(String name, int least, int most) {
        return header(name).map(text -> number(name, text, least, most));
    }

    /** A digest, whose algorithm must be said to be SHA256. */
    Optional<byte[]> checksum() {
        Optional<byte[]> digest = header("x-amz-Checksum").map(EbsRequest::digest);
        Optional<String> algorithm = header("x-amz-Checksum-Algorithm");
        if (algorithm.isPresent() && !algorithm.get().equals(SHA256)) {
            throw invalid(
                    "x-amz-Checksum-Algorithm %s is refused: it is SHA256".formatted(Echo.quoted(algorithm.get())));
        }
        if (digest.isPresent() && algorithm.isEmpty()) {
            throw invalid("x-amz-Checksum needs x-amz-Checksum-Algorithm, SHA256");
        }
        return digest;
    }

    private static byte[] digest(String text) {
        try {
            byte[] digest = Base64.getDecoder().decode(text);
            if (digest.length == DIGEST_BYTES) {
                return digest;
            }
        } catch (IllegalArgumentException e) {
            throw notADigest(text);
        }
        throw notADigest(text);
    }

    private static EbsException notADigest(String text) {
        return invalid("x-amz-Checksum %s is refused: it is a SHA-256 in Base64".formatted(Echo.quoted(text)));
    }

    private static int number(String name, String text, int least, int most) {
        if (NUMBER.matcher(text).matches()) {
            long number = Long.parseLong(text);
            if (number >= least && number <= most) {
                return (int) number;
            }
        }
        throw invalid("%s %s is refused: it is a number from %d to %d".formatted(name, Echo.quoted(text), least, most));
    }

    static EbsException invalid(String message) {
        return new EbsException(Reason.INVALID_PARAMETER_VALUE, message);
    }
}
