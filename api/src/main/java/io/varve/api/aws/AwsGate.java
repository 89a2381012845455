package io.varve.api.aws;

import io.varve.api.access.AccessKeys;
import io.varve.api.access.AuditLog;
import io.varve.api.access.Caller;
import io.vertx.core.AsyncResult;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where requests of AWS clients come in: says whose they are and which face answers them. A request that is not signed
 * is never served, because a web page can make a browser send one. On the server's loop.
 */
public final class AwsGate {
    private static final Logger LOG = LoggerFactory.getLogger(AwsGate.class);

    private final Map<String, Face> faces;
    private final SignatureCheck check;
    private final AuditLog audit;
    private int atWork;

    /** @param faces by the name of the service, as a signature's scope names it */
    public AwsGate(Map<String, Face> faces, AccessKeys keys, AuditLog audit, InstantSource clock) {
        this.faces = new TreeMap<>(faces);
        this.check = new SignatureCheck(keys, clock);
        this.audit = audit;
    }

    /** True if a request is for an AWS face, signed or not, given that its path is not one of the native API. */
    public boolean takes(HttpServerRequest request) {
        String authorization = request.getHeader("Authorization");
        String query = Optional.ofNullable(request.query()).orElse("");
        return (authorization != null && authorization.startsWith("AWS4"))
                || query.contains(Signature.QUERY_ALGORITHM + "=")
                || (request.path().equals("/") && request.method().equals(HttpMethod.POST))
                || !service(request.path()).equals("ec2");
    }

    /** Which service a path belongs to if no signature says it. */
    private static String service(String path) {
        if (path.equals("/snapshots") || path.startsWith("/snapshots/")) {
            return "ebs";
        }
        return path.startsWith("/service/") ? "monitoring" : "ec2";
    }

    /** Answers a request. */
    public void handle(HttpServerRequest request) {
        String requestId = UUID.randomUUID().toString();
        String service = service(request.path());
        try {
            RawQuery query = RawQuery.of(Optional.ofNullable(request.query()).orElse(""));
            Signature signature = Signature.of(request.headers(), query);
            service = signature.service();
            Face face = face(service);
            check.requireKnown(signature); // before it takes a place among those at work
            receive(request, new Admission(requestId, query, query.parameters(), signature, face));
        } catch (AccessException e) {
            refuse(request, requestId, service, e);
        }
    }

    private Face face(String service) {
        Face face = faces.get(service);
        if (face == null) {
            throw new AccessException(
                    AccessFault.NO_SERVICE,
                    "there is no service %s here; there are %s".formatted(service, String.join(", ", faces.keySet())));
        }
        return face;
    }

    private void receive(HttpServerRequest request, Admission admission) {
        int most = admission.face().bodyBytes();
        if (declaredLength(request) > most) {
            throw tooLarge(most);
        }
        if (atWork >= AwsLimits.REQUESTS_AT_ONCE) {
            throw new AccessException(
                    AccessFault.TOO_MANY, AwsLimits.REQUESTS_AT_ONCE + " requests are at work; come again later");
        }
        String service = admission.signature().service();
        Work work = new Work();
        request.response().closeHandler(closed -> work.end());
        request.exceptionHandler(broken -> work.end());
        Buffer body = Buffer.buffer((int) declaredLength(request)); // growing a large one costs copies
        request.handler(chunk -> {
            if (work.refused) {
                return; // read to its end, so that the client comes to read the answer
            }
            if (body.length() + chunk.length() > most) {
                work.refused = true;
                refuse(request, admission.requestId(), service, tooLarge(most));
            } else {
                body.appendBuffer(chunk);
            }
        });
        request.endHandler(end -> {
            if (!work.refused) {
                serve(request, admission, body, work);
            }
        });
        if ("100-continue".equalsIgnoreCase(request.getHeader("Expect"))) {
            request.response().writeContinue();
        }
    }

    private static long declaredLength(HttpServerRequest request) {
        String length = request.getHeader("Content-Length");
        return length != null && length.matches("[0-9]{1,18}") ? Long.parseLong(length) : 0;
    }

    private static AccessException tooLarge(int most) {
        return new AccessException(AccessFault.TOO_LARGE, "the body is larger than " + most + " bytes");
    }

    private void serve(HttpServerRequest http, Admission admission, Buffer body, Work work) {
        String service = admission.signature().service();
        String requestId = admission.requestId();
        Context loop = Vertx.currentContext();
        answer(http, admission, body)
                .onComplete(result -> loop.runOnContext(there -> {
                    work.end();
                    if (result.succeeded()) {
                        send(http.response(), requestId, result.result());
                    } else {
                        refuse(http, requestId, service, result.cause());
                    }
                }));
    }

    private Future<AwsAnswer> answer(HttpServerRequest http, Admission admission, Buffer body) {
        try {
            Caller caller = check.caller(
                    http.method().name(), http.path(), admission.query(), http.headers(), admission.signature(), body);
            SignedRequest request = new SignedRequest(
                    http.method().name(),
                    http.path(),
                    admission.parameters(),
                    http.headers(),
                    body,
                    caller,
                    admission.requestId());
            Action action = admission.face().action(request);
            String service = admission.signature().service();
            if (!caller.role().suffices(action.needs())) {
                AccessException refusal = notAllowed(action, caller);
                return noted(caller, service, action, List.of(), refusal.fault().status())
                        .compose(noted -> Future.failedFuture(refusal));
            }
            Future<AwsAnswer> answer = admission.face().answer(request);
            return action.changes() ? answer.transform(result -> noted(caller, service, action, result)) : answer;
        } catch (RuntimeException e) { // the edge of a request
            return Future.failedFuture(e);
        }
    }

    private static AccessException notAllowed(Action action, Caller caller) {
        return new AccessException(
                AccessFault.NOT_ALLOWED,
                "%s needs the role %s; access key %s has %s"
                        .formatted(
                                action.name(),
                                action.needs().text(),
                                caller.id(),
                                caller.role().text()));
    }

    /** What came of a change goes into the audit log before it is answered. */
    private Future<AwsAnswer> noted(Caller caller, String service, Action action, AsyncResult<AwsAnswer> result) {
        int status = result.succeeded() ? result.result().status() : AccessFault.FAILED.status();
        List<String> resources = result.succeeded() ? result.result().resources() : List.of();
        return noted(caller, service, action, resources, status)
                .compose(noted -> result.succeeded()
                        ? Future.succeededFuture(result.result())
                        : Future.failedFuture(result.cause()));
    }

    private Future<Void> noted(Caller caller, String service, Action action, List<String> resources, int status) {
        return Future.fromCompletionStage(audit.note(caller, service, action.name(), resources, status));
    }

    private void refuse(HttpServerRequest request, String requestId, String service, Throwable failure) {
        AccessFault fault = AccessFault.FAILED;
        String message = "the server failed; its log says why";
        if (failure instanceof AccessException refusal) {
            fault = refusal.fault();
            message = String.valueOf(refusal.getMessage());
        } else {
            LOG.error("{} {} of {} failed", request.method(), request.path(), service, failure);
        }
        AwsRefusal refusal = new AwsRefusal(fault.status(), fault.code(service), message, requestId, request.headers());
        Face face = faces.get(service);
        send(request.response(), requestId, face == null ? QueryErrors.answer(refusal) : face.refusal(refusal));
    }

    private static void send(HttpServerResponse response, String requestId, AwsAnswer answer) {
        if (response.ended() || response.closed()) {
            return;
        }
        response.setStatusCode(answer.status())
                .putHeader("X-Content-Type-Options", "nosniff")
                .putHeader("x-amzn-RequestId", requestId);
        answer.headers().forEach(response::putHeader);
        response.end(answer.body());
    }

    /** What is known of a request before its body is there. */
    private record Admission(
            String requestId,
            RawQuery query,
            List<Map.Entry<String, String>> parameters,
            Signature signature,
            Face face) {}

    /** A request's place among those at work, given back once. */
    private final class Work {
        private boolean refused;
        private boolean ended;

        Work() {
            atWork++;
        }

        void end() {
            if (!ended) {
                ended = true;
                atWork--;
            }
        }
    }
}
