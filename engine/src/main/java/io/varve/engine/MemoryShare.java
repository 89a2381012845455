package io.varve.engine;

/**
 * What one consumer of memory may have, and has.
 *
 * @param budgetBytes its share of the {@link MemoryBudget}
 * @param usedBytes what it has now
 */
public record MemoryShare(long budgetBytes, long usedBytes) {}
