package io.varve.engine.store;

import io.varve.engine.SnapshotId;
import io.varve.engine.StoreException;
import io.varve.engine.VolumeId;
import io.varve.engine.VolumeStatus;
import io.varve.engine.meta.Table;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The volumes and snapshots that there are, by their ids, and which of them are open. Looked up by any thread, changed
 * by the accountant, but for snapshots that were just taken.
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

    private final Descent descent;

    Catalogue(Table volumeTable, Table snapshotTable) {
        this.volumeTable = volumeTable;
        this.snapshotTable = snapshotTable;
        descent = new Descent(volumeTable, snapshotTable);
        for (VolumeEntry entry : descent.everyVolume()) {
            if (entry.row.isLive()) {
                volumes.put(entry.id, entry);
            }
        }
        for (SnapshotRow row : descent.everySnapshot()) {
            if (row.isLive() && row.groupMembers() > 1) {
                groups.add(row);
            } else if (row.isLive()) {
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

    /** Who descends from whom. Accountant only. */
    Descent descent() {
        return descent;
    }

    VolumeEntry addVolume(VolumeRow row) {
        VolumeEntry entry = descent.add(row);
        volumes.put(entry.id, entry);
        return entry;
    }

    /** Hides a volume that is being deleted. */
    void removeVolume(VolumeEntry entry) {
        volumes.remove(entry.id);
        descent.delete(entry);
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
        descent.add(row, volume);
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
        VolumeEntry volume = Objects.requireNonNull(descent.volume(row.volume()));
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
        descent.delete(row);
    }

    /**
     * Takes back groups that a crash cut in the middle. Where the rest of a group may be in a log that cannot be
     * replayed or was damaged, what there is of it stays.
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
        descent.delete(row);
    }

    void setUsedBlocks(SnapshotRow row, long blocks) {
        row.setUsedBlocks(blocks);
        SnapshotEntry entry = snapshots.get(row.id());
        if (entry != null) {
            entry.usedBlocks = blocks;
        }
    }
}
