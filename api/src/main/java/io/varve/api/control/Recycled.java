package io.varve.api.control;

import java.time.Instant;

/**
 * That something is in the recycle bin.
 *
 * @param since when it was deleted
 * @param until when it goes for good
 * @param rule the rule that keeps it
 */
public record Recycled(Instant since, Instant until, RuleId rule) {}
