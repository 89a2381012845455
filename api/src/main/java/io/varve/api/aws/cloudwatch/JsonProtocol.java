package io.varve.api.aws.cloudwatch;

import static io.varve.api.aws.cloudwatch.CloudWatchException.invalid;

import io.varve.api.aws.AwsAnswer;
import io.varve.api.aws.AwsRefusal;
import io.varve.api.aws.SignedRequest;
import io.varve.api.aws.cloudwatch.CloudWatchException.Code;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonObject;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** AWS JSON 1.0: the action stands in a header, times are seconds since 1970. */
final class JsonProtocol implements Protocol {
    static final String TARGET = "X-Amz-Target";

    private static final String PREFIX = "GraniteServiceVersion20100801.";
    private static final int SERVER_ERRORS = 500;

    @Override
    public String action(SignedRequest request) {
        String target = Optional.ofNullable(request.headers().get(TARGET)).orElse("");
        return target.startsWith(PREFIX) ? target.substring(PREFIX.length()) : target;
    }

    @Override
    public Fields fields(SignedRequest request) {
        try {
            return new Fields("", new JsonObject(request.body().toString()).getMap());
        } catch (DecodeException e) {
            throw invalid("the body is refused: it is no JSON object");
        }
    }

    @Override
    public AwsAnswer answer(String action, Map<String, Object> result, String requestId) {
        return answer(200, Map.of(), result);
    }

    private static AwsAnswer answer(int status, Map<String, String> more, Map<String, Object> body) {
        Map<String, String> headers = new LinkedHashMap<>(more);
        headers.put("Content-Type", "application/x-amz-json-1.0");
        Map<String, Object> json = new LinkedHashMap<>();
        body.forEach((name, value) -> json.put(name, seconds(value)));
        return new AwsAnswer(status, headers, new JsonObject(json).toBuffer());
    }

    private static Object seconds(Object value) {
        if (value instanceof Instant time) {
            return time.getEpochSecond();
        } else if (value instanceof List<?> list) {
            return list.stream().map(JsonProtocol::seconds).toList();
        } else if (value instanceof Map<?, ?> map) {
            Map<String, Object> json = new LinkedHashMap<>();
            map.forEach((name, inner) -> json.put(name.toString(), seconds(inner)));
            return json;
        }
        return value;
    }

    @Override
    public AwsAnswer refusal(AwsRefusal refusal) {
        Map<String, Object> body = Map.of("__type", Code.json(refusal.code()), "message", refusal.message());
        String side = refusal.status() < SERVER_ERRORS ? "Sender" : "Receiver";
        return answer(refusal.status(), Map.of("x-amzn-query-error", refusal.code() + ";" + side), body);
    }
}
