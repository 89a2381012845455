package io.varve.api.aws;

import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import java.util.List;
import java.util.Map;

/** A face that answers with what it was asked: Action=Change… is a change, Action=Break fails. */
final class EchoFace implements Face {
    static final int BODY_BYTES = 1000;

    @Override
    public int bodyBytes() {
        return BODY_BYTES;
    }

    @Override
    public Action action(SignedRequest request) {
        String name = request.body().toString();
        return name.startsWith("Change") ? Action.changing(name) : Action.reading(name);
    }

    @Override
    public Future<AwsAnswer> answer(SignedRequest request) {
        String body = request.body().toString();
        if (body.equals("Break")) {
            throw new IllegalStateException("broken on request");
        }
        String text = "%s %s %s %s %s"
                .formatted(
                        request.method(),
                        request.path(),
                        request.query(),
                        request.caller().id(),
                        body);
        return Future.succeededFuture(new AwsAnswer(
                200, Map.of("Content-Type", "text/plain"), Buffer.buffer(text.trim()), List.of("vol-echo")));
    }

    @Override
    public AwsAnswer refusal(AwsRefusal refusal) {
        return new AwsAnswer(refusal.status(), Map.of(), Buffer.buffer(refusal.code() + ": " + refusal.message()));
    }
}
