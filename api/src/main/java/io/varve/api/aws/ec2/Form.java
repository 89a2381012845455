package io.varve.api.aws.ec2;

import io.varve.api.aws.Echo;
import io.varve.api.aws.SignedRequest;
import java.net.URLDecoder;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** The parameters of a request line and of a form, decoded; each is there once. */
final class Form {
    private final Map<String, String> values = new LinkedHashMap<>();

    private Form() {}

    /** Fails with MalformedQueryString, or InvalidParameterValue if there are too many or too long ones. */
    static Map<String, String> read(SignedRequest request) {
        Form form = new Form();
        request.query().forEach(pair -> form.put(pair.getKey(), pair.getValue()));
        String body = text(request.body().getBytes());
        int start = 0;
        while (start < body.length()) {
            int end = body.indexOf('&', start);
            end = end < 0 ? body.length() : end;
            if (end > start) {
                form.putEncoded(body.substring(start, end));
            }
            start = end + 1;
        }
        return form.values;
    }

    private static String text(byte[] body) {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(body))
                    .toString();
        } catch (CharacterCodingException e) {
            throw malformed("the body is not UTF-8");
        }
    }

    private void putEncoded(String pair) {
        int equals = pair.indexOf('=');
        if (equals < 0) {
            put(decoded(pair), "");
        } else {
            put(decoded(pair.substring(0, equals)), decoded(pair.substring(equals + 1)));
        }
    }

    private static String decoded(String text) {
        try {
            return URLDecoder.decode(text, StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw malformed("%s has a %% that no two hexadecimal digits follow".formatted(Echo.quoted(text)));
        }
    }

    private static Ec2Exception malformed(String why) {
        return new Ec2Exception("MalformedQueryString", why);
    }

    private void put(String name, String value) {
        if (values.size() >= Ec2Limits.PARAMETERS) {
            throw new Ec2Exception(
                    "InvalidParameterValue", "the request has more than " + Ec2Limits.PARAMETERS + " parameters");
        }
        if (name.length() > Ec2Limits.NAME_CHARS || value.length() > Ec2Limits.VALUE_CHARS) {
            throw new Ec2Exception(
                    "InvalidParameterValue",
                    "parameter %s is too long: names have %d characters, values %d"
                            .formatted(Echo.quoted(name), Ec2Limits.NAME_CHARS, Ec2Limits.VALUE_CHARS));
        }
        if (values.putIfAbsent(name, value) != null) {
            throw new Ec2Exception(
                    "InvalidParameterCombination", "parameter %s is given twice".formatted(Echo.quoted(name)));
        }
    }
}
