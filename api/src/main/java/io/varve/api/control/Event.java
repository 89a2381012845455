package io.varve.api.control;

import java.time.Instant;

/**
 * That something came to be in a state, or was changed in it.
 *
 * @param number counted from 1 since the server started
 * @param kind such as {@code volume}
 * @param id what it happened to
 * @param state in EC2's words; {@code deleted} when it is gone
 */
public record Event(long number, String kind, String id, String state, Instant time) {}
