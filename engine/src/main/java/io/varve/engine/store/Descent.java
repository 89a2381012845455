package io.varve.engine.store;

import io.varve.engine.SnapshotId;
import io.varve.engine.StoreException;
import io.varve.engine.map.Floors;
import io.varve.engine.meta.Table;
import io.varve.engine.reclaim.LiveBlocks;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Who descends from whom: the rows of volumes and snapshots, deleted ones included as long as somebody needs them. What
 * is asked for often is kept, so that no answer looks at everything. Accountant only.
 *
 * <p>The snapshots of a volume form a chain in the order of their numbers; the volume itself, if it still exists, is
 * its end. A volume's chain begins at the snapshot that the volume is a clone of.
 */
final class Descent {
    /** Every row, deleted volumes whose snapshots remain included. */
    private final TreeMap<Long, VolumeEntry> volumes = new TreeMap<>();
    /** Every row, snapshots being deleted included; each is in the {@link VolumeEntry#chain} of its volume too. */
    private final Map<Long, SnapshotRow> snapshots = new HashMap<>();

    private final TreeMap<Long, SnapshotRow> beingDeleted = new TreeMap<>();
    /** By the number of their origin. */
    private final Map<Long, Set<VolumeEntry>> clones = new HashMap<>();
    /** Deleted volumes that may have lost their last snapshot. */
    private final Set<VolumeEntry> perhapsEmpty = new LinkedHashSet<>();

    Descent(Table volumeTable, Table snapshotTable) {
        for (int row = snapshotTable.nextUsed(0); row >= 0; row = snapshotTable.nextUsed(row + 1)) {
            SnapshotRow snapshot = new SnapshotRow(snapshotTable, row);
            snapshots.put(snapshot.number(), snapshot);
        }
        for (int row = volumeTable.nextUsed(0); row >= 0; row = volumeTable.nextUsed(row + 1)) {
            add(new VolumeRow(volumeTable, row));
        }
        for (SnapshotRow row : snapshots.values()) {
            VolumeEntry volume = volumes.get(row.volume());
            if (volume == null) {
                throw new StoreException(
                        StoreException.Kind.DAMAGED, "snapshot " + row.id() + " belongs to no volume of the catalogue");
            }
            volume.chain.put(row.number(), row);
            if (!row.isLive()) {
                beingDeleted.put(row.number(), row);
            }
        }
    }

    // ---- change ----

    VolumeEntry add(VolumeRow row) {
        Optional<SnapshotId> origin =
                Optional.ofNullable(snapshots.get(row.origin())).map(SnapshotRow::id);
        VolumeEntry entry = new VolumeEntry(row, origin);
        volumes.put(entry.number, entry);
        if (row.origin() != 0) {
            clones.computeIfAbsent(row.origin(), number -> new LinkedHashSet<>())
                    .add(entry);
        }
        if (!row.isLive()) {
            perhapsEmpty.add(entry);
        }
        return entry;
    }

    /** A checkpoint has given a snapshot its row. */
    void add(SnapshotRow row, VolumeEntry volume) {
        snapshots.put(row.number(), row);
        volume.chain.put(row.number(), row);
    }

    /** The volume is being deleted; its row remains while snapshots of it do. */
    void delete(VolumeEntry entry) {
        entry.row.markDeleted();
        perhapsEmpty.add(entry);
    }

    /** The snapshot is being deleted; its row remains until nothing is left of it. */
    void delete(SnapshotRow row) {
        row.markDeleting();
        beingDeleted.put(row.number(), row);
    }

    /** Nothing is left of a deleted snapshot. */
    void forget(SnapshotRow row) {
        snapshots.remove(row.number());
        beingDeleted.remove(row.number());
        VolumeEntry volume = volumes.get(row.volume());
        if (volume != null) {
            volume.chain.remove(row.number());
            if (!volume.row.isLive()) {
                perhapsEmpty.add(volume);
            }
        }
        row.free();
    }

    /** Drops the rows of deleted volumes without snapshots. */
    void forgetEmptyChains() {
        for (VolumeEntry entry : perhapsEmpty) {
            if (!entry.row.isLive() && entry.chain.isEmpty()) {
                volumes.remove(entry.number);
                Set<VolumeEntry> siblings = clones.get(entry.row.origin());
                if (siblings != null && siblings.remove(entry) && siblings.isEmpty()) {
                    clones.remove(entry.row.origin());
                }
                entry.row.free();
            }
        }
        perhapsEmpty.clear();
    }

    // ---- questions ----

    List<VolumeEntry> everyVolume() {
        return new ArrayList<>(volumes.values());
    }

    /** Every row of a snapshot, in no order. */
    List<SnapshotRow> everySnapshot() {
        return new ArrayList<>(snapshots.values());
    }

    /** In the order in which they were taken. */
    List<SnapshotRow> snapshotsBeingDeleted() {
        return new ArrayList<>(beingDeleted.values());
    }

    @Nullable
    VolumeEntry volume(long number) {
        return volumes.get(number);
    }

    /** The volume with the next larger number, deleted ones with snapshots included; null if there is none. */
    @Nullable
    VolumeEntry volumeAfter(long number) {
        Map.Entry<Long, VolumeEntry> next = volumes.higherEntry(number);
        return next == null ? null : next.getValue();
    }

    private NavigableMap<Long, SnapshotRow> chain(long volumeNumber) {
        VolumeEntry volume = volumes.get(volumeNumber);
        return volume == null ? Collections.emptyNavigableMap() : volume.chain;
    }

    /** The snapshots of a volume with a floor above {@code floorAddress}, being deleted or not, newest first. */
    List<SnapshotRow> snapshotsTakenAfter(long volumeNumber, long floorAddress) {
        List<SnapshotRow> after = new ArrayList<>();
        for (SnapshotRow row : chain(volumeNumber).descendingMap().values()) {
            if (row.floorAddress() <= floorAddress) {
                break;
            }
            after.add(row);
        }
        return after;
    }

    /** Volumes that are clones of the snapshot, deleted ones with snapshots included. */
    List<VolumeEntry> clonesOf(SnapshotRow snapshot) {
        return new ArrayList<>(clones.getOrDefault(snapshot.number(), Set.of()));
    }

    /** The snapshot with this number, being deleted or not; null if there is none, or it has no row yet. */
    @Nullable
    SnapshotRow snapshot(long number) {
        return snapshots.get(number);
    }

    /** True while a volume, or a deleted one with snapshots, is a clone of the snapshot. */
    boolean hasClones(SnapshotRow snapshot) {
        return clones.containsKey(snapshot.number());
    }

    /** The newest snapshot of a volume, being deleted or not. */
    @Nullable
    SnapshotRow newest(long volumeNumber) {
        return rowOf(chain(volumeNumber).lastEntry());
    }

    /** The snapshot of the same volume that was taken before. */
    @Nullable
    SnapshotRow previous(SnapshotRow snapshot) {
        return rowOf(chain(snapshot.volume()).lowerEntry(snapshot.number()));
    }

    /** The snapshot of the same volume that was taken next. */
    @Nullable
    SnapshotRow next(SnapshotRow snapshot) {
        return rowOf(chain(snapshot.volume()).higherEntry(snapshot.number()));
    }

    private static @Nullable SnapshotRow rowOf(Map.@Nullable Entry<Long, SnapshotRow> entry) {
        return entry == null ? null : entry.getValue();
    }

    /** The trees of the snapshot's volume that were taken after it, oldest first. */
    List<LiveBlocks.Tree> treesAfter(SnapshotRow snapshot) {
        return trees(
                snapshot.volume(),
                chain(snapshot.volume()).tailMap(snapshot.number(), false).values());
    }

    /** The trees that are kept of a volume, oldest first, its own last if it still exists. */
    List<LiveBlocks.Tree> trees(long volumeNumber) {
        return trees(volumeNumber, chain(volumeNumber).values());
    }

    private List<LiveBlocks.Tree> trees(long volumeNumber, Collection<SnapshotRow> snapshotRows) {
        List<LiveBlocks.Tree> trees = new ArrayList<>();
        for (SnapshotRow row : snapshotRows) {
            trees.add(new LiveBlocks.Tree(row.root(), row.floorAddress(), row.deletedUpTo()));
        }
        VolumeEntry volume = volumes.get(volumeNumber);
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
        VolumeEntry volume = volumes.get(volumeNumber);
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
