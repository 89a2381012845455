package io.varve.engine.store;

import io.varve.engine.EngineThreads;
import io.varve.engine.VolumeLoop;
import io.varve.engine.io.DiskException;
import io.varve.engine.log.Segment;
import io.varve.engine.log.SegmentStore;
import io.varve.engine.map.Floors;
import io.varve.engine.map.MapWriter;
import io.varve.engine.map.WrittenPages;
import io.varve.engine.meta.PagePointer;
import io.varve.engine.meta.PageSpace;
import io.varve.engine.meta.Superblock;
import io.varve.engine.meta.SuperblockImage;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Makes the state of all volumes durable in one step: freezes each on its loop, syncs the segments that the frozen
 * trees point into, writes the trees' new pages, enters everything in the tables, and commits the superblock. Before
 * the commit nothing that the last superblock needs is touched. Accountant only.
 */
final class Checkpointer {
    private static final int PAGE_BYTES = PagePointer.MAX_UNITS * PagePointer.UNIT_BYTES;
    /** What {@link PageSpace#reserve} takes for a page at most. */
    static final long MOST_BYTES_PER_PAGE = 2 * PAGE_BYTES;

    /** Map pages that are made room for beyond those that are dirty. */
    private static final int PAGES_AHEAD = 16;
    /** Pages of tables that are kept ready beyond those in use. */
    private static final int TABLE_PAGES_AHEAD = 16;

    /** Root counters; 8 to 11 are those of {@link Scrubber}. */
    private static final int ROOT_NEXT_SEGMENT = 0;

    private static final int ROOT_NEXT_NUMBER = 1;
    /** Numbers of volumes and snapshots that may be given out between two commits. */
    private static final long NUMBER_RESERVE = 1 << 16;

    private final EngineThreads threads;
    private final Superblock superblock;
    private final Catalogue catalogue;
    private final SegmentStore segments;
    private final PageSpace space;
    private final MapWriter writer;
    private final Reclaimer reclaimer;
    private final ByteBudget dirty;
    private final Ballast ballast;
    private final AtomicLong nextNumber;
    /** Volumes whose log has grown since their last freeze. */
    private final Set<VolumeEntry> touched = new ConcurrentSkipListSet<>(VolumeEntry.OLDEST_FIRST);

    Checkpointer(StoreParts parts, EngineThreads threads, Reclaimer reclaimer, ByteBudget dirty) {
        this.threads = threads;
        this.superblock = parts.superblock();
        this.catalogue = parts.catalogue();
        this.segments = parts.segments();
        this.space = parts.space();
        this.writer = parts.writer();
        this.reclaimer = reclaimer;
        this.dirty = dirty;
        this.ballast = parts.ballast();
        this.nextNumber = new AtomicLong(Math.max(1, superblock.getRoot(ROOT_NEXT_NUMBER)));
    }

    static long nextSegmentId(SuperblockImage image) {
        return Math.max(1, image.getRoot(ROOT_NEXT_SEGMENT));
    }

    static long nextSegmentId(Superblock superblock) {
        return Math.max(1, superblock.getRoot(ROOT_NEXT_SEGMENT));
    }

    /** A number for a new volume or snapshot; never given again. Any thread. */
    long takeNumber() {
        return nextNumber.getAndIncrement();
    }

    /** The volume's log has grown: it takes part in the next checkpoint. Any thread. */
    void touched(VolumeEntry entry) {
        touched.add(entry);
    }

    /** A volume's contribution, and whom to tell when it is durable. */
    record Participant(VolumeEntry entry, CheckpointPart part, Acknowledgement acknowledgement) {}

    /** Told that a part is durable. */
    interface Acknowledgement {
        void durable(CheckpointPart part, WrittenPages written);
    }

    /**
     * Makes room for the commit of a change that may be refused. To be called before anything is changed, because a
     * commit that meets a full disk half-way ends the store's service.
     *
     * @throws DiskException NO_SPACE if there is none
     */
    void reserve() {
        if (ballast.isShort()) {
            ballast.refill();
        }
        reserve(dirtyUnits(touched), TABLE_PAGES_AHEAD);
    }

    /**
     * Makes room for a checkpoint or a deletion, which must be possible on a full disk: out of the ballast if need be.
     *
     * @throws DiskException NO_SPACE if there is none even so
     */
    void reserveFromBallast() {
        reserveFromBallast(dirtyUnits(touched));
    }

    /** Makes room as {@link #reserveFromBallast()} does, for map pages of so many units. */
    void reserveFromBallast(long units) {
        ballast.spend(() -> reserve(units, TABLE_PAGES_AHEAD / 4));
    }

    private static long dirtyUnits(Iterable<VolumeEntry> entries) {
        long units = 0;
        for (VolumeEntry entry : entries) {
            OpenVolume volume = entry.open;
            units += volume == null ? 0 : volume.dirtyUnits();
        }
        return units;
    }

    private void reserve(long mapUnits, int tablePages) {
        space.reserve(mapUnits * PagePointer.UNIT_BYTES + (long) PAGES_AHEAD * PAGE_BYTES);
        superblock.reserve(tablePages);
    }

    /** A checkpoint of every volume that was changed since its last, for which there is room. */
    void run() {
        reclaimer.plan();
        if (segments.waitsForReads()) {
            passLoops();
        }
        List<Participant> participants = freezeAll();
        // What was written between the first reservation and the freeze.
        reserveFromBallast(
                dirtyUnits(participants.stream().map(Participant::entry).toList()));
        participants.removeIf(participant -> !sync(participant));
        commit(participants);
    }

    /** A checkpoint of volumes that are being recovered and are on no loop; their segments are synced. */
    void run(List<Participant> recovered) {
        reclaimer.planNothing();
        commit(recovered);
    }

    /** Commits what was changed in the tables. */
    void commitTables() {
        reclaimer.planNothing();
        commit(List.of());
    }

    private List<Participant> freezeAll() {
        List<VolumeEntry> entries = new ArrayList<>();
        List<CompletableFuture<Optional<CheckpointPart>>> parts = new ArrayList<>();
        for (VolumeEntry entry : takeTouched()) {
            OpenVolume volume = entry.open;
            if (volume != null) {
                Floors floors = reclaimer.floorsFor(entry);
                CompletableFuture<Optional<CheckpointPart>> part = new CompletableFuture<>();
                long parkFromBytes = entry.parkFromBytes;
                entry.parkFromBytes = VolumeEntry.NOT_PARKED;
                volume.onLoop(opened -> part.complete(Optional.ofNullable(opened.freeze(floors, parkFromBytes))));
                entries.add(entry);
                parts.add(part);
            }
        }
        List<Participant> participants = new ArrayList<>();
        for (int i = 0; i < entries.size(); i++) {
            VolumeEntry entry = entries.get(i);
            OpenVolume volume = entry.open;
            Optional<CheckpointPart> part = threads.await(parts.get(i));
            if (part.isPresent() && volume != null) {
                Acknowledgement acknowledgement =
                        (durable, written) -> volume.onLoop(opened -> opened.checkpointed(durable, written));
                participants.add(new Participant(entry, part.get(), acknowledgement));
            }
        }
        return participants;
    }

    /** The next checkpoint ends the log of a volume that rests, if so many bytes are allocated for it in vain. */
    void park(VolumeEntry entry, long fromBytes) {
        entry.parkFromBytes = fromBytes;
        touched.add(entry);
    }

    /** The volumes to freeze; what they append before they are frozen may put them in the next checkpoint as well. */
    private Set<VolumeEntry> takeTouched() {
        Set<VolumeEntry> taken = new TreeSet<>(VolumeEntry.OLDEST_FIRST);
        for (Iterator<VolumeEntry> all = touched.iterator(); all.hasNext(); ) {
            taken.add(all.next());
            all.remove();
        }
        VolumeEntry shrinking = reclaimer.volumeWithNewFloors();
        if (shrinking != null) {
            taken.add(shrinking);
        }
        return taken;
    }

    /** Syncs what a part points into; a volume for which that fails takes no part (law 5). */
    private boolean sync(Participant participant) {
        List<CompletableFuture<Optional<DiskException>>> syncs = new ArrayList<>();
        for (Segment segment : participant.part().unsynced()) {
            CompletableFuture<Optional<DiskException>> sync = new CompletableFuture<>();
            segment.file().syncAsync(Runnable::run, failure -> sync.complete(Optional.ofNullable(failure)));
            syncs.add(sync);
        }
        DiskException failure = null;
        for (CompletableFuture<Optional<DiskException>> sync : syncs) {
            failure = threads.await(sync).orElse(failure);
        }
        dirty.subtract(participant.part().dirtyBytes());
        DiskException cause = failure;
        OpenVolume volume = participant.entry().open;
        if (cause != null && volume != null) {
            volume.onLoop(opened -> opened.syncFailed(cause));
        }
        return cause == null;
    }

    private void commit(List<Participant> participants) {
        segments.recordFresh();
        List<WrittenPages> written = new ArrayList<>();
        for (Participant participant : participants) {
            WrittenPages pages = new WrittenPages();
            participant.part().snapshots().forEach(taken -> writer.write(taken.root(), pages));
            writer.write(participant.part().root(), pages);
            written.add(pages);
        }
        participants.forEach(participant -> enter(participant.entry(), participant.part()));
        reclaimer.step();
        catalogue.descent().forgetEmptyChains();
        segments.collect();
        commitSuperblock();
        for (int i = 0; i < participants.size(); i++) {
            Participant participant = participants.get(i);
            participant.acknowledgement().durable(participant.part(), written.get(i));
        }
    }

    private void enter(VolumeEntry entry, CheckpointPart part) {
        for (CheckpointPart.TakenSnapshot taken : part.snapshots()) {
            SnapshotRow row = catalogue.newSnapshotRow();
            row.set(taken, entry.number);
            catalogue.recordSnapshot(row, entry);
            nextNumber.accumulateAndGet(row.number() + 1, Math::max);
        }
        entry.row.setRoot(part.root().writtenPointer(), part.root().writtenCheck(), part.generation());
        entry.row.setPosition(part.position());
        entry.row.setEpoch(part.epoch());
        entry.row.setUsedBlocks(part.usedBlocks());
        entry.usedBlocks = part.usedBlocks();
        part.changes().forEachSegment(segments::addLive);
        for (long pointer : part.changes().freedPages()) {
            space.free(pointer);
        }
        reclaimer.addTrimmed(entry.number, part.changes().dropped());
        part.sealed().forEach(segment -> segments.seal(segment.id()));
        if (part.parked()) {
            entry.row.setOpenForWriting(false);
            segments.endLog(entry.number, part.position());
        }
    }

    private void commitSuperblock() {
        long reservedIds = segments.reserveIds();
        if (segments.hasContainers()) {
            superblock.requireFeature(Superblock.FEATURE_CONTAINERS);
        }
        superblock.setRoot(ROOT_NEXT_SEGMENT, reservedIds);
        superblock.setRoot(ROOT_NEXT_NUMBER, nextNumber.get() + NUMBER_RESERVE);
        writer.sync();
        ballast.spend(() -> superblock.reserve(0)); // trims may have added more rows than were foreseen
        superblock.commit();
        space.committed();
        segments.committed(reservedIds, segments.frees() ? readsEnded() : CompletableFuture.completedFuture(null));
    }

    /** Done when every read has ended that may have looked up a segment's place before now. */
    private CompletableFuture<?> readsEnded() {
        List<CompletableFuture<?>> ends = new ArrayList<>();
        for (OpenVolume volume : catalogue.everythingOpen()) {
            CompletableFuture<Boolean> end = new CompletableFuture<>();
            volume.onLoop(opened -> opened.placesChanged(() -> end.complete(true)));
            ends.add(end);
        }
        return CompletableFuture.allOf(ends.toArray(CompletableFuture[]::new));
    }

    /** Waits until every loop has come by: the reads that have ended are known to have. */
    private void passLoops() {
        Set<VolumeLoop> loops = new LinkedHashSet<>();
        catalogue.everythingOpen().forEach(volume -> loops.add(volume.loop()));
        for (VolumeLoop loop : loops) {
            CompletableFuture<Boolean> passed = new CompletableFuture<>();
            loop.execute(() -> passed.complete(true));
            threads.await(passed);
        }
    }

    /** True while another checkpoint would give space back. */
    boolean hasMoreToReclaim() {
        return reclaimer.hasWork() || segments.hasFreedFiles();
    }
}
