package io.varve.engine.store;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where a volume or a snapshot comes from: the snapshots taken of it before, those of the volume that it is a clone of
 * up to its origin, and so on. Made by the accountant.
 *
 * @param snapshots those that still exist, newest first
 * @param floors the addresses that part the layers, largest first: what lies at or above the first of them was written
 *     since the newest snapshot
 */
record Lineage(List<SnapshotRow> snapshots, List<Long> floors) {
    /** @param number of a volume or of a snapshot */
    static Lineage of(Descent descent, long number) {
        List<SnapshotRow> snapshots = new ArrayList<>();
        List<Long> floors = new ArrayList<>();
        SnapshotRow self = descent.snapshot(number);
        long volumeNumber = self == null ? number : self.volume();
        SnapshotRow row = self == null ? descent.newest(number) : descent.previous(self);
        while (true) {
            for (; row != null; row = descent.previous(row)) {
                if (row.isLive()) {
                    snapshots.add(row);
                    floors.add(row.floorAddress());
                }
            }
            VolumeEntry volume = descent.volume(volumeNumber);
            SnapshotRow origin = volume == null ? null : descent.snapshot(volume.row.origin());
            if (volume == null || origin == null) {
                return new Lineage(snapshots, floors);
            }
            floors.add(volume.row.baseAddress());
            if (origin.isLive()) {
                snapshots.add(origin);
            }
            volumeNumber = origin.volume();
            row = descent.previous(origin);
        }
    }

    long[] floorAddresses() {
        return floors.stream().mapToLong(Long::longValue).toArray();
    }

    @Nullable
    SnapshotRow find(long number) {
        for (SnapshotRow row : snapshots) {
            if (row.number() == number) {
                return row;
            }
        }
        return null;
    }
}
