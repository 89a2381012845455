package io.varve.engine;

/**
 * What a volume gets while the store as a whole has less than is asked of it; means nothing in a store without limits
 * of its own.
 *
 * @param minimumIops operations per second that it gets before others get more than theirs; 0 for none
 * @param weight its part of the store's time, beside the weights of the others that ask; from 1 to {@link #MOST_WEIGHT}
 */
public record QosShare(long minimumIops, int weight) {
    public static final int MOST_WEIGHT = 1_000;

    /** The same for everybody. */
    public static final QosShare EVEN = new QosShare(0, 100);

    public QosShare {
        if (minimumIops < 0 || weight < 1 || weight > MOST_WEIGHT) {
            throw new IllegalArgumentException("minimumIops=" + minimumIops + " weight=" + weight);
        }
    }
}
