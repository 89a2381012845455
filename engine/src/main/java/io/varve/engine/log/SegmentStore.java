package io.varve.engine.log;

import io.varve.engine.StoreException;
import io.varve.engine.io.Disk;
import io.varve.engine.io.DiskException;
import io.varve.engine.io.DiskFile;
import io.varve.engine.meta.Table;
import io.varve.engine.meta.TableSpec;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * All segments of the store and the files that they are in. {@link #find} and {@link #prepare} may be called by any
 * thread ({@code prepare} waits for storage); everything else by the accountant only.
 *
 * <p>A segment that is sealed and has no live block becomes free with checkpoint N and is reused, as a file with a new
 * segment id, once N+1 is durable: until then the superblock of N−1 may still need its log.
 */
public final class SegmentStore {
    /** The directory of segment files. */
    public static final String DIRECTORY = "segments";
    /** The table that the superblock keeps for this. */
    public static final TableSpec TABLE = SegmentRow.SPEC;
    /** Ids that may be given out between two commits. */
    private static final long ID_RESERVE = 1 << 16;

    private static final int MIN_SEGMENT_BYTES = 1 << 20;
    private static final int ZERO_STEP_BYTES = 1 << 20;
    private static final long MAX_POOLED_BYTES = 512L << 20;

    private final Disk disk;
    private final Table table;
    private final ConcurrentHashMap<Long, Segment> segments = new ConcurrentHashMap<>();
    private final ConcurrentLinkedQueue<Segment> fresh = new ConcurrentLinkedQueue<>();
    private final AtomicLong nextId;
    private final AtomicLong nextFile = new AtomicLong(1);
    private volatile long idLimit;

    private final Deque<FreeFile> pool = new ArrayDeque<>();
    private final Map<Long, State> states = new HashMap<>();
    private final Map<Long, Integer> freeRows = new HashMap<>();
    private List<FreeFile> freedByThisCommit = new ArrayList<>();
    private List<FreeFile> freedByLastCommit = new ArrayList<>();
    private @Nullable Map<Long, SegmentDescriptor.Header> strays;
    private long liveBlocks;
    private long capacityBytes;

    /** A file without a segment. */
    private record FreeFile(long number, long capacityBytes, DiskFile file) {}

    /** What the accountant knows of a segment. */
    private static final class State {
        final Segment segment;
        final int row;
        boolean sealed;
        long live;

        State(Segment segment, int row) {
            this.segment = segment;
            this.row = row;
        }
    }

    /**
     * @param table the table of segments as the superblock has it
     * @param nextId no segment was ever given this id or a larger one
     */
    public SegmentStore(Disk disk, Table table, long nextId) {
        this.disk = disk;
        this.table = table;
        this.nextId = new AtomicLong(nextId);
        this.idLimit = nextId;
        for (int row = table.nextUsed(0); row >= 0; row = table.nextUsed(row + 1)) {
            open(row);
        }
        for (String name : disk.list(DIRECTORY)) {
            parseNumber(name).ifPresent(number -> nextFile.accumulateAndGet(number + 1, Math::max));
        }
    }

    private void open(int row) {
        long number = table.getLong(row, SegmentRow.FILE);
        long capacity = table.getLong(row, SegmentRow.CAPACITY);
        if (table.kind(row) == SegmentRow.FREE && !disk.exists(fileName(number))) {
            table.free(row);
            return;
        }
        DiskFile file = disk.open(fileName(number), Disk.Mode.EXISTING);
        if (table.kind(row) == SegmentRow.FREE) {
            freedByLastCommit.add(new FreeFile(number, capacity, file));
            freeRows.put(number, row);
            return;
        }
        long id = table.getLong(row, SegmentRow.ID);
        Segment segment = new Segment(id, table.getLong(row, SegmentRow.VOLUME), number, capacity, file);
        State state = new State(segment, row);
        state.live = table.getInt(row, SegmentRow.LIVE_BLOCKS);
        state.sealed = table.kind(row) == SegmentRow.SEALED;
        liveBlocks += state.live;
        capacityBytes += capacity;
        states.put(id, state);
        segments.put(id, segment);
    }

    private static String fileName(long number) {
        return String.format("%s/%016x", DIRECTORY, number);
    }

    private static OptionalLong parseNumber(String name) {
        try {
            return OptionalLong.of(Long.parseLong(name, 16));
        } catch (NumberFormatException e) {
            return OptionalLong.empty();
        }
    }

    // ---- any thread ----

    /** The segment of that id; null if there is none, which for an address out of a map means damage. */
    public @Nullable Segment find(long id) {
        return segments.get(id);
    }

    /**
     * Makes a segment ready to be written: a recycled file if there is one, else a new one with its blocks allocated.
     *
     * @param capacityBytes 1 MiB times a power of four
     * @param zeroed write the whole file beforehand if it is new, so that small synced writes find written blocks
     * @throws StoreException NO_SPACE or IO
     */
    public Segment prepare(long volume, long capacityBytes, boolean zeroed) {
        long id = nextId.getAndIncrement();
        if (id >= idLimit) {
            throw new StoreException(StoreException.Kind.IO, "too many segments begun since the last checkpoint");
        }
        FreeFile free = takeFree(capacityBytes);
        if (free == null) {
            free = create(capacityBytes, zeroed);
        }
        Segment segment = new Segment(id, volume, free.number(), free.capacityBytes(), free.file());
        segments.put(id, segment);
        fresh.add(segment);
        return segment;
    }

    private @Nullable FreeFile takeFree(long capacityBytes) {
        synchronized (pool) {
            for (Iterator<FreeFile> files = pool.iterator(); files.hasNext(); ) {
                FreeFile file = files.next();
                if (file.capacityBytes() == capacityBytes) {
                    files.remove();
                    return file;
                }
            }
            return null;
        }
    }

    private FreeFile create(long capacityBytes, boolean zeroed) {
        long number = nextFile.getAndIncrement();
        String name = fileName(number);
        DiskFile file = null;
        try {
            file = disk.open(name, Disk.Mode.CREATE);
            file.allocate(0, capacityBytes);
            if (zeroed) {
                ByteBuffer zeroes = ByteBuffer.allocateDirect(ZERO_STEP_BYTES);
                for (long at = 0; at < capacityBytes; at += ZERO_STEP_BYTES) {
                    file.write(at, zeroes);
                }
            }
            file.sync();
            disk.syncDirectory(DIRECTORY);
            return new FreeFile(number, capacityBytes, file);
        } catch (DiskException e) {
            if (file != null) {
                file.close();
                disk.delete(name);
            }
            throw new StoreException(
                    e.kind() == DiskException.Kind.NO_SPACE ? StoreException.Kind.NO_SPACE : StoreException.Kind.IO,
                    "cannot make a segment of " + capacityBytes + " bytes: " + e.getMessage(),
                    e);
        }
    }

    /** Every address in use is below this one, and every address of a segment prepared from now on is not. */
    public long floorOfNewSegments() {
        return BlockAddress.of(nextId.get(), 0);
    }

    // ---- accountant ----

    /** Gives every segment prepared since the last call its row. */
    public void recordFresh() {
        for (Segment segment = fresh.poll(); segment != null; segment = fresh.poll()) {
            record(segment);
        }
    }

    private State record(Segment segment) {
        Integer freeRow = freeRows.remove(segment.fileNumber());
        int row = freeRow == null ? table.allocate(SegmentRow.OPEN) : freeRow;
        table.putKind(row, SegmentRow.OPEN);
        table.putLong(row, SegmentRow.ID, segment.id());
        table.putLong(row, SegmentRow.FILE, segment.fileNumber());
        table.putLong(row, SegmentRow.CAPACITY, segment.capacityBytes());
        table.putLong(row, SegmentRow.VOLUME, segment.volume());
        table.putInt(row, SegmentRow.LIVE_BLOCKS, 0);
        State state = new State(segment, row);
        states.put(segment.id(), state);
        capacityBytes += segment.capacityBytes();
        return state;
    }

    /**
     * A segment that the log names but the table, being older, does not: recovery takes it in.
     *
     * @return null if its file is not there
     */
    public @Nullable Segment adopt(long id, long volume, long fileNumber, long capacityBytes) {
        Segment known = segments.get(id);
        if (known != null) {
            return known;
        }
        if (!disk.exists(fileName(fileNumber))) {
            return null;
        }
        DiskFile file = null;
        for (FreeFile free : freedByLastCommit) {
            file = free.number() == fileNumber ? free.file() : file;
        }
        freedByLastCommit.removeIf(free -> free.number() == fileNumber);
        if (file == null) {
            file = disk.open(fileName(fileNumber), Disk.Mode.EXISTING);
        }
        Segment segment = new Segment(id, volume, fileNumber, capacityBytes, file);
        segments.put(id, segment);
        record(segment);
        nextId.accumulateAndGet(id + 1, Math::max);
        return segment;
    }

    /** Files that are no segment's by the table, but hold one by their header: what a newer table may have known. */
    public List<SegmentDescriptor.Header> unknownSegments(long volume) {
        List<SegmentDescriptor.Header> found = new ArrayList<>();
        for (Map.Entry<Long, SegmentDescriptor.Header> file : unknownFiles().entrySet()) {
            if (file.getValue().volume() == volume
                    && !segments.containsKey(file.getValue().segmentId())) {
                found.add(file.getValue());
            }
        }
        return found;
    }

    /** Takes in a segment that {@link #unknownSegments} found. */
    public @Nullable Segment adopt(SegmentDescriptor.Header header) {
        for (Map.Entry<Long, SegmentDescriptor.Header> file : unknownFiles().entrySet()) {
            if (file.getValue().equals(header)) {
                long capacity;
                try (DiskFile opened = disk.open(fileName(file.getKey()), Disk.Mode.EXISTING)) {
                    capacity = opened.sizeBytes();
                }
                return adopt(header.segmentId(), header.volume(), file.getKey(), capacity);
            }
        }
        return null;
    }

    private Map<Long, SegmentDescriptor.Header> unknownFiles() {
        Map<Long, SegmentDescriptor.Header> found = strays;
        if (found == null) {
            found = new HashMap<>();
            Set<Long> known = new HashSet<>();
            states.values().forEach(state -> known.add(state.segment.fileNumber()));
            for (String name : disk.list(DIRECTORY)) {
                OptionalLong number = parseNumber(name);
                if (number.isPresent() && !known.contains(number.getAsLong())) {
                    try (DiskFile file = disk.open(DIRECTORY + "/" + name, Disk.Mode.EXISTING)) {
                        LogReader.header(file).ifPresent(headerOf(found, number.getAsLong()));
                    }
                }
            }
            strays = found;
        }
        return found;
    }

    private static Consumer<SegmentDescriptor.Header> headerOf(
            Map<Long, SegmentDescriptor.Header> found, long fileNumber) {
        return header -> found.put(fileNumber, header);
    }

    /** Deletes files that the table does not know: a crash left them behind. Recovery is over by then. */
    public void deleteStrayFiles() {
        Set<Long> known = new HashSet<>(freeRows.keySet());
        for (State state : states.values()) {
            known.add(state.segment.fileNumber());
        }
        for (String name : disk.list(DIRECTORY)) {
            OptionalLong number = parseNumber(name);
            if (number.isPresent() && !known.contains(number.getAsLong())) {
                disk.delete(DIRECTORY + "/" + name);
            }
        }
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
    }

    /** Nothing is appended to the segment any more, and no checkpoint from now on replays it. */
    public void seal(long id) {
        State state = states.get(id);
        if (state != null && !state.sealed) {
            state.sealed = true;
            table.putKind(state.row, SegmentRow.SEALED);
        }
    }

    /** A volume's segments that are not sealed. */
    public List<Segment> openSegments(long volume) {
        List<Segment> open = new ArrayList<>();
        for (State state : states.values()) {
            if (!state.sealed && state.segment.volume() == volume) {
                open.add(state.segment);
            }
        }
        return open;
    }

    /** Seals every segment of a volume. */
    public void sealAll(long volume) {
        recordFresh();
        for (State state : states.values()) {
            if (state.segment.volume() == volume) {
                seal(state.segment.id());
            }
        }
    }

    /** Frees every sealed segment without a live block. Part of preparing a commit. */
    public void collect() {
        for (Iterator<State> all = states.values().iterator(); all.hasNext(); ) {
            State state = all.next();
            if (state.sealed && state.live == 0) {
                all.remove();
                free(state);
            }
        }
    }

    private void free(State state) {
        Segment segment = state.segment;
        segments.remove(segment.id());
        capacityBytes -= segment.capacityBytes();
        table.putKind(state.row, SegmentRow.FREE);
        table.putLong(state.row, SegmentRow.ID, 0);
        table.putLong(state.row, SegmentRow.VOLUME, 0);
        freeRows.put(segment.fileNumber(), state.row);
        freedByThisCommit.add(new FreeFile(segment.fileNumber(), segment.capacityBytes(), segment.file()));
    }

    /** The id that the next commit has to name as the first one never given out. */
    public long reserveIds() {
        return nextId.get() + ID_RESERVE;
    }

    /** The commit is durable, with {@code reservedIds} in it: what the one before freed may be reused, or goes. */
    public void committed(long reservedIds) {
        idLimit = reservedIds;
        List<FreeFile> reusable = freedByLastCommit;
        freedByLastCommit = freedByThisCommit;
        freedByThisCommit = new ArrayList<>();
        for (FreeFile file : reusable) {
            if (pooledBytes() + file.capacityBytes() <= MAX_POOLED_BYTES) {
                synchronized (pool) {
                    pool.add(file);
                }
            } else {
                delete(file);
            }
        }
    }

    private void delete(FreeFile file) {
        Integer row = freeRows.remove(file.number());
        if (row != null) {
            table.free(row);
        }
        file.file().close();
        disk.delete(fileName(file.number()));
    }

    private long pooledBytes() {
        synchronized (pool) {
            return pool.stream().mapToLong(FreeFile::capacityBytes).sum();
        }
    }

    /** True while a commit would make files reusable or give them back. */
    public boolean hasFreedFiles() {
        return !freedByLastCommit.isEmpty() || !freedByThisCommit.isEmpty();
    }

    /** Blocks that somebody can read. */
    public long liveBlocks() {
        return liveBlocks;
    }

    /** Bytes of files that hold segments. */
    public long capacityBytes() {
        return capacityBytes;
    }

    /** Bytes of files that wait for reuse. */
    public long recyclableBytes() {
        return pooledBytes()
                + freedByLastCommit.stream().mapToLong(FreeFile::capacityBytes).sum();
    }

    /** The capacity to give a volume's next segment: four times the last one's, within the store's limit. */
    public static long nextCapacity(long lastCapacityBytes, long maxSegmentBytes) {
        long next = lastCapacityBytes == 0 ? MIN_SEGMENT_BYTES : 4 * lastCapacityBytes;
        return Math.min(next, maxSegmentBytes);
    }
}
