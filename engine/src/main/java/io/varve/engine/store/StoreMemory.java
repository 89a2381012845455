package io.varve.engine.store;

import io.varve.engine.MemoryBudget;
import io.varve.engine.MemoryShare;
import io.varve.engine.MemoryUse;
import io.varve.engine.StoreException;
import io.varve.engine.map.Frame;
import java.util.EnumMap;
import java.util.Map;

/** What the store has of its memory, and whether another volume may be opened. Any thread. */
final class StoreMemory {
    private final MemoryBudget budget;
    private final StoreParts parts;
    private final OpenVolume.Shared shared;

    StoreMemory(MemoryBudget budget, StoreParts parts, OpenVolume.Shared shared) {
        this.budget = budget;
        this.parts = parts;
        this.shared = shared;
    }

    /** What each consumer may have and has; those that are no business of the store are left out. */
    Map<MemoryUse, MemoryShare> shares() {
        Map<MemoryUse, MemoryShare> shares = new EnumMap<>(MemoryUse.class);
        put(shares, MemoryUse.MAP_PAGES, parts.frames().usedFrames() * Frame.BYTES);
        put(shares, MemoryUse.OPEN_VOLUMES, open() * OpenVolume.BUFFER_BYTES);
        put(shares, MemoryUse.PARTIAL_BLOCKS, shared.partialBlocks().usedBytes());
        put(shares, MemoryUse.CONTAINER_INDEXES, parts.segments().indexBytes());
        put(shares, MemoryUse.COMPRESSED_FRAMES, shared.frameMemory().usedBytes());
        put(shares, MemoryUse.UNPACKED_FRAMES, parts.segments().unpackedBytes());
        put(shares, MemoryUse.DIRTY_LOG, shared.dirty().usedBytes());
        return shares;
    }

    private void put(Map<MemoryUse, MemoryShare> shares, MemoryUse use, long used) {
        shares.put(use, new MemoryShare(budget.bytes(use), used));
    }

    private long open() {
        return parts.catalogue().everythingOpen().size();
    }

    /** True if there is no room for one more volume or snapshot that is open. */
    boolean isFullOfVolumes() {
        return (open() + 1) * OpenVolume.BUFFER_BYTES > budget.bytes(MemoryUse.OPEN_VOLUMES);
    }

    /** @throws StoreException OUT_OF_MEMORY if there is none */
    void requireRoomForVolume() {
        if (isFullOfVolumes()) {
            throw new StoreException(
                    StoreException.Kind.OUT_OF_MEMORY,
                    open() + " volumes and snapshots are open, and there is memory for no more: close some,"
                            + " or start the server with more (serve --memory)");
        }
    }
}
