package io.varve.engine.store;

import io.varve.engine.Completion;
import io.varve.engine.ExtentSource;
import io.varve.engine.Extents;
import io.varve.engine.map.BlockMap;
import io.varve.engine.map.DiffWalk;
import io.varve.engine.map.Floors;
import io.varve.engine.map.FramePool;
import io.varve.engine.map.MapLoader;
import io.varve.engine.map.PageFile;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;

/**
 * The older trees that open volumes are compared with, each brought in once for a volume however many ask, on that
 * volume's loop. Used by the accountant.
 */
final class Baselines {
    /** Pages of an older tree that stay in memory between questions. */
    private static final int KEPT_PAGES = 256;

    private final FramePool frames;
    private final PageFile pages;
    private final Consumer<Runnable> accountant;
    private final Map<Key, Baseline> open = new HashMap<>();

    private record Key(long volumeNumber, long snapshotNumber) {}

    /** @param accountant runs tasks of the accountant */
    Baselines(FramePool frames, PageFile pages, Consumer<Runnable> accountant) {
        this.frames = frames;
        this.pages = pages;
        this.accountant = accountant;
    }

    /** What was changed in a volume since a snapshot, which is in use from now on. */
    ExtentSource open(OpenVolume volume, SnapshotEntry snapshot, SnapshotRow row) {
        Key key = new Key(volume.key().number(), snapshot.number);
        Baseline baseline = open.computeIfAbsent(key, absent -> new Baseline(absent, volume, row));
        baseline.holders++;
        snapshot.holders.incrementAndGet();
        return new Handle(baseline, snapshot);
    }

    private void release(Baseline baseline, SnapshotEntry snapshot) {
        snapshot.holders.decrementAndGet();
        baseline.holders--;
        if (baseline.holders == 0) {
            open.remove(baseline.key);
            baseline.volume.loop().execute(baseline::close);
        }
    }

    /** One holder's share of a baseline. */
    private final class Handle implements ExtentSource {
        private final Baseline baseline;
        private final SnapshotEntry snapshot;

        Handle(Baseline baseline, SnapshotEntry snapshot) {
            this.baseline = baseline;
            this.snapshot = snapshot;
        }

        @Override
        public void query(long offset, long length, int maxExtents, Extents into, Completion completion) {
            baseline.query(offset, length, maxExtents, into, completion);
        }

        @Override
        public void release() {
            accountant.accept(() -> Baselines.this.release(baseline, snapshot));
        }
    }

    /** An older tree, on the loop of the volume that is compared with it. */
    private final class Baseline {
        final Key key;
        final OpenVolume volume;
        private final BlockMap map;
        private final MapLoader loader;
        /** Accountant only. */
        int holders;

        Baseline(Key key, OpenVolume volume, SnapshotRow row) {
            this.key = key;
            this.volume = volume;
            map = new BlockMap(frames, row.root(), row.birth() + 1, Floors.NONE);
            loader = new MapLoader(map, frames, pages, volume.loop(), volume.counters(), () -> {});
        }

        void query(long offset, long length, int maxExtents, Extents into, Completion completion) {
            DiffWalk walk = new DiffWalk(volume.map(), volume.loader(), map, loader);
            volume.query(walk, offset, length, maxExtents, into, status -> {
                int surplus = map.cleanPages() - KEPT_PAGES;
                if (surplus > 0) {
                    map.evict(surplus);
                }
                completion.completed(status);
            });
        }

        void close() {
            loader.close();
            map.close();
        }
    }
}
