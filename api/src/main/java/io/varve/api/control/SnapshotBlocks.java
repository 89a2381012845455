package io.varve.api.control;

import io.varve.api.portable.BlockingVolume;
import io.varve.engine.ExtentSource;
import io.varve.engine.Extents;
import io.varve.engine.SnapshotId;
import io.varve.engine.Volume;
import io.vertx.core.buffer.Buffer;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * Completed snapshots, block by block of {@link DirectBlocks#BYTES}: which there are, which two snapshots differ in,
 * and what is in them. Thread-safe.
 */
public final class SnapshotBlocks implements AutoCloseable {
    private static final int CHANGED = 1;

    /** After so many questions an answer is given, however few blocks were found: a walk waits for storage. */
    private static final int QUESTIONS = 64;

    private final ControlParts parts;
    private final DirectBlocks blocks;
    private final OpenSnapshots open;

    SnapshotBlocks(ControlParts parts, DirectBlocks blocks) {
        this.parts = parts;
        this.blocks = blocks;
        open = new OpenSnapshots(parts.store(), parts.clock());
    }

    /**
     * A part of the blocks.
     *
     * @param sizeBytes of the volume that the snapshot, of two the second one, is of
     * @param items in ascending order
     * @param next where the rest begins; empty if there is none
     */
    public record Page<T>(long sizeBytes, List<T> items, Optional<Integer> next) {}

    /**
     * A block in which two snapshots differ.
     *
     * @param inFirst whether the first one has anything there
     * @param inSecond whether the second one has
     */
    public record Change(int index, boolean inFirst, boolean inSecond) {}

    /**
     * What is in a block.
     *
     * @param sha256 its digest in Base64
     */
    public record Block(Buffer bytes, String sha256) {}

    /**
     * The blocks in which a snapshot has data, from an index on. Fails with SNAPSHOT_NOT_FOUND, INCORRECT_STATE or
     * REQUEST_LIMIT_EXCEEDED.
     *
     * @param most how many at most; there may be fewer although some are left
     */
    public CompletableFuture<Page<Integer>> list(SnapshotId id, int from, int most) {
        return blocks.run(() -> {
            parts.requireSnapshot(id);
            return open.read(id, volume -> {
                List<Integer> found = new ArrayList<>();
                int end = count(volume);
                int next = dataIn(volume).collect(Math.min(from, end), end, most, QUESTIONS, found::add);
                return new Page<>(volume.sizeBytes(), found, next < end ? Optional.of(next) : Optional.empty());
            });
        });
    }

    /**
     * The blocks in which a snapshot reads otherwise than an older or a younger one of its lineage, from an index on.
     * Fails like {@link #list}, and with UNRELATED_SNAPSHOTS.
     */
    public CompletableFuture<Page<Change>> changed(SnapshotId first, SnapshotId second, int from, int most) {
        return blocks.run(() -> {
            parts.requireSnapshot(first);
            parts.requireSnapshot(second);
            return open.read(
                    first,
                    one -> open.read(
                            second,
                            other -> descends(second, first)
                                    ? changed(new Pair(one, other), other, first, from, most)
                                    : changed(new Pair(one, other), one, requireDescent(first, second), from, most)));
        });
    }

    private record Pair(Volume first, Volume second) {}

    private boolean descends(SnapshotId younger, SnapshotId older) {
        return EngineCalls.await(parts.store().lineage(younger)).contains(older);
    }

    private SnapshotId requireDescent(SnapshotId younger, SnapshotId older) {
        if (!descends(younger, older)) {
            throw new RequestException(
                    ErrorCode.UNRELATED_SNAPSHOTS,
                    "snapshots %s and %s are not of one lineage: neither builds on the other"
                            .formatted(younger, older));
        }
        return older;
    }

    private Page<Change> changed(Pair pair, Volume younger, SnapshotId older, int from, int most) {
        ExtentSource source = EngineCalls.await(parts.store().changedSince(younger, older));
        try {
            BlockingVolume asking = new BlockingVolume(younger);
            List<Integer> found = new ArrayList<>();
            int end = count(younger);
            int next = new BlockWalk(
                            (offset, length) -> asking.query(source, offset, length), value -> value == CHANGED)
                    .collect(Math.min(from, end), end, most, QUESTIONS, found::add);
            return new Page<>(
                    pair.second().sizeBytes(), told(pair, found), next < end ? Optional.of(next) : Optional.empty());
        } finally {
            source.release();
        }
    }

    private static List<Change> told(Pair pair, List<Integer> changed) {
        Set<Integer> inFirst = having(pair.first(), changed);
        Set<Integer> inSecond = having(pair.second(), changed);
        return changed.stream()
                .map(index -> new Change(index, inFirst.contains(index), inSecond.contains(index)))
                .toList();
    }

    /** Which of some blocks a snapshot has: a question for each run of neighbours. */
    private static Set<Integer> having(Volume volume, List<Integer> ascending) {
        Set<Integer> found = new HashSet<>();
        BlockWalk walk = dataIn(volume);
        int count = count(volume);
        for (int i = 0; i < ascending.size(); ) {
            int begin = ascending.get(i);
            int end = begin;
            while (i < ascending.size() && ascending.get(i) == end) {
                end++;
                i++;
            }
            int last = Math.min(end, count);
            walk.collect(Math.min(begin, last), last, Integer.MAX_VALUE, Integer.MAX_VALUE, found::add);
        }
        return found;
    }

    private static BlockWalk dataIn(Volume volume) {
        return new BlockWalk(new BlockingVolume(volume)::status, value -> value == Extents.DATA);
    }

    private static int count(Volume volume) {
        return (int) (volume.sizeBytes() / DirectBlocks.BYTES);
    }

    /**
     * Reads a block; every part of it is checked. Fails with SNAPSHOT_NOT_FOUND, INCORRECT_STATE, INVALID_BLOCK beyond
     * the end, or REQUEST_LIMIT_EXCEEDED.
     */
    public CompletableFuture<Block> read(SnapshotId id, int index) {
        return blocks.run(() -> {
            parts.requireSnapshot(id);
            byte[] bytes = open.read(id, volume -> {
                requireIndex(index, volume.sizeBytes());
                return read(blocks, volume, index, new byte[DirectBlocks.BYTES]);
            });
            return new Block(Buffer.buffer(bytes), Base64.getEncoder().encodeToString(blocks.digest(bytes)));
        });
    }

    /** Fills an array of one block. */
    static byte[] read(DirectBlocks blocks, Volume volume, int index, byte[] into) {
        ByteBuffer buffer = blocks.buffer();
        new BlockingVolume(volume).read((long) index * DirectBlocks.BYTES, buffer);
        buffer.get(0, into);
        return into;
    }

    static void requireIndex(int index, long sizeBytes) {
        long count = sizeBytes / DirectBlocks.BYTES;
        if (index < 0 || index >= count) {
            throw new RequestException(
                    ErrorCode.INVALID_BLOCK, "block %d is not there: the last one is %d".formatted(index, count - 1));
        }
    }

    /** Closes a snapshot that is to be deleted, unless it is being read just now. */
    void letGo(SnapshotId id) {
        open.letGo(id);
    }

    /** Closes what was not read for a while. */
    void expire() {
        open.expire();
    }

    /** After {@link DirectBlocks#close}. */
    @Override
    public void close() {
        open.close();
    }
}
