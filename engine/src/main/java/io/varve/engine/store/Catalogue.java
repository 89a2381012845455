package io.varve.engine.store;

import io.varve.engine.SnapshotId;
import io.varve.engine.StoreException;
import io.varve.engine.VolumeId;
import io.varve.engine.map.Floors;
import io.varve.engine.meta.Table;
import io.varve.engine.reclaim.LiveBlocks;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * What exists: volumes, snapshots and who descends from whom. Looked up by any thread, changed by the accountant.
 *
 * <p>The snapshots of a volume form a chain in the order of their numbers; the volume itself, if it still exists, is its
 * end. A volume's chain begins at the snapshot that the volume is a clone of.
 */
final class Catalogue {
    private final Table volumeTable;
    private final Table snapshotTable;
    private final ConcurrentHashMap<VolumeId, VolumeEntry> volumes = new ConcurrentHashMap<>();
    private final ConcurrentHashMap<SnapshotId, SnapshotEntry> snapshots = new ConcurrentHashMap<>();
    /** Every row, deleted volumes whose snapshots remain included. Accountant only. */
    private final Map<Long, VolumeEntry> volumesByNumber = new TreeMap<>();
    /** Every row, snapshots being deleted included. Accountant only. */
    private final TreeMap<Long, SnapshotRow> chains = new TreeMap<>();

    Catalogue(Table volumeTable, Table snapshotTable) {
        this.volumeTable = volumeTable;
        this.snapshotTable = snapshotTable;
        for (int row = snapshotTable.nextUsed(0); row >= 0; row = snapshotTable.nextUsed(row + 1)) {
            SnapshotRow snapshot = new SnapshotRow(snapshotTable, row);
            chains.put(snapshot.number(), snapshot);
        }
        for (int row = volumeTable.nextUsed(0); row >= 0; row = volumeTable.nextUsed(row + 1)) {
            addVolume(new VolumeRow(volumeTable, row));
        }
        for (SnapshotRow row : chains.values()) {
            VolumeEntry volume = volumesByNumber.get(row.volume());
            if (volume == null) {
                throw new StoreException(
                        StoreException.Kind.DAMAGED, "snapshot " + row.id() + " belongs to no volume of the catalogue");
            }
            if (row.isLive()) {
                snapshots.put(row.id(), new SnapshotEntry(row, volume.id));
            }
        }
    }

    // ---- any thread ----

    @Nullable
    VolumeEntry find(VolumeId id) {
        return volumes.get(id);
    }

    @Nullable
    SnapshotEntry find(SnapshotId id) {
        return snapshots.get(id);
    }

    VolumeEntry get(VolumeId id) {
        VolumeEntry entry = volumes.get(id);
        if (entry == null) {
            throw new StoreException(StoreException.Kind.VOLUME_NOT_FOUND, "there is no volume " + id);
        }
        return entry;
    }

    SnapshotEntry get(SnapshotId id) {
        SnapshotEntry entry = snapshots.get(id);
        if (entry == null) {
            throw new StoreException(StoreException.Kind.SNAPSHOT_NOT_FOUND, "there is no snapshot " + id);
        }
        return entry;
    }

    List<VolumeEntry> volumes() {
        List<VolumeEntry> all = new ArrayList<>(volumes.values());
        all.sort(Comparator.comparingLong(entry -> entry.number));
        return all;
    }

    List<SnapshotEntry> snapshots() {
        List<SnapshotEntry> all = new ArrayList<>(snapshots.values());
        all.sort(Comparator.comparingLong(entry -> entry.number));
        return all;
    }

    /** The volumes and snapshots that are open. */
    List<OpenVolume> everythingOpen() {
        List<OpenVolume> open = new ArrayList<>();
        volumes.values().forEach(entry -> addIfOpen(entry.open, open));
        snapshots.values().forEach(entry -> addIfOpen(entry.open, open));
        return open;
    }

    private static void addIfOpen(@Nullable OpenVolume volume, List<OpenVolume> open) {
        if (volume != null) {
            open.add(volume);
        }
    }

    // ---- accountant ----

    VolumeRow newVolumeRow() {
        return new VolumeRow(volumeTable, volumeTable.allocate(VolumeRow.LIVE));
    }

    SnapshotRow newSnapshotRow() {
        return new SnapshotRow(snapshotTable, snapshotTable.allocate(SnapshotRow.LIVE));
    }

    VolumeEntry addVolume(VolumeRow row) {
        Optional<SnapshotId> origin =
                Optional.ofNullable(chains.get(row.origin())).map(SnapshotRow::id);
        VolumeEntry entry = new VolumeEntry(row, origin);
        volumesByNumber.put(entry.number, entry);
        if (row.isLive()) {
            volumes.put(entry.id, entry);
        }
        return entry;
    }

    /** Hides a volume that is being deleted; its row remains while snapshots of it do. */
    void removeVolume(VolumeEntry entry) {
        volumes.remove(entry.id);
        entry.row.markDeleted();
    }

    /** Shows a snapshot that stands in its volume's log. */
    void addSnapshot(SnapshotEntry entry) {
        snapshots.putIfAbsent(entry.id, entry);
    }

    /** A checkpoint has given a snapshot its row. */
    void recordSnapshot(SnapshotRow row, VolumeEntry volume) {
        chains.put(row.number(), row);
        SnapshotEntry entry = snapshots.computeIfAbsent(row.id(), id -> new SnapshotEntry(row, volume.id));
        entry.row = row;
        entry.usedBlocks = row.usedBlocks();
    }

    /** Hides a snapshot that is being deleted. */
    void removeSnapshot(SnapshotEntry entry, SnapshotRow row) {
        snapshots.remove(entry.id);
        row.markDeleting();
    }

    /** Nothing is left of a deleted snapshot. */
    void forget(SnapshotRow row) {
        chains.remove(row.number());
        row.free();
    }

    /** Drops the rows of deleted volumes without snapshots. */
    void forgetEmptyChains() {
        volumesByNumber.values().removeIf(entry -> {
            boolean empty = !entry.row.isLive() && newest(entry.number) == null;
            if (empty) {
                entry.row.free();
            }
            return empty;
        });
    }

    List<VolumeEntry> everyVolume() {
        return new ArrayList<>(volumesByNumber.values());
    }

    List<SnapshotRow> snapshotsBeingDeleted() {
        return chains.values().stream().filter(row -> !row.isLive()).toList();
    }

    @Nullable
    VolumeEntry volume(long number) {
        return volumesByNumber.get(number);
    }

    /** The snapshots of a volume with a floor above {@code floorAddress}, being deleted or not. */
    List<SnapshotRow> snapshotsTakenAfter(long volumeNumber, long floorAddress) {
        return chains.values().stream()
                .filter(row -> row.volume() == volumeNumber && row.floorAddress() > floorAddress)
                .toList();
    }

    /** Volumes that are clones of the snapshot, deleted ones with snapshots included. */
    List<VolumeEntry> clonesOf(SnapshotRow snapshot) {
        return volumesByNumber.values().stream()
                .filter(entry -> entry.row.origin() == snapshot.number())
                .toList();
    }

    void setUsedBlocks(SnapshotRow row, long blocks) {
        row.setUsedBlocks(blocks);
        SnapshotEntry entry = snapshots.get(row.id());
        if (entry != null) {
            entry.usedBlocks = blocks;
        }
    }

    /** The snapshot with this number, being deleted or not; null if there is none, or it has no row yet. */
    @Nullable
    SnapshotRow snapshot(long number) {
        return chains.get(number);
    }

    /** True while a volume, or a deleted one with snapshots, is a clone of the snapshot. */
    boolean hasClones(SnapshotRow snapshot) {
        return volumesByNumber.values().stream().anyMatch(entry -> entry.row.origin() == snapshot.number());
    }

    /** The newest snapshot of a volume, being deleted or not. */
    @Nullable
    SnapshotRow newest(long volumeNumber) {
        return before(Long.MAX_VALUE, volumeNumber);
    }

    /** The snapshot of the same volume that was taken before. */
    @Nullable
    SnapshotRow previous(SnapshotRow snapshot) {
        return before(snapshot.number(), snapshot.volume());
    }

    private @Nullable SnapshotRow before(long number, long volumeNumber) {
        for (SnapshotRow row : chains.headMap(number, false).descendingMap().values()) {
            if (row.volume() == volumeNumber) {
                return row;
            }
        }
        return null;
    }

    /** The snapshot of the same volume that was taken next. */
    @Nullable
    SnapshotRow next(SnapshotRow snapshot) {
        for (SnapshotRow row : chains.tailMap(snapshot.number(), false).values()) {
            if (row.volume() == snapshot.volume()) {
                return row;
            }
        }
        return null;
    }

    /** The row of a snapshot that is there or being deleted. */
    @Nullable
    SnapshotRow snapshotRow(long number) {
        return chains.get(number);
    }

    /** The numbers of the volumes that are clones of the snapshot, deleted ones with snapshots included. */
    List<Long> clones(SnapshotRow snapshot) {
        return volumesByNumber.values().stream()
                .filter(entry -> entry.row.origin() == snapshot.number())
                .map(entry -> entry.number)
                .toList();
    }

    /** The trees of the snapshot's volume that were taken after it, oldest first. */
    List<LiveBlocks.Tree> treesAfter(SnapshotRow snapshot) {
        List<LiveBlocks.Tree> trees = trees(snapshot.volume());
        return trees.stream()
                .filter(tree -> tree.floorAddress() > snapshot.floorAddress())
                .toList();
    }

    /** The trees that are kept of a volume, oldest first, its own last if it still exists. */
    List<LiveBlocks.Tree> trees(long volumeNumber) {
        List<LiveBlocks.Tree> trees = new ArrayList<>();
        for (SnapshotRow row : chains.values()) {
            if (row.volume() == volumeNumber) {
                trees.add(new LiveBlocks.Tree(row.root(), row.floorAddress(), row.deletedUpTo()));
            }
        }
        VolumeEntry volume = volumesByNumber.get(volumeNumber);
        if (volume != null && volume.row.isLive()) {
            trees.add(new LiveBlocks.Tree(volume.row.root(), Long.MAX_VALUE, 0));
        }
        return trees;
    }

    /** What the snapshot before {@code snapshot}, or its volume's origin, needs. */
    Floors floorsBelow(SnapshotRow snapshot) {
        SnapshotRow previous = previous(snapshot);
        return previous == null ? base(snapshot.volume()) : Floors.of(previous.floorAddress(), previous.birth());
    }

    private Floors base(long volumeNumber) {
        VolumeEntry volume = volumesByNumber.get(volumeNumber);
        return volume == null ? Floors.NONE : Floors.of(volume.row.baseAddress(), volume.row.baseBirth());
    }

    /** What of a volume's tree its snapshots and its origin need, if its newest snapshot is deleted up to a block. */
    Floors floors(long volumeNumber, long deletedUpTo) {
        SnapshotRow newest = newest(volumeNumber);
        if (newest == null) {
            return base(volumeNumber);
        }
        Floors below = floorsBelow(newest);
        return new Floors(newest.floorAddress(), newest.birth(), deletedUpTo, below.address(), below.birth());
    }

    /** What of a volume's tree its snapshots and its origin need now. */
    Floors floors(long volumeNumber) {
        SnapshotRow newest = newest(volumeNumber);
        return floors(volumeNumber, newest == null ? 0 : newest.deletedUpTo());
    }
}
