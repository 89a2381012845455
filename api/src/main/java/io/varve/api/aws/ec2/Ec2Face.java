package io.varve.api.aws.ec2;

import io.varve.api.aws.Action;
import io.varve.api.aws.AwsAnswer;
import io.varve.api.aws.AwsRefusal;
import io.varve.api.aws.Echo;
import io.varve.api.aws.Face;
import io.varve.api.aws.SignedRequest;
import io.varve.api.control.Connections;
import io.varve.api.control.ControlPlane;
import io.varve.api.control.ErrorCode;
import io.varve.api.control.RequestException;
import io.varve.engine.StoreException;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.RejectedExecutionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The EC2 Query API (AWS, "Amazon EC2 API Reference", version 2016-11-15). */
public final class Ec2Face implements Face {
    /** As signatures name it. */
    public static final String SERVICE = "ec2";

    static final String VERSION = "2016-11-15";

    private static final Logger LOG = LoggerFactory.getLogger(Ec2Face.class);
    private static final int OK = 200;
    private static final int SERVER_ERROR = 500;
    private static final Map<String, String> HEADERS = Map.of("Content-Type", "text/xml;charset=UTF-8");

    private final Ec2Actions actions;

    /** @param connections those of NBD clients, which a forced detachment ends */
    public Ec2Face(ControlPlane control, Connections connections) {
        actions = new Ec2Actions(control, connections);
    }

    @Override
    public Action action(SignedRequest request) {
        try {
            return action(Form.read(request)).action();
        } catch (Ec2Exception e) {
            return Action.reading("invalid"); // answer() says why
        }
    }

    private Ec2Action action(Map<String, String> form) {
        String name = Optional.ofNullable(form.get("Action"))
                .orElseThrow(() -> new Ec2Exception("MissingAction", "the request has no parameter Action"));
        String version = form.getOrDefault("Version", VERSION);
        if (!version.equals(VERSION)) {
            throw new Ec2Exception(
                    "InvalidAction", "version %s is not known here, only %s".formatted(Echo.quoted(version), VERSION));
        }
        return actions.find(name)
                .orElseThrow(() ->
                        new Ec2Exception("InvalidAction", "there is no action %s here".formatted(Echo.quoted(name))));
    }

    @Override
    public Future<AwsAnswer> answer(SignedRequest request) {
        try {
            Map<String, String> form = Form.read(request);
            Ec2Action action = action(form);
            String host = Optional.ofNullable(request.headers().get("Host")).orElse("");
            return Future.fromCompletionStage(action.run(form, host)
                    .handle((reply, failure) -> failure == null
                            ? new AwsAnswer(
                                    OK,
                                    HEADERS,
                                    Ec2Xml.response(action.name(), request.requestId(), reply.content()),
                                    reply.resources())
                            : refused(request, failure)));
        } catch (RuntimeException e) { // the edge of a request
            return Future.succeededFuture(refused(request, e));
        }
    }

    private AwsAnswer refused(SignedRequest request, Throwable failure) {
        if (failure instanceof CompletionException wrapper && wrapper.getCause() != null) {
            return refused(request, wrapper.getCause());
        }
        if (failure instanceof Ec2Exception refusal) {
            return refusal(request.refusal(refusal.status(), refusal.code(), String.valueOf(refusal.getMessage())));
        }
        if (failure instanceof RequestException refusal) {
            return refused(request, Ec2Exception.of(refusal));
        }
        if (failure instanceof StoreException refusal) {
            return refused(request, RequestException.of(refusal));
        }
        if (failure instanceof RejectedExecutionException) {
            return refused(request, new RequestException(ErrorCode.UNAVAILABLE, "the server is stopping"));
        }
        LOG.error("request {} failed", request.requestId(), failure);
        return refusal(request.refusal(SERVER_ERROR, "InternalError", "the server failed; its log says why"));
    }

    @Override
    public AwsAnswer refusal(AwsRefusal refusal) {
        Buffer body = Ec2Xml.document(
                "Response",
                xml -> xml.inside(
                                "Errors",
                                errors -> errors.inside(
                                        "Error",
                                        error -> error.text("Code", refusal.code())
                                                .text("Message", refusal.message())))
                        .text("RequestID", refusal.requestId()));
        return new AwsAnswer(refusal.status(), HEADERS, body);
    }
}
