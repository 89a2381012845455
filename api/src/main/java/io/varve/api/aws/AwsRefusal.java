package io.varve.api.aws;

import io.vertx.core.MultiMap;

/**
 * An error before it has the wire form of a service.
 *
 * @param status of HTTP
 * @param code in the service's own words
 * @param requestId of the request that is refused
 * @param headers of that request, for a service that speaks several protocols
 */
public record AwsRefusal(int status, String code, String message, String requestId, MultiMap headers) {}
