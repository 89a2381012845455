package io.varve.engine.store;

import io.varve.engine.EngineThreads;
import io.varve.engine.MemoryUse;
import io.varve.engine.StoreException;
import io.varve.engine.StoreOptions;
import io.varve.engine.io.Disk;
import io.varve.engine.io.DiskFile;
import io.varve.engine.log.SegmentStore;
import io.varve.engine.map.FramePool;
import io.varve.engine.map.MapWriter;
import io.varve.engine.map.PageFile;
import io.varve.engine.meta.PageSpace;
import io.varve.engine.meta.Superblock;
import io.varve.engine.meta.TableSpec;
import io.varve.engine.reclaim.SubtreeTable;
import java.util.List;
import java.util.UUID;

/** Opens or creates what a store is made of on disk, and recovers it. Accountant only. */
final class StoreOpening {
    static final String MAP_FILE = "map";
    static final TableSpec[] TABLES = {
        VolumeRow.SPEC, SegmentStore.TABLE, SnapshotRow.SPEC, SubtreeTable.TABLE, PageSpace.TABLE
    };
    /** Names that a directory may hold and still be taken for an empty one. */
    private static final List<String> IGNORED = List.of("lock", "lost+found", "control.db");

    private StoreOpening() {}

    static StoreAccountant open(Disk disk, StoreOptions options, EngineThreads threads) {
        lock(disk);
        if (!Superblock.exists(disk)) {
            create(disk);
        }
        Superblock superblock = Superblock.open(disk, TABLES);
        if (!disk.exists(MAP_FILE)) {
            superblock.close();
            throw new StoreException(
                    StoreException.Kind.DAMAGED, "the file \"map\", which says where everything is, is missing");
        }
        DiskFile mapFile = disk.open(MAP_FILE, Disk.Mode.EXISTING);
        PageSpace space = PageSpace.open(superblock, mapFile);
        SegmentStore segments = new SegmentStore(
                disk, superblock.table(SegmentStore.TABLE), Checkpointer.nextSegmentId(superblock), options.memory());
        superblock.forgetPrevious();
        FramePool frames = new FramePool(options.memory().bytes(MemoryUse.MAP_PAGES));
        StoreParts parts = new StoreParts(
                superblock,
                new Catalogue(superblock.table(VolumeRow.SPEC), superblock.table(SnapshotRow.SPEC)),
                segments,
                space,
                mapFile,
                frames,
                new PageFile(mapFile),
                new MapWriter(mapFile, space, frames),
                Ballast.open(disk, options));
        StoreAccountant accountant =
                new StoreAccountant(disk, parts, superblock.table(SubtreeTable.TABLE), options, threads);
        accountant.start();
        return accountant;
    }

    /** Keeps other processes out, or is kept out by one. */
    static void lock(Disk disk) {
        if (!disk.tryLock()) {
            throw new StoreException(
                    StoreException.Kind.LOCKED, "another process has this data directory open (its file \"lock\")");
        }
    }

    /** A store whose superblocks are gone is no empty directory: its data may be somebody's only copy. */
    private static void requireNoTraces(Disk disk) {
        boolean segments = disk.exists(SegmentStore.DIRECTORY)
                && !disk.list(SegmentStore.DIRECTORY).isEmpty();
        boolean pages = false;
        if (disk.exists(MAP_FILE)) {
            try (DiskFile map = disk.open(MAP_FILE, Disk.Mode.EXISTING)) {
                pages = map.sizeBytes() > 0;
            }
        }
        if (segments || pages) {
            throw new StoreException(
                    StoreException.Kind.DAMAGED, "both superblocks are missing, and there is a store's data");
        }
    }

    /** Lays out an empty store. The superblock comes last: without it, this is done again. */
    private static void create(Disk disk) {
        for (String name : disk.list("")) {
            boolean ours =
                    name.equals(MAP_FILE) || name.startsWith("superblock-") || name.equals(SegmentStore.DIRECTORY);
            boolean harmless = IGNORED.stream().anyMatch(name::startsWith);
            if (!ours && !harmless) {
                throw new StoreException(
                        StoreException.Kind.DAMAGED,
                        "this directory holds no store, and is not empty: there is \"" + name + "\" in it");
            }
        }
        requireNoTraces(disk);
        disk.createDirectory(SegmentStore.DIRECTORY);
        if (!disk.exists(MAP_FILE)) {
            try (DiskFile map = disk.open(MAP_FILE, Disk.Mode.CREATE)) {
                map.allocate(0, PageSpace.FIRST_BYTES);
                map.sync();
            }
        }
        disk.syncDirectory("");
        Superblock.create(disk, UUID.randomUUID(), TABLES).close();
    }
}
