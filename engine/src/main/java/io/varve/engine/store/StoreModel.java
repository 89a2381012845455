package io.varve.engine.store;

import io.varve.engine.BlockStore;
import io.varve.engine.check.Chain;
import io.varve.engine.check.Findings;
import io.varve.engine.check.KeptTree;
import io.varve.engine.meta.SuperblockImage;
import io.varve.engine.meta.Table;
import io.varve.engine.reclaim.PageRef;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The volumes and snapshots of one generation, as values, and whether their rows fit together. */
final class StoreModel {
    private final Map<Long, VolumeRow> volumesByNumber = new TreeMap<>();
    private final Map<Long, SnapshotRow> snapshots = new TreeMap<>();
    private final Map<Long, KeptTree> snapshotTrees = new HashMap<>();
    private final Map<Long, KeptTree> volumeTrees = new HashMap<>();
    private final List<Chain> chains = new ArrayList<>();
    private final Findings findings;

    private StoreModel(Findings findings) {
        this.findings = findings;
    }

    /** Reads the rows of a generation and tells what does not fit. */
    static StoreModel read(SuperblockImage image, Findings findings) {
        StoreModel model = new StoreModel(findings);
        model.readRows(image);
        model.snapshots.forEach((number, row) -> model.snapshotTrees.put(number, tree(row)));
        model.makeChains();
        return model;
    }

    private void readRows(SuperblockImage image) {
        Set<Object> ids = new HashSet<>();
        Table volumeTable = image.table(VolumeRow.SPEC);
        for (int i = volumeTable.nextUsed(0); i >= 0; i = volumeTable.nextUsed(i + 1)) {
            VolumeRow row = new VolumeRow(volumeTable, i);
            if (volumesByNumber.put(row.number(), row) != null || !ids.add(row.id())) {
                findings.damage("table volumes", "two rows have the number or the id of " + row.id(), names(row));
            }
        }
        Table snapshotTable = image.table(SnapshotRow.SPEC);
        for (int i = snapshotTable.nextUsed(0); i >= 0; i = snapshotTable.nextUsed(i + 1)) {
            SnapshotRow row = new SnapshotRow(snapshotTable, i);
            boolean twice = snapshots.put(row.number(), row) != null || !ids.add(row.id());
            if (twice || volumesByNumber.containsKey(row.number())) {
                findings.damage("table snapshots", "two rows have the number or the id of " + row.id(), names(row));
            }
            if (!volumesByNumber.containsKey(row.volume())) {
                findings.damage(
                        "table snapshots",
                        row.id() + " is of the volume number " + row.volume() + ", which there is not",
                        names(row));
            }
        }
    }

    private void makeChains() {
        for (VolumeRow volume : volumesByNumber.values()) {
            KeptTree origin = snapshotTrees.get(volume.origin());
            if (volume.origin() != 0 && origin == null) {
                findings.damage(
                        "table volumes",
                        volume.id() + " was cloned from the snapshot number " + volume.origin() + ", which is gone",
                        names(volume));
            }
            List<KeptTree> trees = new ArrayList<>();
            for (SnapshotRow snapshot : snapshots.values()) {
                if (snapshot.volume() == volume.number()) {
                    trees.add(tree(snapshot.number()));
                }
            }
            if (volume.isLive()) {
                KeptTree own = tree(volume);
                volumeTrees.put(volume.number(), own);
                trees.add(own);
            }
            chains.add(new Chain(volume.number(), origin, volume.baseAddress(), volume.baseBirth(), trees));
        }
    }

    private KeptTree tree(long snapshotNumber) {
        KeptTree tree = snapshotTrees.get(snapshotNumber);
        if (tree == null) {
            throw new IllegalArgumentException("no snapshot has the number " + snapshotNumber);
        }
        return tree;
    }

    private static KeptTree tree(SnapshotRow row) {
        return new KeptTree(
                row.id().toString(),
                true,
                PageRef.root(row.root()),
                row.birth(),
                row.isLive() ? row.birth() : Long.MAX_VALUE,
                row.floorAddress(),
                row.deletedUpTo(),
                row.sizeBytes() / BlockStore.BLOCK_BYTES,
                row.isLive() ? row.usedBlocks() : KeptTree.UNKNOWN);
    }

    private static KeptTree tree(VolumeRow row) {
        return new KeptTree(
                row.id().toString(),
                false,
                PageRef.root(row.root()),
                row.generation() - 1,
                row.generation() - 1,
                Long.MAX_VALUE,
                0,
                row.sizeBytes() / BlockStore.BLOCK_BYTES,
                row.usedBlocks());
    }

    private static List<String> names(VolumeRow row) {
        return List.of(row.id().toString());
    }

    private static List<String> names(SnapshotRow row) {
        return List.of(row.id().toString());
    }

    /** Everything kept, each volume's history behind the one that its origin is in. */
    List<Chain> chains() {
        return chains;
    }

    /** All volumes, deleted ones that snapshots remain of included, oldest first. */
    List<VolumeRow> volumes() {
        return List.copyOf(volumesByNumber.values());
    }

    /** The snapshot that a volume was cloned from; null if there is none. */
    @Nullable
    SnapshotRow originOf(VolumeRow volume) {
        return snapshots.get(volume.origin());
    }

    /** The snapshots of a volume, oldest first, without deleted ones that no clone needs. */
    List<SnapshotRow> snapshotsToKeep(VolumeRow volume) {
        return snapshots.values().stream()
                .filter(snapshot -> snapshot.volume() == volume.number())
                .filter(snapshot -> snapshot.isLive() || isOrigin(snapshot))
                .toList();
    }

    /** Deleted snapshots that clones need. */
    List<SnapshotRow> hiddenOrigins() {
        return snapshots.values().stream()
                .filter(snapshot -> !snapshot.isLive() && isOrigin(snapshot))
                .toList();
    }

    private boolean isOrigin(SnapshotRow snapshot) {
        return volumesByNumber.values().stream().anyMatch(volume -> volume.origin() == snapshot.number());
    }

    /** All volumes that exist, oldest first. */
    List<VolumeRow> liveVolumes() {
        return volumesByNumber.values().stream().filter(VolumeRow::isLive).toList();
    }

    /** All snapshots that exist, oldest first. */
    List<SnapshotRow> liveSnapshots() {
        return snapshots.values().stream().filter(SnapshotRow::isLive).toList();
    }

    /** The tree of a volume; null if it is deleted. */
    @Nullable
    KeptTree treeOf(VolumeRow volume) {
        return volumeTrees.get(volume.number());
    }

    KeptTree treeOf(SnapshotRow snapshot) {
        return tree(snapshot.number());
    }

    /** Whoever reads what a volume wrote: the ids of the volume, its snapshots, and what was cloned from these. */
    List<String> namesOf(long volumeNumber) {
        Set<Long> numbers = new HashSet<>(Set.of(volumeNumber));
        List<String> names = new ArrayList<>();
        for (VolumeRow volume : volumesByNumber.values()) {
            SnapshotRow origin = snapshots.get(volume.origin());
            if (origin != null && numbers.contains(origin.volume())) {
                numbers.add(volume.number());
            }
            if (volume.isLive() && numbers.contains(volume.number())) {
                names.add(volume.id().toString());
            }
        }
        for (SnapshotRow snapshot : liveSnapshots()) {
            if (numbers.contains(snapshot.volume())) {
                names.add(snapshot.id().toString());
            }
        }
        return names;
    }
}
