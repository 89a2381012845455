package io.varve.engine.log;

import io.varve.engine.MemoryBudget;
import io.varve.engine.StoreException;
import io.varve.engine.io.Disk;
import io.varve.engine.io.DiskException;
import io.varve.engine.io.DiskFile;
import io.varve.engine.meta.Table;
import io.varve.engine.meta.TableSpec;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All segments of the store: where each one is now and how many of its blocks are live. {@link #find}, {@link #prepare}
 * and the making of a {@link ContainerWriter} may be called by any thread (the latter two wait for storage); everything
 * else by the accountant only.
 *
 * <p>A sealed segment without a live block is dropped with a checkpoint; its file is then recycled ({@link
 * SegmentFiles}). One that has become thin is moved: its live blocks are copied into a container, and from then on are
 * read there under their old addresses.
 */
public final class SegmentStore {
    private static final Logger LOG = LoggerFactory.getLogger(SegmentStore.class);
    /** The directory of segment files. */
    public static final String DIRECTORY = SegmentFiles.DIRECTORY;
    /** The table that the superblock keeps for this. */
    public static final TableSpec TABLE = SegmentRow.SPEC;

    /** Ids that may be given out between two commits. */
    private static final long ID_RESERVE = 1 << 16;

    private static final int MIN_SEGMENT_BYTES = 1 << 20;

    private final Table table;
    private final SegmentFiles files;
    private final FrameCache cache;
    private final ConcurrentHashMap<Long, Segment> segments = new ConcurrentHashMap<>();
    private final ConcurrentLinkedQueue<Segment> fresh = new ConcurrentLinkedQueue<>();
    private final AtomicLong nextId;
    private volatile long idLimit;
    private final Map<Long, State> states = new HashMap<>();
    /** Segments that are not sealed, by volume. */
    private final Map<Long, Set<State>> open = new HashMap<>();
    /** Sealed segments that had no live block when that was last looked at. */
    private final Set<State> perhapsDead = new LinkedHashSet<>();
    /** By file number. */
    private final Map<Long, Container> containers = new HashMap<>();

    /** Segments whose files are longer than what is in them until the coming commit is durable. */
    private final List<Segment> cut = new ArrayList<>();

    private long liveBlocks;
    private long capacityBytes;

    /** What the accountant knows of a segment. */
    private static final class State {
        Segment segment;
        final int row;
        boolean sealed;
        long live;

        State(Segment segment, int row) {
            this.segment = segment;
            this.row = row;
        }
    }

    /** A file that holds moved segments. */
    private static final class Container {
        final SegmentFiles.Free file;
        final int row;
        /** Ids of its segments. */
        final Set<Long> members = new LinkedHashSet<>();

        Container(SegmentFiles.Free file, int row) {
            this.file = file;
            this.row = row;
        }
    }

    /**
     * A file that compaction could empty.
     *
     * @param segments what it holds
     * @param liveBlocks how many blocks of these somebody can read
     * @param storedBytes about how many bytes these blocks take there
     * @param movedBytes about how many they would take in another container
     * @param heldBytes the file's size
     */
    public record Candidate(
            List<Segment> segments, long liveBlocks, long storedBytes, long movedBytes, long heldBytes) {}

    /** How large a container is at most of which segments fill so many bytes. */
    public static long containerBytes(long movedBytes) {
        return SegmentFiles.mostBytesFor(ContainerDescriptor.HEADER_BYTES + movedBytes);
    }

    /**
     * @param table the table of segments as the superblock has it
     * @param nextId no segment was ever given this id or a larger one
     */
    public SegmentStore(Disk disk, Table table, long nextId) {
        this(disk, table, nextId, MemoryBudget.DEFAULT);
    }

    /** @param memory what may be kept in memory for reads */
    public SegmentStore(Disk disk, Table table, long nextId, MemoryBudget memory) {
        this.table = table;
        this.cache = new FrameCache(memory);
        this.files = new SegmentFiles(disk, table);
        this.nextId = new AtomicLong(nextId);
        this.idLimit = nextId;
        for (int row = table.nextUsed(0); row >= 0; row = table.nextUsed(row + 1)) {
            if (table.kind(row) == SegmentRow.FREE) {
                files.adoptFree(row);
            } else if (table.kind(row) == SegmentRow.CONTAINER) {
                openContainer(row);
            }
        }
        for (int row = table.nextUsed(0); row >= 0; row = table.nextUsed(row + 1)) {
            byte kind = table.kind(row);
            if (kind == SegmentRow.OPEN || kind == SegmentRow.SEALED || kind == SegmentRow.MOVED) {
                open(row, kind);
            }
        }
    }

    private void openContainer(int row) {
        long number = table.getLong(row, SegmentRow.FILE);
        long capacity = table.getLong(row, SegmentRow.CAPACITY);
        containers.put(number, new Container(new SegmentFiles.Free(number, capacity, files.openNamed(number)), row));
        capacityBytes += capacity;
    }

    private void open(int row, byte kind) {
        long id = table.getLong(row, SegmentRow.ID);
        long number = table.getLong(row, SegmentRow.FILE);
        long capacity = table.getLong(row, SegmentRow.CAPACITY);
        long volume = table.getLong(row, SegmentRow.VOLUME);
        boolean framed = (table.getByte(row, SegmentRow.FLAGS) & SegmentRow.FLAG_FRAMED) != 0;
        Segment segment;
        if (kind == SegmentRow.MOVED) {
            Container container = containers.get(number);
            if (container == null) {
                throw new StoreException(
                        StoreException.Kind.DAMAGED, "segment " + id + " is in a container that is not in the table");
            }
            container.members.add(id);
            MovedSegment.Place place = new MovedSegment.Place(
                    table.getInt(row, SegmentRow.INDEX_OFFSET),
                    table.getInt(row, SegmentRow.BLOCKS),
                    table.getInt(row, SegmentRow.LOOKUP_CHECK),
                    table.getInt(row, SegmentRow.ORIGINS_CHECK),
                    table.getInt(row, SegmentRow.STORED_BYTES));
            segment = moved(id, volume, capacity, framed, container, place);
        } else {
            DiskFile file = files.openNamed(number);
            capacity = capacityNow(row, kind, capacity, file);
            segment = Segment.ofRecords(id, volume, number, capacity, file, framed, cache);
            capacityBytes += capacity;
        }
        State state = new State(segment, row);
        state.live = table.getInt(row, SegmentRow.LIVE_BLOCKS);
        state.sealed = kind != SegmentRow.OPEN;
        liveBlocks += state.live;
        add(state);
        segments.put(id, segment);
    }

    private void add(State state) {
        states.put(state.segment.id(), state);
        if (state.sealed) {
            noteIfDead(state);
        } else {
            open.computeIfAbsent(state.segment.volume(), volume -> new LinkedHashSet<>())
                    .add(state);
        }
    }

    private void noteIfDead(State state) {
        if (state.sealed && state.live == 0) {
            perhapsDead.add(state);
        }
    }

    /**
     * The superblock opened may be older than the one that had the end of a log cut off, or a crash may have come between
     * that one and the cutting.
     */
    private long capacityNow(int row, byte kind, long capacity, DiskFile file) {
        boolean mayBeCut = (kind == SegmentRow.OPEN || Long.bitCount(capacity) != 1)
                && files.exists(table.getLong(row, SegmentRow.FILE));
        long bytes = mayBeCut ? file.sizeBytes() : capacity;
        if (bytes > capacity && kind == SegmentRow.SEALED) {
            file.truncate(capacity);
        }
        long now = Math.min(capacity, bytes);
        if (now < capacity) {
            table.putLong(row, SegmentRow.CAPACITY, now);
        }
        return now;
    }

    private Segment moved(
            long id, long volume, long capacity, boolean framed, Container container, MovedSegment.Place place) {
        DiskFile file = container.file.file();
        MovedSegment blocks = new MovedSegment(id, framed, file, place, cache);
        return new Segment(id, volume, container.file.number(), capacity, file, framed, blocks);
    }

    // ---- any thread ----

    /** The segment of that id; null if there is none, which for an address out of a map means damage. */
    public @Nullable Segment find(long id) {
        return segments.get(id);
    }

    /** Bytes of indexes of moved segments in memory. */
    public long indexBytes() {
        return cache.lookupBytes();
    }

    /** Bytes of frames that are kept unpacked. */
    public long unpackedBytes() {
        return cache.unpackedBytes();
    }

    /** What the addresses of blocks that are neighbours there differ by. */
    public int blockSlots(long address) {
        Segment segment = find(BlockAddress.segmentId(address));
        return segment == null ? BlockAddress.BLOCK_SLOTS : segment.blockSlots();
    }

    /**
     * Makes a segment ready to be written: a recycled file if there is one, else a new one with its blocks allocated.
     *
     * @param capacityBytes 1 MiB times a power of four
     * @param zeroed write the whole file beforehand if it is new, so that small synced writes find written blocks
     * @param framed for records that are frames
     * @throws StoreException NO_SPACE or IO
     */
    public Segment prepare(long volume, long capacityBytes, boolean zeroed, boolean framed) {
        long id = nextId.getAndIncrement();
        if (id >= idLimit) {
            throw new StoreException(StoreException.Kind.IO, "too many segments begun since the last checkpoint");
        }
        SegmentFiles.Free free = files.take(capacityBytes, zeroed);
        Segment segment =
                Segment.ofRecords(id, volume, free.number(), free.capacityBytes(), free.file(), framed, cache);
        segments.put(id, segment);
        fresh.add(segment);
        return segment;
    }

    /**
     * Makes a segment ready as {@link #prepare} does, a smaller one, of {@code leastBytes} or more, if the disk has no room
     * for that.
     *
     * @throws StoreException NO_SPACE or IO
     */
    public Segment prepareUpTo(long volume, long capacityBytes, long leastBytes, boolean zeroed, boolean framed) {
        try {
            return prepare(volume, capacityBytes, zeroed, framed);
        } catch (StoreException e) {
            if (e.kind() != StoreException.Kind.NO_SPACE
                    || capacityBytes / 4 < Math.max(MIN_SEGMENT_BYTES, leastBytes)) {
                throw e;
            }
            return prepareUpTo(volume, capacityBytes / 4, leastBytes, zeroed, framed);
        }
    }

    /** Every address in use is below this one, and every address of a segment prepared from now on is not. */
    public long floorOfNewSegments() {
        return BlockAddress.of(nextId.get(), 0);
    }

    /**
     * A container to be filled; end it by {@link #moved} or {@link #abandon}.
     *
     * @param liveBlocks how many blocks each segment has that will come into it
     * @throws StoreException NO_SPACE or IO
     */
    public ContainerWriter newContainer(List<Long> liveBlocks) {
        long bytes = ContainerDescriptor.HEADER_BYTES;
        for (long blocks : liveBlocks) {
            bytes += blocks * ContainerDescriptor.BLOCK_BYTES
                    + new ContainerDescriptor.Index((int) blocks, true).bytes();
        }
        return new ContainerWriter(files.takeFilledBy(bytes));
    }

    /** A container that is not wanted after all: goes with the strays at the latest. Any thread. */
    public void abandon(ContainerWriter container) {
        files.discard(container.target());
    }

    // ---- accountant: segments ----

    /** Gives every segment prepared since the last call its row. */
    public void recordFresh() {
        for (Segment segment = fresh.poll(); segment != null; segment = fresh.poll()) {
            record(segment);
        }
    }

    private void record(Segment segment) {
        int row = files.rowFor(segment.fileNumber(), SegmentRow.OPEN);
        table.putByte(row, SegmentRow.FLAGS, segment.framed() ? SegmentRow.FLAG_FRAMED : 0);
        table.putLong(row, SegmentRow.ID, segment.id());
        table.putLong(row, SegmentRow.FILE, segment.fileNumber());
        table.putLong(row, SegmentRow.CAPACITY, segment.capacityBytes());
        table.putLong(row, SegmentRow.VOLUME, segment.volume());
        table.putInt(row, SegmentRow.LIVE_BLOCKS, 0);
        add(new State(segment, row));
        capacityBytes += segment.capacityBytes();
    }

    /**
     * A segment that the log names but the table, being older, does not: recovery takes it in.
     *
     * @return null if its file is not there
     */
    public @Nullable Segment adopt(long id, long volume, long fileNumber, long capacity) {
        Segment known = segments.get(id);
        if (known != null) {
            return known;
        }
        if (!files.exists(fileNumber)) {
            return null;
        }
        DiskFile file = files.takeBack(fileNumber);
        if (file == null) {
            file = files.open(fileNumber);
        }
        boolean framed = LogReader.header(file)
                .filter(header -> header.segmentId() == id)
                .map(SegmentDescriptor.Header::framed)
                .orElse(false);
        Segment segment = Segment.ofRecords(id, volume, fileNumber, capacity, file, framed, cache);
        segments.put(id, segment);
        record(segment);
        nextId.accumulateAndGet(id + 1, Math::max);
        return segment;
    }

    /** Files that are no segment's by the table, but hold one by their header: what a newer table may have known. */
    public List<SegmentDescriptor.Header> unknownSegments(long volume) {
        List<SegmentDescriptor.Header> found = new ArrayList<>();
        for (SegmentDescriptor.Header header : files.unknown(filesInUse()).values()) {
            if (header.volume() == volume && !segments.containsKey(header.segmentId())) {
                found.add(header);
            }
        }
        return found;
    }

    /** The newest epoch of each volume that {@link #unknownSegments} name. */
    public Map<Long, Integer> unknownEpochs() {
        Map<Long, Integer> newest = new HashMap<>();
        for (SegmentDescriptor.Header header : files.unknown(filesInUse()).values()) {
            if (!segments.containsKey(header.segmentId())) {
                newest.merge(header.volume(), header.epoch(), Math::max);
            }
        }
        return newest;
    }

    /** Takes in a segment that {@link #unknownSegments} found. */
    public @Nullable Segment adopt(SegmentDescriptor.Header header) {
        for (Map.Entry<Long, SegmentDescriptor.Header> file :
                files.unknown(filesInUse()).entrySet()) {
            if (file.getValue().equals(header)) {
                return adopt(header.segmentId(), header.volume(), file.getKey(), files.sizeBytes(file.getKey()));
            }
        }
        return null;
    }

    /** Deletes files that the table does not know: a crash left them behind. Recovery is over by then. */
    public void deleteStrayFiles() {
        files.deleteStrays(filesInUse());
    }

    private Set<Long> filesInUse() {
        Set<Long> inUse = new HashSet<>(containers.keySet());
        states.values().forEach(state -> inUse.add(state.segment.fileNumber()));
        return inUse;
    }

    /** Changes how many blocks of a segment are live. */
    public void addLive(long id, int blocks) {
        State state = states.get(id);
        if (state == null) {
            throw new IllegalStateException("no segment " + id + " to count " + blocks + " blocks in");
        }
        state.live += blocks;
        liveBlocks += blocks;
        if (state.live < 0) {
            throw new IllegalStateException("segment " + id + " has " + state.live + " live blocks");
        }
        table.putInt(state.row, SegmentRow.LIVE_BLOCKS, (int) state.live);
        noteIfDead(state);
    }

    /** Nothing is appended to the segment any more, and no checkpoint from now on replays it. */
    public void seal(long id) {
        State state = states.get(id);
        if (state != null && !state.sealed) {
            state.sealed = true;
            table.putKind(state.row, SegmentRow.SEALED);
            if (state.segment.packed() instanceof FramedSegment frames) {
                table.putInt(state.row, SegmentRow.BLOCKS, frames.blocksWritten());
                table.putInt(state.row, SegmentRow.STORED_BYTES, frames.bytesWritten());
            }
            Set<State> others = open.get(state.segment.volume());
            if (others != null && others.remove(state) && others.isEmpty()) {
                open.remove(state.segment.volume());
            }
            noteIfDead(state);
        }
    }

    /** A volume's segments that are not sealed. */
    public List<Segment> openSegments(long volume) {
        return open.getOrDefault(volume, Set.of()).stream()
                .map(state -> state.segment)
                .toList();
    }

    /** Seals every segment of a volume. */
    public void sealAll(long volume) {
        recordFresh();
        openSegments(volume).forEach(segment -> seal(segment.id()));
    }

    /**
     * A volume's log ends at {@code end}: seals its segments, and cuts what is behind the end off the last one once the
     * commit is durable. Either superblock finds there what it needs, because none ever needs what is behind the end.
     */
    public void endLog(long volume, LogPosition end) {
        sealAll(volume);
        State last = states.get(end.segmentId());
        long bytes = SegmentFiles.wholePages(end.offset());
        if (last != null && last.live > 0 && last.segment.moved() == null && bytes < last.segment.capacityBytes()) {
            shorten(last, bytes);
            cut.add(last.segment);
        }
    }

    private void shorten(State state, long bytes) {
        Segment before = state.segment;
        state.segment = before.withCapacity(bytes);
        segments.put(before.id(), state.segment);
        table.putLong(state.row, SegmentRow.CAPACITY, bytes);
        capacityBytes -= before.capacityBytes() - bytes;
    }

    private void cutOff() {
        for (Segment segment : cut) {
            try {
                segment.file().truncate(segment.capacityBytes());
            } catch (DiskException e) {
                LOG.warn("the unused end of segment {} is not given back: {}", segment.id(), e.getMessage());
            }
        }
        cut.clear();
    }

    // ---- accountant: compaction ----

    /** Every file of sealed segments, as of the last checkpoint. */
    public List<Candidate> candidates() {
        List<Candidate> found = new ArrayList<>();
        for (State state : states.values()) {
            if (state.sealed && state.segment.moved() == null) {
                long stored = storedBytes(state);
                long index = new ContainerDescriptor.Index((int) state.live, state.segment.framed()).bytes();
                found.add(new Candidate(
                        List.of(state.segment), state.live, stored, stored + index, state.segment.capacityBytes()));
            }
        }
        for (Container container : containers.values()) {
            found.add(candidate(container));
        }
        return found;
    }

    /** About how many bytes the blocks take that somebody can read, compressed as they are. */
    public long storedBytes() {
        return states.values().stream().mapToLong(this::storedBytes).sum();
    }

    private long storedBytes(State state) {
        long blocks = table.getInt(state.row, SegmentRow.BLOCKS);
        if (blocks == 0) {
            return Math.min(state.live * ContainerDescriptor.BLOCK_BYTES, state.segment.capacityBytes());
        }
        return table.getInt(state.row, SegmentRow.STORED_BYTES) * state.live / blocks;
    }

    private Candidate candidate(Container container) {
        List<Segment> held = new ArrayList<>();
        long live = 0;
        long stored = 0;
        for (long id : container.members) {
            State state = states.get(id);
            if (state != null) {
                held.add(state.segment);
                live += state.live;
                stored += storedBytes(state);
            }
        }
        return new Candidate(held, live, stored, stored, container.file.capacityBytes());
    }

    /** True once there are containers. */
    public boolean hasContainers() {
        return !containers.isEmpty();
    }

    /** How many blocks of the segment are live now; 0 if there is no such segment any more. */
    public long liveBlocks(long id) {
        State state = states.get(id);
        return state == null ? 0 : state.live;
    }

    /**
     * Publishes a container that is {@linkplain ContainerWriter#finish finished}: from now on its segments are read
     * there. The next commit makes that durable and frees what they leave behind. Segments that died meanwhile stay dead.
     */
    public void moved(ContainerWriter writer) {
        List<ContainerWriter.Member> members = new ArrayList<>(writer.members());
        members.removeIf(member -> !states.containsKey(member.segmentId()));
        if (members.isEmpty()) {
            abandon(writer);
            return;
        }
        SegmentFiles.Free file = writer.filled();
        int row = files.rowFor(file.number(), SegmentRow.CONTAINER);
        table.putLong(row, SegmentRow.FILE, file.number());
        table.putLong(row, SegmentRow.CAPACITY, file.capacityBytes());
        Container container = new Container(file, row);
        containers.put(file.number(), container);
        capacityBytes += file.capacityBytes();
        members.forEach(member -> move(member, container));
    }

    private void move(ContainerWriter.Member member, Container container) {
        State state = states.get(member.segmentId());
        if (state == null) {
            throw new IllegalStateException("segment " + member.segmentId() + " is gone");
        }
        Segment before = state.segment;
        MovedSegment.Place place = member.place();
        Segment after = moved(before.id(), before.volume(), before.capacityBytes(), before.framed(), container, place);
        container.members.add(before.id());
        leave(before);
        table.putKind(state.row, SegmentRow.MOVED);
        table.putLong(state.row, SegmentRow.FILE, after.fileNumber());
        putPlace(state.row, place);
        state.segment = after;
        segments.put(after.id(), after);
    }

    private void putPlace(int row, MovedSegment.Place place) {
        table.putInt(row, SegmentRow.INDEX_OFFSET, place.indexOffset());
        table.putInt(row, SegmentRow.BLOCKS, place.blocks());
        table.putInt(row, SegmentRow.LOOKUP_CHECK, place.lookupCheck());
        table.putInt(row, SegmentRow.ORIGINS_CHECK, place.originsCheck());
        table.putInt(row, SegmentRow.STORED_BYTES, place.storedBytes());
    }

    /** A segment is no more where it was. */
    private void leave(Segment segment) {
        if (segment.moved() == null) {
            capacityBytes -= segment.capacityBytes();
            files.free(new SegmentFiles.Free(segment.fileNumber(), segment.capacityBytes(), segment.file()));
            return;
        }
        Container container = containers.get(segment.fileNumber());
        if (container == null) {
            throw new IllegalStateException("segment " + segment.id() + " is in no container");
        }
        container.members.remove(segment.id());
        if (container.members.isEmpty()) {
            containers.remove(segment.fileNumber());
            capacityBytes -= container.file.capacityBytes();
            table.free(container.row);
            files.free(container.file);
        }
    }

    // ---- accountant: commits ----

    /** Frees every sealed segment without a live block. Part of preparing a commit. */
    public void collect() {
        for (State state : perhapsDead) {
            if (state.live == 0) {
                states.remove(state.segment.id());
                segments.remove(state.segment.id());
                table.free(state.row);
                leave(state.segment);
            }
        }
        perhapsDead.clear();
    }

    /** The id that the next commit has to name as the first one never given out. */
    public long reserveIds() {
        return nextId.get() + ID_RESERVE;
    }

    /** True if the coming commit frees files. */
    public boolean frees() {
        return files.frees();
    }

    /**
     * The commit is durable, with {@code reservedIds} in it.
     *
     * @param readsEnded done when the reads have ended that may have looked up what this commit freed
     */
    public void committed(long reservedIds, CompletableFuture<?> readsEnded) {
        idLimit = reservedIds;
        cutOff();
        files.committed(readsEnded);
    }

    /** Sets how many bytes of recycled files may wait for reuse; what is too much goes. */
    public void limitRecycled(long bytes) {
        files.limitPool(bytes);
    }

    /** True while a commit would make files reusable or give them back. */
    public boolean hasFreedFiles() {
        return files.hasFreed();
    }

    /** True while what an earlier commit freed waits for reads to end. */
    public boolean waitsForReads() {
        return files.waitsForReads();
    }

    /** Blocks that somebody can read. */
    public long liveBlocks() {
        return liveBlocks;
    }

    /** Bytes of files that hold segments or what is left of them. */
    public long capacityBytes() {
        return capacityBytes;
    }

    /** Bytes of files that wait for reuse. */
    public long recyclableBytes() {
        return files.recyclableBytes();
    }

    /** The capacity to give a volume's next segment: four times the last one's, within the store's limit. */
    public static long nextCapacity(long lastCapacityBytes, long maxSegmentBytes) {
        long next = lastCapacityBytes == 0 ? MIN_SEGMENT_BYTES : 4 * lastCapacityBytes;
        return Math.min(next, maxSegmentBytes);
    }

    /** The smallest capacity of segments with {@code bytes}; above the store's limit only if that is too little. */
    public static long capacityFor(long bytes, long maxSegmentBytes) {
        long capacity = nextCapacity(0, maxSegmentBytes);
        while (capacity < bytes) {
            capacity *= 4;
        }
        return capacity;
    }
}
