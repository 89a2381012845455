package io.varve.engine;

/**
 * What a volume has saved for bursts.
 *
 * @param credits how many credits it has; 0 if it owes some
 * @param capacity how many it can have
 */
public record BurstBalance(long credits, long capacity) {
    /** How full it is, from 0 to 100. */
    public double percent() {
        return 100.0 * credits / capacity;
    }
}
