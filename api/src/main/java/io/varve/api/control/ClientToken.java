package io.varve.api.control;

/**
 * What makes a creation repeatable: a second request with the same token creates nothing.
 *
 * @param token the client's word
 * @param parameters the canonical form of the request that came with it first
 */
public record ClientToken(String token, String parameters) {}
