package io.varve.api.control;

import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * A change of what is said about a snapshot.
 *
 * @param label makes the new name and tags of the old
 * @param description the new one; empty to leave it
 */
public record SnapshotChange(UnaryOperator<Label> label, Optional<String> description) {}
