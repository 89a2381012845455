package io.varve.engine.map;

import io.varve.engine.VolumeCounters;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** Brings pages of one volume's map in, each at most once at a time. Owned by the volume's loop. */
public final class MapLoader {
    private final ResidentPages resident;
    private final FramePool pool;
    private final PageFile file;
    private final Executor loop;
    private final VolumeCounters counters;
    private final Runnable beforeEviction;
    private final Map<Long, List<Waiter>> loading = new HashMap<>();
    private boolean closed;

    private record Waiter(long block, Callback callback) {}

    /** Told that the leaf is resident, or what went wrong. */
    @FunctionalInterface
    public interface Callback {
        void loaded(@Nullable RuntimeException failure);
    }

    /** @param beforeEviction called before pages may be evicted: whoever counts on resident ones uses them now */
    public MapLoader(
            BlockMap map,
            FramePool pool,
            PageFile file,
            Executor loop,
            VolumeCounters counters,
            Runnable beforeEviction) {
        this.resident = map.resident();
        this.pool = pool;
        this.file = file;
        this.loop = loop;
        this.counters = counters;
        this.beforeEviction = beforeEviction;
    }

    /**
     * Makes the leaf of {@code block} resident and calls back, at once if every page is in the page cache. May evict
     * other pages.
     */
    public void load(long block, Callback callback) {
        while (true) {
            boolean evict = resident.mustEvict();
            if (evict && resident.want(block) != null) {
                beforeEviction.run();
            }
            ResidentPages.Want page = resident.want(block);
            if (page == null) {
                callback.loaded(null);
                return;
            }
            List<Waiter> waiters = loading.get(page.pointer());
            if (waiters != null) {
                waiters.add(new Waiter(block, callback));
                return;
            }
            if (!begin(page, evict, block, callback)) {
                return;
            }
        }
    }

    /** Starts to read one page; true if it is here already. */
    private boolean begin(ResidentPages.Want page, boolean evict, long block, Callback callback) {
        resident.await(page, evict);
        long frame = pool.allocate();
        VolumeCounters.add(counters.mapPagesRead, 1);
        Attempt attempt = new Attempt(page, frame);
        List<Waiter> waiters = new ArrayList<>();
        waiters.add(new Waiter(block, callback));
        loading.put(page.pointer(), waiters);
        file.readAsync(page, frame, loop, attempt::completed);
        return attempt.endTurn();
    }

    /** Makes the leaf of {@code block} resident, waiting for storage; for maps that are on no loop. */
    public static void loadNow(BlockMap map, FramePool pool, PageFile file, long block) {
        ResidentPages resident = map.resident();
        for (ResidentPages.Want page = resident.want(block); page != null; page = resident.want(block)) {
            resident.await(page, resident.mustEvict());
            long frame = pool.allocate();
            try {
                long birth = file.read(page.pointer(), page.check(), page.level(), page.firstBlock(), frame);
                resident.attach(page, birth, frame);
            } finally {
                resident.stopAwaiting(page);
            }
        }
    }

    /** No page arrives in the map after this. */
    public void close() {
        closed = true;
    }

    /** One page being read: tells an answer within the call from one that comes later. */
    private final class Attempt {
        private final ResidentPages.Want page;
        private final long frame;
        private boolean later;
        private boolean here;

        Attempt(ResidentPages.Want page, long frame) {
            this.page = page;
            this.frame = frame;
        }

        /** The starting call is over; true if the page came within it. */
        boolean endTurn() {
            later = true;
            return here;
        }

        void completed(long birth, @Nullable RuntimeException failure) {
            List<Waiter> waiters = loading.remove(page.pointer());
            resident.stopAwaiting(page);
            if (failure != null || closed) {
                pool.release(frame);
            } else {
                resident.attach(page, birth, frame);
            }
            if (!later && failure == null) {
                here = true;
                return;
            }
            for (Waiter waiter : waiters == null ? List.<Waiter>of() : waiters) {
                if (failure != null) {
                    waiter.callback().loaded(failure);
                } else if (!closed) {
                    load(waiter.block(), waiter.callback());
                }
            }
        }
    }
}
