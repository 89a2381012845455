package io.varve.engine.store;

import io.varve.engine.BlockStore;
import io.varve.engine.VolumeStatus;
import io.varve.engine.io.DiskException;
import io.varve.engine.log.LogPosition;
import io.varve.engine.log.LogReader;
import io.varve.engine.log.Segment;
import io.varve.engine.log.SnapshotPayload;
import io.varve.engine.map.BlockMap;
import io.varve.engine.map.DamagedPageException;
import io.varve.engine.map.Floors;
import io.varve.engine.map.Frame;
import io.varve.engine.map.MapChanges;
import io.varve.engine.map.MapLoader;
import io.varve.engine.map.MapRoot;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings a volume from its last checkpoint to the end of its log, and makes that its state by a checkpoint.
 * Changes nothing before that checkpoint, so that a crash during recovery leaves all to do again. Accountant only.
 */
final class Recovery implements LogReader.Handler {
    private static final long GIB = 1L << 30;
    private static final Logger LOG = LoggerFactory.getLogger(Recovery.class);

    /** Volumes whose recovery shares a commit, at most. */
    private static final int MOST_AT_ONCE = 128;

    private final StoreParts parts;
    private final Checkpointer checkpointer;
    private final Consumer<Runnable> commit;
    private final VolumeEntry entry;
    private final BlockMap map;
    private final int epoch;
    private List<CheckpointPart.TakenSnapshot> snapshots = new ArrayList<>();
    private LogPosition position;
    private long usedBlocks;
    private LogReader.@Nullable Result replay;

    private Recovery(StoreParts parts, Checkpointer checkpointer, Consumer<Runnable> commit, VolumeEntry entry) {
        this.parts = parts;
        this.checkpointer = checkpointer;
        this.commit = commit;
        this.entry = entry;
        VolumeRow row = entry.row;
        this.epoch = row.epoch();
        this.position = row.position();
        this.usedBlocks = row.usedBlocks();
        Floors floors = parts.catalogue().descent().floors(entry.number);
        this.map = new BlockMap(parts.frames(), row.root(), row.generation(), floors);
    }

    /**
     * Recovers volumes whose rows say that they were open for writing; many share a commit. A volume whose storage fails
     * stays as it is, FAILED, to be tried again.
     *
     * @param commit runs what changes the tables and commits them; knows what to do when that fails half-way
     */
    static void recover(
            StoreParts parts, Checkpointer checkpointer, Consumer<Runnable> commit, List<VolumeEntry> entries) {
        Deque<Recovery> replayed = new ArrayDeque<>();
        LogReader.Memory memory = new LogReader.Memory();
        try {
            for (VolumeEntry entry : entries) {
                Recovery recovery = new Recovery(parts, checkpointer, commit, entry);
                replayed.add(recovery);
                if (!recovery.replay(memory)) {
                    replayed.removeLast().map.close();
                } else if (replayed.size() >= MOST_AT_ONCE || dirtyPages(replayed) > dirtyPagesAtOnce(parts)) {
                    finish(replayed, checkpointer, commit);
                }
            }
            finish(replayed, checkpointer, commit);
        } finally {
            replayed.forEach(recovery -> recovery.map.close());
        }
    }

    private static long dirtyPagesAtOnce(StoreParts parts) {
        return parts.frames().budgetFrames() / 2;
    }

    private static long dirtyPages(Collection<Recovery> recoveries) {
        return recoveries.stream()
                .mapToLong(recovery -> recovery.map.dirtyPages())
                .sum();
    }

    private static void finish(Deque<Recovery> replayed, Checkpointer checkpointer, Consumer<Runnable> commit) {
        if (!replayed.isEmpty() && haveRoom(replayed, checkpointer)) {
            commit.accept(() ->
                    checkpointer.run(replayed.stream().map(Recovery::finish).toList()));
        }
        while (!replayed.isEmpty()) {
            replayed.removeLast().map.close();
        }
    }

    /** If there is none, other volumes can be opened all the same. */
    private static boolean haveRoom(Deque<Recovery> replayed, Checkpointer checkpointer) {
        try {
            checkpointer.reserveFromBallast(replayed.stream()
                    .mapToLong(recovery -> recovery.map.dirtyUnits())
                    .sum());
            return true;
        } catch (DiskException e) {
            replayed.forEach(recovery -> recovery.failed(e));
            return false;
        }
    }

    private void failed(RuntimeException cause) {
        LOG.error("{} cannot be recovered", entry.id, cause);
        entry.status = new VolumeStatus(
                VolumeStatus.Health.FAILED, "cannot be recovered: " + String.valueOf(cause.getMessage()));
    }

    /** False if the volume's storage fails. */
    private boolean replay(LogReader.Memory memory) {
        try {
            for (Segment segment : parts.segments().openSegments(entry.number)) {
                segment.file().forgetFailure();
            }
            LogReader.Result result =
                    new LogReader(parts.segments(), entry.number, this, memory).replay(position, epoch);
            replay = result;
            position = result.end();
            if (result.records() > 0) {
                sync();
            }
            LOG.info("{}: replayed {} records of epoch {}", entry.id, result.records(), result.epoch());
            return true;
        } catch (DamagedPageException | DiskException e) {
            failed(e);
            return false;
        }
    }

    private Checkpointer.Participant finish() {
        LogReader.Result result = Objects.requireNonNull(replay);
        entry.row.setOpenForWriting(false);
        if (result.damagedUntil().isPresent()) {
            String detail = "log records " + result.end().sequence() + " to "
                    + result.damagedUntil().getAsLong() + " are missing; what follows them was not replayed";
            LOG.error("{}: {}", entry.id, detail);
            entry.row.markDamaged();
            entry.status = new VolumeStatus(VolumeStatus.Health.READ_ONLY, detail);
        } else {
            entry.status = VolumeStatus.OK;
        }
        return freeze(result.epoch(), true, result.damagedUntil().isPresent());
    }

    private void sync() {
        for (Segment segment : parts.segments().openSegments(entry.number)) {
            segment.file().sync();
        }
    }

    private Checkpointer.Participant freeze(int reachedEpoch, boolean last, boolean damaged) {
        List<Segment> open = parts.segments().openSegments(entry.number);
        MapRoot root = map.freeze();
        MapChanges changes = map.takeChanges();
        usedBlocks += changes.usedBlocks();
        List<CheckpointPart.TakenSnapshot> taken = snapshots;
        snapshots = new ArrayList<>();
        CheckpointPart part = new CheckpointPart(
                root,
                map.generation(),
                position,
                last && !damaged,
                reachedEpoch,
                changes,
                taken,
                last ? open : List.of(),
                open,
                position.sequence() - 1,
                0,
                usedBlocks);
        return new Checkpointer.Participant(entry, part, (durable, written) -> map.markOnDisk(written));
    }

    @Override
    public void data(long firstBlock, int count, long address, int blockSlots, int[] checks) {
        for (long block = map.missing(firstBlock, firstBlock + count);
                block >= 0;
                block = map.missing(firstBlock, firstBlock + count)) {
            MapLoader.loadNow(map, parts.frames(), parts.pages(), block);
        }
        map.setRun(firstBlock, count, address, blockSlots, checks, 0);
        growTo((firstBlock + count) * BlockStore.BLOCK_BYTES);
    }

    /**
     * A write beyond the end tells of an extension whose commit is lost with the newer superblock: the volume had at least
     * that size, and whole GiB if it has now.
     */
    private void growTo(long end) {
        long size = entry.row.sizeBytes();
        if (end > size) {
            long unit = size % GIB == 0 ? GIB : BlockStore.BLOCK_BYTES;
            long grown = Math.min((end + unit - 1) / unit * unit, BlockStore.MAX_VOLUME_BYTES);
            LOG.warn("{}: its log holds writes beyond its end: growing from {} to {} bytes", entry.id, size, grown);
            entry.row.setSizeBytes(grown);
            entry.sizeBytes = grown;
        }
    }

    @Override
    public void cleared(long firstBlock, long count, boolean hole) {
        long end = firstBlock + count;
        for (long block = map.missingForClear(firstBlock, end);
                block >= 0;
                block = map.missingForClear(firstBlock, end)) {
            MapLoader.loadNow(map, parts.frames(), parts.pages(), block);
        }
        map.clear(firstBlock, end, hole ? Frame.HOLE : Frame.ZERO);
    }

    @Override
    public void snapshot(SnapshotPayload payload, LogPosition after) {
        MapRoot root = map.freeze();
        Floors floors = Floors.of(after.address(), root.birth());
        map.setFloors(floors);
        long used = usedBlocks + map.pendingUsedBlocks();
        snapshots.add(new CheckpointPart.TakenSnapshot(payload, root, floors, used));
    }

    @Override
    public void replayedTo(LogPosition reached, int reachedEpoch) {
        position = reached;
        if (map.dirtyPages() > dirtyPagesAtOnce(parts)) {
            sync();
            checkpointer.reserveFromBallast(map.dirtyUnits());
            commit.accept(() -> checkpointer.run(List.of(freeze(reachedEpoch, false, false))));
        }
    }
}
