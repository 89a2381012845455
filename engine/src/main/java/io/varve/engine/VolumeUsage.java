package io.varve.engine;

import java.util.OptionalLong;

/**
 * Space that one volume or snapshot takes.
 *
 * @param provisionedBytes its size
 * @param usedBytes bytes of blocks that it can read, shared or not, as it is now; what a large trim has cut off whole
 *     is counted out within seconds, as its map pages are given back
 * @param exclusiveBytes bytes of blocks that nothing else can read: what deleting it alone would free. Counted in the
 *     background, as of a checkpoint; empty as long as it was not counted
 */
public record VolumeUsage(long provisionedBytes, long usedBytes, OptionalLong exclusiveBytes) {
    /** Bytes of blocks that other volumes or snapshots can read too, as far as that was counted. */
    public OptionalLong sharedBytes() {
        return exclusiveBytes.isEmpty()
                ? OptionalLong.empty()
                : OptionalLong.of(usedBytes - exclusiveBytes.getAsLong());
    }
}
