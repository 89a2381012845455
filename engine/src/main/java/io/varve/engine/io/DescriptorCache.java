package io.varve.engine.io;

import java.util.Iterator;
import java.util.LinkedHashSet;

/**
 * Bounds the descriptors that a store holds open. Files are let go by the clock rule, the usual stand-in for
 * least-recently-used that costs a reader one flag: a file that was used since it was last looked at stays.
 *
 * <p>Only a file with no users is let go, and one with unsynced writes is synced before: an error of its write-back
 * would else be forgotten together with the descriptor. Files that were synced go first. When every file is in use the
 * bound yields, by no more than the number of threads.
 *
 * <p>Thread-safe. Its monitor is taken to open and close descriptors, never to use one, and by whoever changes names
 * or opens by name.
 */
final class DescriptorCache {
    private final int limit;
    private final LinkedHashSet<CachedDescriptor> open = new LinkedHashSet<>();

    DescriptorCache(int limit) {
        this.limit = limit;
    }

    /** Opens the descriptor of {@code file} if it has none. */
    synchronized void open(CachedDescriptor file) {
        if (file.isOpen()) {
            return;
        }
        if (open.size() >= limit && !letOneGo(false)) {
            letOneGo(true);
        }
        file.open();
        open.add(file);
    }

    /** Closes {@code file} for good, now or when its last user leaves. */
    synchronized void close(CachedDescriptor file) {
        if (file.close()) {
            open.remove(file);
        }
    }

    synchronized int size() {
        return open.size();
    }

    private boolean letOneGo(boolean syncIt) {
        // Twice around: the first time may only find and clear the flags of files that were used lately.
        for (int looked = 2 * open.size(); looked > 0; looked--) {
            Iterator<CachedDescriptor> oldest = open.iterator();
            CachedDescriptor file = oldest.next();
            oldest.remove();
            if (file.evict(syncIt)) {
                return true;
            }
            open.add(file);
        }
        return false;
    }
}
