package io.varve.engine.store;

import io.varve.engine.BlockStore;
import io.varve.engine.Extents;
import io.varve.engine.map.ExtentWalk;
import io.varve.engine.map.MapLoader;
import org.jspecify.annotations.Nullable;

/**
 * One question about a range of bytes, answered by a walk over whole blocks that waits for the map's pages where they
 * are not resident. Loop only.
 */
final class ExtentQuery implements ExtentWalk.Sink {
    private static final int BLOCK_BYTES = BlockStore.BLOCK_BYTES;

    private final ExtentWalk walk;
    private final long offset;
    private final long end;
    private final int maxExtents;
    private final Extents into;
    private long block;

    ExtentQuery(ExtentWalk walk, long offset, long length, int maxExtents, Extents into) {
        this.walk = walk;
        this.offset = offset;
        this.end = offset + length;
        this.maxExtents = maxExtents;
        this.into = into;
        this.block = offset / BLOCK_BYTES;
    }

    /** Calls {@code whenDone} with null, or with what is wrong with the map; perhaps before this returns. */
    void run(MapLoader.Callback whenDone) {
        boolean going = true;
        while (going) {
            long endBlock = (end + BLOCK_BYTES - 1) / BLOCK_BYTES;
            block = walk.walk(block, endBlock, this);
            if (!walk.lacksPage()) {
                whenDone.loaded(null);
                return;
            }
            Arrival arrival = new Arrival(whenDone);
            walk.load(arrival);
            going = arrival.isHere();
        }
    }

    @Override
    public boolean add(long firstBlock, long endBlock, int value) {
        if (into.size() == maxExtents && !into.continues(value)) {
            return false;
        }
        long from = Math.max(offset, firstBlock * BLOCK_BYTES);
        long to = Math.min(end, endBlock * BLOCK_BYTES);
        into.add(to - from, value);
        return true;
    }

    /** Tells a page that comes within the call from one that comes later, so that waiting takes no stack. */
    private final class Arrival implements MapLoader.Callback {
        private final MapLoader.Callback whenDone;
        private boolean waiting;
        private boolean here;

        Arrival(MapLoader.Callback whenDone) {
            this.whenDone = whenDone;
        }

        /** The call that asks for the page is over: true if it came, and all is well. */
        boolean isHere() {
            waiting = true;
            return here;
        }

        @Override
        public void loaded(@Nullable RuntimeException failure) {
            if (failure != null) {
                whenDone.loaded(failure);
            } else if (waiting) {
                run(whenDone);
            } else {
                here = true;
            }
        }
    }
}
