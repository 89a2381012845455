package io.varve.engine;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * How far the scrub is: the background walk that reads all live blocks and map pages and holds them against their check
 * values.
 *
 * @param bytesPerSecond its rate; 0 if it is off
 * @param passes walks over everything that were finished since the store was opened
 * @param lastFinished when one was finished last
 * @param bytesRead bytes of blocks read since the store was opened
 * @param pagesRead map pages read since the store was opened
 * @param damageFound blocks and map pages found damaged since the store was opened, each counted once
 * @param healed how many of these a later pass no longer found
 * @param damaged what is damaged as far as is known, at most {@link #MAX_NAMED}
 */
public record ScrubStatus(
        long bytesPerSecond,
        long passes,
        Optional<Instant> lastFinished,
        long bytesRead,
        long pagesRead,
        long damageFound,
        long healed,
        List<Finding> damaged) {
    /** How many damaged places are remembered. */
    public static final int MAX_NAMED = 1000;

    public ScrubStatus {
        damaged = List.copyOf(damaged);
    }
}
