package io.varve.nbd;

import io.varve.engine.Completion;
import io.varve.engine.ExtentSource;
import io.varve.engine.Extents;
import io.varve.engine.StoreException;
import io.varve.engine.Volume;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;

/** The past of a volume in memory: what it held when it was remembered. */
final class MemoryHistory implements History {
    private final MemoryVolume volume;
    private final Map<String, byte[]> past = Collections.synchronizedMap(new LinkedHashMap<>());
    /** Sources that were opened and not released. */
    final AtomicInteger openSources = new AtomicInteger();

    MemoryHistory(MemoryVolume volume) {
        this.volume = volume;
    }

    /** Takes a snapshot. */
    void remember(String snapshot) {
        past.put(snapshot, volume.content());
    }

    void forget(String snapshot) {
        past.remove(snapshot);
    }

    @Override
    public CompletableFuture<List<String>> snapshots() {
        List<String> ids = new ArrayList<>(past.keySet());
        Collections.reverse(ids);
        return CompletableFuture.completedFuture(ids);
    }

    @Override
    public CompletableFuture<ExtentSource> changedSince(Volume opened, String snapshot) {
        byte[] then = past.get(snapshot);
        if (then == null) {
            return CompletableFuture.failedFuture(
                    new StoreException(StoreException.Kind.SNAPSHOT_NOT_FOUND, "there is no snapshot " + snapshot));
        }
        byte[] now = volume.content();
        return CompletableFuture.completedFuture(new Source(block -> same(now, then, block) ? 0 : 1));
    }

    @Override
    public CompletableFuture<ExtentSource> allocationDepth(Volume opened) {
        byte[] now = volume.content();
        byte[] nothing = new byte[now.length];
        return CompletableFuture.completedFuture(new Source(block -> same(now, nothing, block) ? 0 : 1));
    }

    private static boolean same(byte[] one, byte[] other, int block) {
        int from = block * 4096;
        return java.util.Arrays.equals(one, from, from + 4096, other, from, from + 4096);
    }

    private interface BlockValue {
        int of(int block);
    }

    private final class Source implements ExtentSource {
        private final BlockValue value;

        Source(BlockValue value) {
            this.value = value;
            openSources.incrementAndGet();
        }

        @Override
        public void query(long offset, long length, int maxExtents, Extents into, Completion completion) {
            volume.ask(offset, length, into, completion, () -> {
                long at = offset;
                while (at < offset + length) {
                    long end = Math.min(offset + length, (at / 4096 + 1) * 4096);
                    int state = value.of((int) (at / 4096));
                    if (into.size() == maxExtents && !into.continues(state)) {
                        return;
                    }
                    into.add(end - at, state);
                    at = end;
                }
            });
        }

        @Override
        public void release() {
            openSources.decrementAndGet();
        }
    }
}
