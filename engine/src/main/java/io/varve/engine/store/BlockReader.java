package io.varve.engine.store;

import io.varve.engine.BlockStore;
import io.varve.engine.Extents;
import io.varve.engine.IoStatus;
import io.varve.engine.ReadReport;
import io.varve.engine.VolumeCounters;
import io.varve.engine.VolumeLoop;
import io.varve.engine.io.DiskException;
import io.varve.engine.io.DiskFile;
import io.varve.engine.log.BlockAddress;
import io.varve.engine.log.Segment;
import io.varve.engine.log.SegmentStore;
import io.varve.engine.map.BlockMap;
import io.varve.engine.map.Frame;
import io.varve.engine.map.MapLoader;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.function.Consumer;
import java.util.zip.CRC32C;
import net.openhft.chronicle.core.Jvm;
import net.openhft.chronicle.core.UnsafeMemory;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The read side of an open volume: looks blocks up, reads neighbours in one call, checks every block. What the page
 * cache has is read on the loop without waiting; the rest by the disk's threads. Loop only; hot path.
 */
final class BlockReader {
    private static final Logger LOG = LoggerFactory.getLogger(BlockReader.class);
    private static final int BLOCK_BYTES = BlockStore.BLOCK_BYTES;
    private static final int CACHED_SEGMENTS = 256;
    private static final int POOLED_EDGES = 4;

    private final String name;
    private final VolumeLoop loop;
    private final BlockMap map;
    private final MapLoader loader;
    private final SegmentStore segments;
    private final VolumeCounters counters;
    private final Consumer<Request> whenDone;
    private final Consumer<String> whenDamaged;
    private final CRC32C crc = new CRC32C();
    private final @Nullable Segment[] cachedSegments = new @Nullable Segment[CACHED_SEGMENTS];
    private final Deque<ByteBuffer> edges = new ArrayDeque<>();
    private final ByteBudget partialBlocks;
    private final ReadsInFlight inFlight = new ReadsInFlight();

    /**
     * @param partialBlocks counts blocks that are taken by {@link #takeEdge}
     * @param whenDone told of every request whose read is over, with its status set
     * @param whenDamaged told what is damaged
     */
    BlockReader(
            String name,
            VolumeLoop loop,
            BlockMap map,
            MapLoader loader,
            SegmentStore segments,
            VolumeCounters counters,
            ByteBudget partialBlocks,
            Consumer<Request> whenDone,
            Consumer<String> whenDamaged) {
        this.name = name;
        this.loop = loop;
        this.map = map;
        this.loader = loader;
        this.segments = segments;
        this.counters = counters;
        this.partialBlocks = partialBlocks;
        this.whenDone = whenDone;
        this.whenDamaged = whenDamaged;
    }

    /** Begins or goes on with a read; ends with {@code whenDone}, perhaps before this returns. */
    void read(Request request) {
        while (request.progress < request.length) {
            long at = request.offset + request.progress;
            long block = at / BLOCK_BYTES;
            Object leaf = map.leaf(block);
            if (leaf == null) {
                loader.load(block, failure -> loaded(request, failure));
                return;
            }
            long entry = map.entry(leaf, block);
            int inBlock = (int) (at % BLOCK_BYTES);
            long left = request.length - request.progress;
            if (inBlock != 0 || left < BLOCK_BYTES) {
                int length = (int) Math.min(BLOCK_BYTES - inBlock, left);
                readPart(request, leaf, block, entry, inBlock, length);
                request.progress += length;
            } else {
                request.progress +=
                        readRun(request, leaf, block, entry, (int) (left / BLOCK_BYTES)) * (long) BLOCK_BYTES;
            }
        }
        request.readsBegun = true;
        finishIfDone(request);
    }

    private void loaded(Request request, @Nullable RuntimeException failure) {
        if (failure != null) {
            damaged(request, (request.offset + request.progress) / BLOCK_BYTES, "block map: " + failure.getMessage());
            request.readsBegun = true;
            finishIfDone(request);
        } else {
            read(request);
        }
    }

    private void finishIfDone(Request request) {
        if (request.readsBegun && request.readsInFlight == 0) {
            whenDone.accept(request);
        }
    }

    /** Reads whole blocks that stand next to each other; answers how many. */
    private int readRun(Request request, Object leaf, long block, long entry, int limit) {
        int most = Math.min(limit, Frame.ENTRIES - (int) (block % Frame.ENTRIES));
        int run = 1;
        int step = entry > Frame.CHILD ? blockSlots(entry) : 0;
        while (run < most && map.entry(leaf, block + run) == entry + (long) run * step) {
            run++;
        }
        int from = request.buffer.position() + (int) request.progress;
        ReadReport report = request.report;
        if (report != null) {
            report.extents().add((long) run * BLOCK_BYTES, step == 0 ? Extents.HOLE : Extents.DATA);
        }
        if (step == 0) {
            if (report == null) {
                zero(request.buffer, from, run * BLOCK_BYTES);
            }
        } else {
            readBlocks(request, leaf, block, entry, run, request.buffer, from);
        }
        return run;
    }

    /** Reads part of one block: all of it, for the check's sake, and copies what is wanted. */
    private void readPart(Request request, Object leaf, long block, long entry, int inBlock, int length) {
        int from = request.buffer.position() + (int) request.progress;
        if (request.report != null) {
            request.report.extents().add(length, Extents.DATA);
        }
        if (entry <= Frame.CHILD) {
            zero(request.buffer, from, length);
            return;
        }
        ByteBuffer edge = takeEdge();
        if (readCached(leaf, block, entry, 1, edge, 0)) {
            copy(edge, inBlock, request.buffer, from, length);
            giveEdge(edge);
            return;
        }
        readLater(
                request,
                leaf,
                block,
                entry,
                1,
                edge,
                0,
                () -> copy(edge, inBlock, request.buffer, from, length),
                () -> giveEdge(edge));
    }

    private void readBlocks(
            Request request, Object leaf, long block, long entry, int count, ByteBuffer into, int from) {
        if (!readCached(leaf, block, entry, count, into, from)) {
            readLater(request, leaf, block, entry, count, into, from, () -> {}, () -> {});
        }
    }

    /** Reads blocks out of the page cache; false if it does not have them all or one does not match its check. */
    private boolean readCached(Object leaf, long block, long entry, int count, ByteBuffer into, int from) {
        Segment segment = segment(BlockAddress.segmentId(entry));
        if (segment == null) {
            return false;
        }
        int position = into.position();
        int limit = into.limit();
        into.limit(from + count * BLOCK_BYTES).position(from);
        boolean good = tryRead(segment, BlockAddress.offset(entry), into) == count * BLOCK_BYTES;
        for (int i = 0; i < count && good; i++) {
            good = matches(into, from + i * BLOCK_BYTES, map.check(leaf, block + i));
        }
        into.limit(limit).position(position);
        return good;
    }

    private static int tryRead(Segment segment, long offset, ByteBuffer into) {
        try {
            return segment.tryRead(offset, into);
        } catch (DiskException e) {
            return DiskFile.WOULD_BLOCK; // the disk's threads meet it again, and say so
        }
    }

    private boolean matches(ByteBuffer buffer, int from, int check) {
        buffer.limit(from + BLOCK_BYTES).position(from);
        crc.reset();
        crc.update(buffer);
        return (int) crc.getValue() == check;
    }

    /** Lets the disk's threads read blocks, each read at most twice, the second time after another look-up. */
    private void readLater(
            Request request,
            Object leaf,
            long block,
            long entry,
            int count,
            ByteBuffer into,
            int from,
            Runnable whenGood,
            Runnable whenOver) {
        int[] checks = new int[count];
        for (int i = 0; i < count; i++) {
            checks[i] = map.check(leaf, block + i);
        }
        new LateRead(request, block, checks, into, from, whenGood, whenOver).start(entry);
    }

    /** A run of blocks being read by the disk's threads. */
    private final class LateRead {
        private final Request request;
        private final long block;
        private final int[] checks;
        private final ByteBuffer into;
        private final Runnable whenGood;
        private final Runnable whenOver;
        private final int count;
        private final long number = inFlight.next();
        private long entry;

        LateRead(
                Request request,
                long block,
                int[] checks,
                ByteBuffer into,
                int from,
                Runnable whenGood,
                Runnable whenOver) {
            this.request = request;
            this.block = block;
            this.checks = checks;
            this.count = checks.length;
            this.into = into.duplicate().limit(from + count * BLOCK_BYTES).position(from);
            this.whenGood = whenGood;
            this.whenOver = whenOver;
        }

        void start(long address) {
            entry = address;
            request.readsInFlight++;
            inFlight.begin();
            Segment segment = segment(BlockAddress.segmentId(address));
            if (segment == null) {
                end("segment " + BlockAddress.segmentId(address) + " is missing");
                return;
            }
            segment.readAsync(BlockAddress.offset(address), into, loop, this::completed);
        }

        private void completed(@Nullable DiskException failure) {
            int bad = failure == null ? firstBad() : 0;
            if (bad < 0) {
                whenGood.run();
                end(null);
            } else if (count > 1) {
                retryOneByOne();
            } else {
                retry(failure);
            }
        }

        private int firstBad() {
            int from = into.position();
            int limit = into.limit();
            int bad = -1;
            for (int i = 0; i < count && bad < 0; i++) {
                bad = matches(into, from + i * BLOCK_BYTES, checks[i]) ? -1 : i;
            }
            into.limit(limit).position(from);
            return bad;
        }

        private void retryOneByOne() {
            for (int i = 0; i < count; i++) {
                int[] check = {checks[i]};
                long address = entry + (long) i * blockSlots(entry);
                new LateRead(request, block + i, check, into, into.position() + i * BLOCK_BYTES, whenGood, () -> {})
                        .start(address);
            }
            end(null);
        }

        private void retry(@Nullable DiskException failure) {
            VolumeCounters.add(counters.checksumMismatches, 1);
            Object leaf = map.leaf(block);
            long now = leaf == null ? entry : map.entry(leaf, block);
            if (now <= Frame.CHILD) {
                zero(into, into.position(), BLOCK_BYTES);
                whenGood.run();
                end(null);
                return;
            }
            int check = leaf == null ? checks[0] : map.check(leaf, block);
            Segment segment = segment(BlockAddress.segmentId(now));
            if (segment == null) {
                end("segment " + BlockAddress.segmentId(now) + " is missing");
                return;
            }
            segment.readAgainAsync(BlockAddress.offset(now), into, loop, second -> {
                int from = into.position();
                int limit = into.limit();
                boolean good = second == null && matches(into, from, check);
                into.limit(limit).position(from);
                if (good) {
                    whenGood.run();
                }
                end(good ? null : describe(now, second == null ? failure : second));
            });
        }

        private String describe(long address, @Nullable DiskException failure) {
            return "offset " + block * BLOCK_BYTES + ", segment " + BlockAddress.segmentId(address) + " offset "
                    + BlockAddress.offset(address) + ": "
                    + (failure == null ? "the block does not match its check value" : failure.getMessage());
        }

        private void end(@Nullable String damage) {
            if (damage != null) {
                damaged(request, block, damage);
            }
            whenOver.run();
            request.readsInFlight--;
            inFlight.end(number);
            finishIfDone(request);
        }
    }

    /**
     * Segments have moved: looks them up anew from now on, and tells when the last read has ended that may have found one
     * where it was.
     */
    void placesChanged(Runnable readsEnded) {
        Arrays.fill(cachedSegments, null);
        inFlight.whenThoseOfNowEnd(readsEnded);
    }

    private void damaged(Request request, long block, String what) {
        request.status = IoStatus.EIO;
        if (request.report != null) {
            request.report.failedAt(Math.max(request.offset, block * BLOCK_BYTES));
        }
        LOG.error("{}: {}", name, what);
        whenDamaged.accept(what);
    }

    /** What the addresses of neighbours differ by there. */
    private int blockSlots(long address) {
        Segment segment = segment(BlockAddress.segmentId(address));
        return segment == null ? BlockAddress.BLOCK_SLOTS : segment.blockSlots();
    }

    private @Nullable Segment segment(long id) {
        int slot = (int) (id % CACHED_SEGMENTS);
        Segment segment = cachedSegments[slot];
        if (segment == null || segment.id() != id) {
            segment = segments.find(id);
            if (segment != null) {
                cachedSegments[slot] = segment;
            }
        }
        return segment;
    }

    // ---- block-sized buffers for partial blocks ----

    ByteBuffer takeEdge() {
        partialBlocks.add(BLOCK_BYTES);
        ByteBuffer edge = edges.poll();
        return edge == null ? ByteBuffer.allocateDirect(BLOCK_BYTES) : edge;
    }

    void giveEdge(@Nullable ByteBuffer edge) {
        if (edge != null) {
            partialBlocks.subtract(BLOCK_BYTES);
            if (edges.size() < POOLED_EDGES) {
                edges.push(edge.clear());
            }
        }
    }

    static void zero(ByteBuffer buffer, int from, int length) {
        UnsafeMemory.INSTANCE.setMemory(Jvm.address(buffer) + from, length, (byte) 0);
    }

    static void copy(ByteBuffer source, int from, ByteBuffer target, int to, int length) {
        UnsafeMemory.copyMemory(Jvm.address(source) + from, Jvm.address(target) + to, length);
    }
}
