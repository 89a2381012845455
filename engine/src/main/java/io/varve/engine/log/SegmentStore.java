package io.varve.engine.log;

import io.varve.engine.MemoryBudget;
import io.varve.engine.StoreException;
import io.varve.engine.io.Disk;
import io.varve.engine.io.DiskException;
import io.varve.engine.io.DiskFile;
import io.varve.engine.meta.Table;
import io.varve.engine.meta.TableSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
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

    private final Table table;
    private final SegmentFiles files;
    private final FrameCache cache;
    private final ConcurrentHashMap<Long, Segment> segments = new ConcurrentHashMap<>();
    private final ConcurrentLinkedQueue<Segment> fresh = new ConcurrentLinkedQueue<>();
    private final SegmentIds ids;
    private final SegmentUsage usage;
    private final Containers containers;
    private final UnknownSegments unknown;

    /** Segments whose files are longer than what is in them until the coming commit is durable. */
    private final List<Segment> cut = new ArrayList<>();

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
        this.usage = new SegmentUsage(table);
        this.containers = new Containers(table, files, cache);
        this.unknown = new UnknownSegments(files, this::filesInUse, segments::containsKey);
        this.ids = new SegmentIds(nextId);
        for (int row = table.nextUsed(0); row >= 0; row = table.nextUsed(row + 1)) {
            if (table.kind(row) == SegmentRow.FREE) {
                files.adoptFree(row);
            } else if (table.kind(row) == SegmentRow.CONTAINER) {
                containers.open(row);
            }
        }
        for (int row = table.nextUsed(0); row >= 0; row = table.nextUsed(row + 1)) {
            byte kind = table.kind(row);
            if (kind == SegmentRow.OPEN || kind == SegmentRow.SEALED) {
                open(row, openFile(row, kind));
            } else if (kind == SegmentRow.MOVED) {
                open(row, containers.openMember(row));
            }
        }
    }

    private void open(int row, Segment segment) {
        usage.open(segment, row);
        segments.put(segment.id(), segment);
    }

    private Segment openFile(int row, byte kind) {
        long number = table.getLong(row, SegmentRow.FILE);
        DiskFile file = files.openNamed(number);
        return Segment.ofRecords(
                table.getLong(row, SegmentRow.ID),
                table.getLong(row, SegmentRow.VOLUME),
                number,
                capacityNow(row, kind, file),
                file,
                SegmentRow.framed(table, row),
                cache);
    }

    /**
     * The superblock opened may be older than the one that had the end of a log cut off, or a crash may have come
     * between that one and the cutting.
     */
    private long capacityNow(int row, byte kind, DiskFile file) {
        long capacity = table.getLong(row, SegmentRow.CAPACITY);
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
        long id = ids.take();
        SegmentFiles.Free free = files.take(capacityBytes, zeroed);
        Segment segment =
                Segment.ofRecords(id, volume, free.number(), free.capacityBytes(), free.file(), framed, cache);
        segments.put(id, segment);
        fresh.add(segment);
        return segment;
    }

    /**
     * Makes a segment ready as {@link #prepare} does, a smaller one, of {@code leastBytes} or more, if the disk has no
     * room for that.
     *
     * @throws StoreException NO_SPACE or IO
     */
    public Segment prepareUpTo(long volume, long capacityBytes, long leastBytes, boolean zeroed, boolean framed) {
        try {
            return prepare(volume, capacityBytes, zeroed, framed);
        } catch (StoreException e) {
            long smaller = SegmentCapacity.smaller(capacityBytes);
            if (e.kind() != StoreException.Kind.NO_SPACE
                    || smaller < Math.max(SegmentCapacity.LEAST_BYTES, leastBytes)) {
                throw e;
            }
            return prepareUpTo(volume, smaller, leastBytes, zeroed, framed);
        }
    }

    /** Every address in use is below this one, and every address of a segment prepared from now on is not. */
    public long floorOfNewSegments() {
        return BlockAddress.of(ids.next(), 0);
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
        usage.begin(segment, files.rowFor(segment.fileNumber(), SegmentRow.OPEN));
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
        ids.skip(id);
        return segment;
    }

    /** What a newer table may have known. */
    public UnknownSegments unknown() {
        return unknown;
    }

    /** Takes in a segment that {@link #unknown} has found. */
    public @Nullable Segment adopt(SegmentDescriptor.Header header) {
        OptionalLong file = unknown.fileOf(header);
        if (file.isEmpty()) {
            return null;
        }
        long number = file.getAsLong();
        return adopt(header.segmentId(), header.volume(), number, files.sizeBytes(number));
    }

    /** Deletes files that the table does not know: a crash left them behind. Recovery is over by then. */
    public void deleteStrayFiles() {
        files.deleteStrays(filesInUse());
    }

    private Set<Long> filesInUse() {
        Set<Long> inUse = usage.fileNumbers();
        inUse.addAll(containers.fileNumbers());
        return inUse;
    }

    /** Changes how many blocks of a segment are live. */
    public void addLive(long id, int blocks) {
        usage.addLive(id, blocks);
    }

    /** Nothing is appended to the segment any more, and no checkpoint from now on replays it. */
    public void seal(long id) {
        usage.seal(id);
    }

    /** A volume's segments that are not sealed. */
    public List<Segment> openSegments(long volume) {
        return usage.openSegments(volume);
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
        Segment last = usage.segment(end.segmentId());
        long bytes = SegmentFiles.wholePages(end.offset());
        if (last != null && usage.liveBlocks(last.id()) > 0 && last.moved() == null && bytes < last.capacityBytes()) {
            Segment shorter = last.withCapacity(bytes);
            usage.shorten(shorter);
            segments.put(shorter.id(), shorter);
            cut.add(shorter);
        }
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
        List<Candidate> found = usage.candidates();
        found.addAll(containers.candidates(usage));
        return found;
    }

    /** About how many bytes the blocks take that somebody can read, compressed as they are. */
    public long storedBytes() {
        return usage.storedBytes();
    }

    /** True once there are containers. */
    public boolean hasContainers() {
        return !containers.isEmpty();
    }

    /** How many blocks of the segment are live now; 0 if there is no such segment any more. */
    public long liveBlocks(long id) {
        return usage.liveBlocks(id);
    }

    /**
     * Publishes a container that is {@linkplain ContainerWriter#finish finished}: from now on its segments are read
     * there. The next commit makes that durable and frees what they leave behind. Segments that died meanwhile stay
     * dead.
     */
    public void moved(ContainerWriter writer) {
        List<ContainerWriter.Member> members = new ArrayList<>(writer.members());
        members.removeIf(member -> usage.segment(member.segmentId()) == null);
        if (members.isEmpty()) {
            abandon(writer);
            return;
        }
        Containers.Container container = containers.publish(writer.filled());
        members.forEach(member -> move(member, container));
    }

    private void move(ContainerWriter.Member member, Containers.Container container) {
        Segment before = usage.segment(member.segmentId());
        if (before == null) {
            throw new IllegalStateException("segment " + member.segmentId() + " is gone");
        }
        Segment after = containers.hold(container, before, member.place());
        leave(before);
        usage.move(after, member.place());
        segments.put(after.id(), after);
    }

    /** A segment is no more where it was. */
    private void leave(Segment segment) {
        if (segment.moved() == null) {
            files.free(new SegmentFiles.Free(segment.fileNumber(), segment.capacityBytes(), segment.file()));
        } else {
            containers.leave(segment);
        }
    }

    // ---- accountant: commits ----

    /** Frees every sealed segment without a live block. Part of preparing a commit. */
    public void collect() {
        usage.removeDead(segment -> {
            segments.remove(segment.id());
            leave(segment);
        });
    }

    /** The id that the next commit has to name as the first one never given out. */
    public long reserveIds() {
        return ids.reserve();
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
        ids.committed(reservedIds);
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
        return usage.liveBlocks();
    }

    /** Bytes of files that hold segments or what is left of them. */
    public long capacityBytes() {
        return usage.fileBytes() + containers.fileBytes();
    }

    /** Bytes of files that wait for reuse. */
    public long recyclableBytes() {
        return files.recyclableBytes();
    }
}
