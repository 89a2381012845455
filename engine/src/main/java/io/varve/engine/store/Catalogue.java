package io.varve.engine.store;

import io.varve.engine.SnapshotId;
import io.varve.engine.StoreException;
import io.varve.engine.VolumeId;
import io.varve.engine.VolumeStatus;
import io.varve.engine.map.Floors;
import io.varve.engine.meta.Table;
import io.varve.engine.reclaim.LiveBlocks;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.atomic.AtomicInteger;
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
    private final Set<VolumeEntry> openVolumes = new ConcurrentSkipListSet<>(VolumeEntry.OLDEST_FIRST);
    private final Set<SnapshotEntry> openSnapshots =
            new ConcurrentSkipListSet<>(Comparator.comparingLong(entry -> entry.number));
    /** How many snapshots stand in the log of their volume and have no row yet. */
    private final AtomicInteger inLogOnly = new AtomicInteger();

    private final SnapshotGroups groups = new SnapshotGroups();

    // What follows is the accountant's only. What is asked for often is kept, so that no answer looks at everything.

    /** Every row, deleted volumes whose snapshots remain included. */
    private final TreeMap<Long, VolumeEntry> volumesByNumber = new TreeMap<>();
    /** Every row, snapshots being deleted included; each is in the {@link VolumeEntry#chain} of its volume too. */
    private final Map<Long, SnapshotRow> rows = new HashMap<>();

    private final TreeMap<Long, SnapshotRow> beingDeleted = new TreeMap<>();
    /** By the number of their origin. */
    private final Map<Long, Set<VolumeEntry>> clones = new HashMap<>();
    /** Deleted volumes that may have lost their last snapshot. */
    private final Set<VolumeEntry> perhapsEmpty = new LinkedHashSet<>();

    Catalogue(Table volumeTable, Table snapshotTable) {
        this.volumeTable = volumeTable;
        this.snapshotTable = snapshotTable;
        for (int row = snapshotTable.nextUsed(0); row >= 0; row = snapshotTable.nextUsed(row + 1)) {
            SnapshotRow snapshot = new SnapshotRow(snapshotTable, row);
            rows.put(snapshot.number(), snapshot);
        }
        for (int row = volumeTable.nextUsed(0); row >= 0; row = volumeTable.nextUsed(row + 1)) {
            addVolume(new VolumeRow(volumeTable, row));
        }
        for (SnapshotRow row : rows.values()) {
            VolumeEntry volume = volumesByNumber.get(row.volume());
            if (volume == null) {
                throw new StoreException(
                        StoreException.Kind.DAMAGED, "snapshot " + row.id() + " belongs to no volume of the catalogue");
            }
            volume.chain.put(row.number(), row);
            if (!row.isLive()) {
                beingDeleted.put(row.number(), row);
            } else if (row.groupMembers() > 1) {
                groups.add(row);
            } else {
                show(row);
            }
        }
        groups.complete().forEach(members -> members.forEach(this::show));
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
        all.sort(VolumeEntry.OLDEST_FIRST);
        return all;
    }

    List<SnapshotEntry> snapshots() {
        List<SnapshotEntry> all = new ArrayList<>(snapshots.values());
        all.sort(Comparator.comparingLong(entry -> entry.number));
        return all;
    }

    /** The volumes that are open, held by somebody or not, oldest first. */
    Collection<VolumeEntry> openVolumes() {
        return openVolumes;
    }

    /** The volumes and snapshots that are open. */
    List<OpenVolume> everythingOpen() {
        List<OpenVolume> open = new ArrayList<>();
        openVolumes.forEach(entry -> addIfOpen(entry.open, open));
        openSnapshots.forEach(entry -> addIfOpen(entry.open, open));
        return open;
    }

    private static void addIfOpen(@Nullable OpenVolume volume, List<OpenVolume> open) {
        if (volume != null) {
            open.add(volume);
        }
    }

    /** True while some snapshot stands only in the log of its volume. */
    boolean hasSnapshotsInLogOnly() {
        return inLogOnly.get() > 0;
    }

    // ---- accountant ----

    void opened(VolumeEntry entry, OpenVolume volume) {
        entry.open = volume;
        openVolumes.add(entry);
    }

    void closed(VolumeEntry entry) {
        openVolumes.remove(entry);
        entry.open = null;
    }

    void opened(SnapshotEntry entry, OpenVolume snapshot) {
        entry.open = snapshot;
        openSnapshots.add(entry);
    }

    void closed(SnapshotEntry entry) {
        openSnapshots.remove(entry);
        entry.open = null;
    }

    VolumeRow newVolumeRow() {
        return new VolumeRow(volumeTable, volumeTable.allocate(VolumeRow.LIVE));
    }

    SnapshotRow newSnapshotRow() {
        return new SnapshotRow(snapshotTable, snapshotTable.allocate(SnapshotRow.LIVE));
    }

    VolumeEntry addVolume(VolumeRow row) {
        Optional<SnapshotId> origin =
                Optional.ofNullable(rows.get(row.origin())).map(SnapshotRow::id);
        VolumeEntry entry = new VolumeEntry(row, origin);
        volumesByNumber.put(entry.number, entry);
        if (row.origin() != 0) {
            clones.computeIfAbsent(row.origin(), number -> new LinkedHashSet<>())
                    .add(entry);
        }
        if (row.isLive()) {
            volumes.put(entry.id, entry);
        } else {
            perhapsEmpty.add(entry);
        }
        return entry;
    }

    /** Hides a volume that is being deleted; its row remains while snapshots of it do. */
    void removeVolume(VolumeEntry entry) {
        volumes.remove(entry.id);
        entry.row.markDeleted();
        perhapsEmpty.add(entry);
    }

    /** Shows a snapshot that stands in its volume's log. */
    void addSnapshot(SnapshotEntry entry, VolumeEntry volume) {
        if (snapshots.putIfAbsent(entry.id, entry) == null) {
            volume.snapshotsInLogOnly.incrementAndGet();
            inLogOnly.incrementAndGet();
        }
    }

    /** Shows the snapshots of a group, all of which are durable: in logs, or by now in rows. Any thread. */
    void addGroup(long group, Map<SnapshotEntry, VolumeEntry> members) {
        synchronized (groups) {
            members.forEach(this::addSnapshot);
            groups.members(group).forEach(this::show);
            groups.ended(group);
        }
    }

    /** A checkpoint has given a snapshot its row. One of a group is shown when all of the group are there. */
    void recordSnapshot(SnapshotRow row, VolumeEntry volume) {
        rows.put(row.number(), row);
        volume.chain.put(row.number(), row);
        synchronized (groups) {
            boolean grouped = row.groupMembers() > 1;
            if (grouped) {
                groups.add(row);
            }
            if (!grouped || snapshots.containsKey(row.id())) {
                show(row);
            } else if (groups.isComplete(row.group())) {
                groups.members(row.group()).forEach(this::show);
            }
        }
    }

    private void show(SnapshotRow row) {
        VolumeEntry volume = Objects.requireNonNull(volumesByNumber.get(row.volume()));
        SnapshotEntry entry = snapshots.computeIfAbsent(row.id(), id -> new SnapshotEntry(row, volume.id));
        if (entry.row == null) {
            volume.snapshotsInLogOnly.decrementAndGet();
            inLogOnly.decrementAndGet();
        }
        entry.row = row;
        entry.usedBlocks = row.usedBlocks();
    }

    /** Snapshots of several volumes are about to be taken together. Any thread. */
    void beginGroup(long group) {
        synchronized (groups) {
            groups.began(group);
        }
    }

    /** Takes back what there is of a group that did not come about. */
    void dropGroup(long group) {
        synchronized (groups) {
            groups.members(group).forEach(this::drop);
            groups.forget(group);
            groups.ended(group);
        }
    }

    private void drop(SnapshotRow row) {
        row.leaveGroup();
        snapshots.remove(row.id());
        row.markDeleting();
        beingDeleted.put(row.number(), row);
    }

    /**
     * Takes back groups that a crash cut in the middle. Where the rest of a group may be in a log that cannot be replayed
     * or was damaged, what there is of it stays.
     *
     * @return true if there was such a group
     */
    boolean settleGroups() {
        synchronized (groups) {
            List<List<SnapshotRow>> incomplete = groups.incomplete();
            boolean unsure = !incomplete.isEmpty() && volumes.values().stream().anyMatch(Catalogue::mayHoldMore);
            for (List<SnapshotRow> members : incomplete) {
                if (unsure) {
                    members.forEach(this::show);
                } else if (members.stream().noneMatch(row -> snapshots.containsKey(row.id()))) {
                    long group = members.get(0).group();
                    members.forEach(this::drop);
                    groups.forget(group);
                }
            }
            return !incomplete.isEmpty();
        }
    }

    private static boolean mayHoldMore(VolumeEntry volume) {
        boolean notReplayed = volume.row.isOpenForWriting() || volume.status.health() == VolumeStatus.Health.FAILED;
        return volume.row.isDamaged() || (notReplayed && volume.open == null);
    }

    /**
     * Makes what was a group snapshots of their own, because one of them goes.
     *
     * @return false if one of them has no row yet
     */
    boolean dissolveGroup(SnapshotRow row) {
        synchronized (groups) {
            long group = row.group();
            if (row.groupMembers() > 1) {
                if (!groups.isComplete(group)) {
                    return false;
                }
                groups.members(group).forEach(SnapshotRow::leaveGroup);
                groups.forget(group);
            }
            return true;
        }
    }

    /** Hides a snapshot that is being deleted. */
    void removeSnapshot(SnapshotEntry entry, SnapshotRow row) {
        snapshots.remove(entry.id);
        row.markDeleting();
        beingDeleted.put(row.number(), row);
    }

    /** Nothing is left of a deleted snapshot. */
    void forget(SnapshotRow row) {
        rows.remove(row.number());
        beingDeleted.remove(row.number());
        VolumeEntry volume = volumesByNumber.get(row.volume());
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
                volumesByNumber.remove(entry.number);
                Set<VolumeEntry> siblings = clones.get(entry.row.origin());
                if (siblings != null && siblings.remove(entry) && siblings.isEmpty()) {
                    clones.remove(entry.row.origin());
                }
                entry.row.free();
            }
        }
        perhapsEmpty.clear();
    }

    List<VolumeEntry> everyVolume() {
        return new ArrayList<>(volumesByNumber.values());
    }

    /** In the order in which they were taken. */
    List<SnapshotRow> snapshotsBeingDeleted() {
        return new ArrayList<>(beingDeleted.values());
    }

    @Nullable
    VolumeEntry volume(long number) {
        return volumesByNumber.get(number);
    }

    /** The volume with the next larger number, deleted ones with snapshots included; null if there is none. */
    @Nullable
    VolumeEntry volumeAfter(long number) {
        Map.Entry<Long, VolumeEntry> next = volumesByNumber.higherEntry(number);
        return next == null ? null : next.getValue();
    }

    private NavigableMap<Long, SnapshotRow> chain(long volumeNumber) {
        VolumeEntry volume = volumesByNumber.get(volumeNumber);
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
        return rows.get(number);
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
