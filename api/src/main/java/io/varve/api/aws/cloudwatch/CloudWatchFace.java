package io.varve.api.aws.cloudwatch;

import io.varve.api.aws.Action;
import io.varve.api.aws.AwsAnswer;
import io.varve.api.aws.AwsRefusal;
import io.varve.api.aws.Echo;
import io.varve.api.aws.Face;
import io.varve.api.aws.SignedRequest;
import io.varve.api.aws.cloudwatch.CloudWatchException.Code;
import io.vertx.core.Future;
import io.vertx.core.MultiMap;
import java.util.Map;

/** CloudWatch in front of {@link MetricSamples}: looks only, and needs nothing but memory. */
public final class CloudWatchFace implements Face {
    /** The service's name in signatures. */
    public static final String SERVICE = "monitoring";

    private static final int BAD_REQUEST = 400;
    private static final Protocol QUERY = new QueryProtocol();
    private static final Protocol JSON = new JsonProtocol();

    private final MetricSamples samples;

    public CloudWatchFace(MetricSamples samples) {
        this.samples = samples;
    }

    private static Protocol protocol(MultiMap headers) {
        return headers.contains(JsonProtocol.TARGET) ? JSON : QUERY;
    }

    @Override
    public Action action(SignedRequest request) {
        return Action.reading(SERVICE); // whatever it is, it changes nothing
    }

    @Override
    public Future<AwsAnswer> answer(SignedRequest request) {
        Protocol protocol = protocol(request.headers());
        try {
            String action = protocol.action(request);
            Map<String, Object> result = result(action, request, protocol);
            return Future.succeededFuture(protocol.answer(action, result, request.requestId()));
        } catch (CloudWatchException e) {
            return Future.succeededFuture(
                    protocol.refusal(request.refusal(BAD_REQUEST, e.code().query(), String.valueOf(e.getMessage()))));
        }
    }

    private Map<String, Object> result(String action, SignedRequest request, Protocol protocol) {
        if (!request.path().equals("/") || !request.method().equals("POST")) {
            throw new CloudWatchException(
                    Code.INVALID_ACTION,
                    "%s %s is refused: the Query and the JSON protocol are POST /, and there is no CBOR here"
                            .formatted(request.method(), Echo.quoted(request.path())));
        }
        return switch (action) {
            case "GetMetricData" -> new GetMetricData(samples).answer(protocol.fields(request));
            case "GetMetricStatistics" -> new GetMetricStatistics(samples).answer(protocol.fields(request));
            case "ListMetrics" -> new ListMetrics(samples).answer(protocol.fields(request));
            default ->
                throw new CloudWatchException(
                        Code.INVALID_ACTION,
                        "there is no action %s; there are GetMetricData, GetMetricStatistics and ListMetrics"
                                .formatted(Echo.quoted(action)));
        };
    }

    @Override
    public AwsAnswer refusal(AwsRefusal refusal) {
        return protocol(refusal.headers()).refusal(refusal);
    }
}
