package io.varve.engine.store;

import io.varve.engine.BlockStore;
import io.varve.engine.CompactionCounters;
import io.varve.engine.Compression;
import io.varve.engine.StoreException;
import io.varve.engine.StoreOptions;
import io.varve.engine.io.DiskException;
import io.varve.engine.log.BlockAddress;
import io.varve.engine.log.ContainerWriter;
import io.varve.engine.log.Segment;
import io.varve.engine.log.SegmentStore;
import io.varve.engine.map.DamagedPageException;
import io.varve.engine.reclaim.LiveBlocks;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives back the dead space of segments that are live in part: copies what is live of them into containers, a container
 * at a time. Addresses do not change, so no map is touched. Look-ups are made on the accountant, in small steps;
 * reading and writing is done on the background threads, in steps of a MiB, between which other work has its turn.
 *
 * <p>While volumes are being written it begins when the files exceed {@link #BUSY_PERCENT} of what is live in them;
 * when they rest it goes on down to {@link #IDLE_PERCENT}. Methods without a note run on the accountant only.
 */
final class Compactor {
    private static final Logger LOG = LoggerFactory.getLogger(Compactor.class);
    private static final int BLOCK_BYTES = BlockStore.BLOCK_BYTES;
    private static final int STEP_BLOCKS = 256;
    /** Map pages read by one step on the accountant. */
    private static final int STEP_PAGES = 256;

    /** Live bytes that one container takes at most, about; in a small store it is an eighth of what is live. */
    private static final long CONTAINER_BYTES = 63L << 20;

    private static final long BUSY_PERCENT = 135;
    /** From here on compaction makes no pauses. */
    private static final long URGENT_PERCENT = 141;
    /** From here on writes are held back; see {@link WritePace}. */
    private static final long CROWDED_PERCENT = 144;
    /** Over so much more they come to a near standstill. */
    private static final long BAND_PERCENT = 12;

    private static final long IDLE_PERCENT = 105;
    /** The part of a file, in percent, that is worth copying while volumes are written, and when they rest. */
    private static final long BUSY_LIVE_PERCENT = 85;

    private static final long IDLE_LIVE_PERCENT = 94;
    /** Segments whose worth of dead bytes is left alone in any case. */
    private static final long SLACK_SEGMENTS = 2;
    /** One follows each checkpoint, others come between. */
    private static final int LOOKS_UNTIL_FREE = 4;

    private static final long IDLE_SLACK_BYTES = 16 << 20;

    private final SegmentStore segments;
    private final Descent descent;
    private final StoreOptions options;
    private final LiveBlocks liveBlocks;
    private final WritePace pace;
    private final Host host;
    /** Used by one step in the background at a time. */
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(STEP_BLOCKS * BLOCK_BYTES);

    private final CRC32C crc = new CRC32C();
    private final CompactionCounters counters = new CompactionCounters();
    /** Segments whose records or map pages are damaged: they stay where they are until the store is opened again. */
    private final Set<Long> stuck = new HashSet<>();

    private @Nullable Run run;
    private int looksUntilFree;
    private volatile boolean closed;
    private volatile boolean urgent;
    /** Held by a step in the background, so that closing can wait for it. */
    private final Object stepLock = new Object();

    /** What the store does for compaction. */
    interface Host {
        /** Runs a task of the accountant. Any thread. */
        void onAccountant(Runnable task);

        /** Has a checkpoint find out what died after so much log, if not earlier. */
        void checkpointAfter(long logBytes);

        /** What had been appended to all logs at the last checkpoint. */
        long appendedAtCheckpoint();

        /** A checkpoint makes what was moved durable and frees what it left. */
        void checkpointWanted();

        /** True while deletions are being worked off: counts of live blocks lag behind the trees. */
        boolean isReclaiming();

        /** About how large a container may be that the disk, even a full one, has room for. */
        long mostContainerBytes();

        /**
         * A container to be filled. On a full disk it comes out of the ballast, because it gives back more than it
         * takes.
         */
        ContainerWriter newContainer(List<Long> liveBlocks);

        /** Runs a task on a background thread, after a while if there is foreground work. Any thread. */
        void inBackground(Runnable task, boolean urgent);
    }

    Compactor(StoreParts parts, StoreOptions options, WritePace pace, Host host) {
        this.pace = pace;
        this.segments = parts.segments();
        this.descent = parts.catalogue().descent();
        this.options = options;
        this.liveBlocks = new LiveBlocks(parts.pages(), parts.frames());
        this.host = host;
    }

    /** Any thread. */
    CompactionCounters counters() {
        return counters;
    }

    /**
     * Begins to compact if there is enough to gain.
     *
     * @param idle nothing is written: it may go further
     * @param crowded the disk is nearly full: it goes as far, and who writes has to wait for it
     */
    void consider(boolean idle, boolean crowded) {
        List<SegmentStore.Candidate> candidates = segments.candidates();
        long stored = 0;
        long held = 0;
        for (SegmentStore.Candidate candidate : candidates) {
            stored += candidate.storedBytes();
            held += candidate.heldBytes();
        }
        long slack = SLACK_SEGMENTS * options.maxSegmentBytes();
        boolean further = idle || crowded;
        long enough = further
                ? stored / 100 * IDLE_PERCENT + Math.min(IDLE_SLACK_BYTES, slack)
                : stored / 100 * BUSY_PERCENT + slack;
        urgent = crowded || held > stored / 100 * URGENT_PERCENT + slack;
        if (held > enough) {
            begin(candidates, stored, further);
        }
        // A checkpoint finds out what died: it comes before that is too much at once for compaction to keep up with.
        host.checkpointAfter(run == null ? enough - held : Long.MAX_VALUE);
        if (crowded && !closed && (run != null || comesBack())) {
            pace.stop(); // who writes waits until what was moved is free, and room comes with the checkpoints
        } else if (run != null) {
            long band = stored / 100 * BAND_PERCENT + options.maxSegmentBytes() / 2;
            pace.follow(held - stored / 100 * CROWDED_PERCENT - slack, band, host.appendedAtCheckpoint());
        } else {
            pace.free();
        }
    }

    /** True while what was moved is not free yet: two checkpoints make it so. */
    private boolean comesBack() {
        if (looksUntilFree > 0) {
            looksUntilFree--;
            host.checkpointWanted();
        }
        return looksUntilFree > 0;
    }

    private void begin(List<SegmentStore.Candidate> candidates, long stored, boolean further) {
        if (run != null || closed || host.isReclaiming()) {
            return;
        }
        long mostBytes = Math.min(CONTAINER_BYTES, Math.max(options.maxSegmentBytes(), stored / 8));
        mostBytes = Math.min(mostBytes, host.mostContainerBytes());
        List<SegmentStore.Candidate> chosen =
                choose(candidates, further ? IDLE_LIVE_PERCENT : BUSY_LIVE_PERCENT, mostBytes);
        if (!chosen.isEmpty()) {
            run = new Run(chosen);
            run.next();
        }
    }

    /** The files that give most for what copying them costs, up to about so many live bytes. */
    private List<SegmentStore.Candidate> choose(
            List<SegmentStore.Candidate> candidates, long livePercent, long mostBytes) {
        List<SegmentStore.Candidate> thin = new ArrayList<>();
        for (SegmentStore.Candidate candidate : candidates) {
            if (candidate.storedBytes() * 100 < candidate.heldBytes() * livePercent
                    && candidate.segments().stream().noneMatch(segment -> stuck.contains(segment.id()))) {
                thin.add(candidate);
            }
        }
        thin.sort(Comparator.comparingDouble(Compactor::benefit).reversed());
        List<SegmentStore.Candidate> chosen = first(thin, mostBytes);
        if (gain(chosen) <= 0) {
            // Small containers are thin by their header alone: moving one gives it back as it was, if nothing comes
            // with it.
            thin.removeIf(candidate -> gain(List.of(candidate)) <= 0);
            chosen = first(thin, mostBytes);
        }
        return chosen;
    }

    /** As many of them as have about so many live bytes, but one at least. */
    private static List<SegmentStore.Candidate> first(List<SegmentStore.Candidate> thin, long mostBytes) {
        List<SegmentStore.Candidate> first = new ArrayList<>();
        long bytes = 0;
        for (SegmentStore.Candidate candidate : thin) {
            long candidateBytes = candidate.liveBlocks() * BLOCK_BYTES;
            if (first.isEmpty() || bytes + candidateBytes <= mostBytes) {
                bytes += candidateBytes;
                first.add(candidate);
            }
        }
        return first;
    }

    /** Bytes that come back if these are moved into one container. */
    private static long gain(List<SegmentStore.Candidate> candidates) {
        long held = 0;
        long moved = 0;
        for (SegmentStore.Candidate candidate : candidates) {
            held += candidate.heldBytes();
            moved += candidate.movedBytes();
        }
        return held - SegmentStore.containerBytes(moved);
    }

    /** Bytes that come back for each byte copied, the same part of a large file before that of a small one. */
    private static double benefit(SegmentStore.Candidate candidate) {
        double used = (double) candidate.storedBytes() / candidate.heldBytes();
        return (1 - used) / (1 + used);
    }

    /** Ends compaction; waits for the step that is being made. */
    void close() {
        closed = true;
        run = null;
        pace.free();
        synchronized (stepLock) {
            LOG.debug("no step of compaction is under way any more");
        }
    }

    /** One segment after the other, into one container, or more if more is live than was counted. */
    private final class Run {
        private final Deque<Segment> victims = new ArrayDeque<>();
        private final long gain;
        private final long blocksToCopy;
        private long blocksCopied;
        private @Nullable ContainerWriter writer;

        Run(List<SegmentStore.Candidate> chosen) {
            long live = 0;
            for (SegmentStore.Candidate candidate : chosen) {
                victims.addAll(candidate.segments());
                live += candidate.liveBlocks();
            }
            gain = gain(chosen);
            blocksToCopy = live;
            pace.givesBack(0);
        }

        private void copied(int blocks) {
            counters.blocksCopied.add(blocks);
            blocksCopied += blocks;
            pace.givesBack((long) (gain * Math.min(1, (double) blocksCopied / blocksToCopy)));
        }

        void next() {
            Segment victim = victims.poll();
            while (victim != null && segments.liveBlocks(victim.id()) == 0) {
                victim = victims.poll();
            }
            if (victim == null) {
                finish(this::end);
                return;
            }
            Segment from = victim;
            background(from, () -> {
                Move move = new Move(from, new LiveBlocks.Found(from.contents()));
                accountant(move::lookUp);
            });
        }

        /** Runs on the accountant what follows a step in the background. */
        private void accountant(Runnable task) {
            host.onAccountant(() -> {
                if (run == this) {
                    task.run();
                }
            });
        }

        private void background(Segment victim, Runnable task) {
            inBackground(() -> {
                try {
                    task.run();
                } catch (DiskException | DamagedPageException e) {
                    accountant(() -> failed(victim, e.getMessage()));
                } catch (StoreException e) {
                    accountant(() -> giveUp(e));
                }
            });
        }

        private void inBackground(Runnable step) {
            host.inBackground(
                    () -> {
                        synchronized (stepLock) {
                            if (!closed) {
                                step.run();
                            }
                        }
                    },
                    urgent || pace.isHolding());
        }

        /** A segment cannot be moved; others can. */
        private void failed(Segment victim, @Nullable String cause) {
            LOG.error("segment {} cannot be compacted and stays where it is: {}", victim.id(), cause);
            counters.segmentsStuck.increment();
            stuck.add(victim.id());
            next();
        }

        /** There is no room for a container, or its file fails: what was moved so far counts if it is whole. */
        private void giveUp(RuntimeException cause) {
            LOG.warn("compaction stops: {}", cause.getMessage());
            victims.clear();
            finish(this::end);
        }

        /** Publishes the container being filled, if there is one, and goes on with {@code then}. */
        private void finish(Runnable then) {
            ContainerWriter full = writer;
            writer = null;
            if (full == null) {
                then.run();
                return;
            }
            inBackground(() -> {
                try {
                    full.finish();
                    accountant(() -> {
                        publish(full);
                        then.run();
                    });
                } catch (DiskException e) {
                    accountant(() -> {
                        segments.abandon(full);
                        giveUp(e);
                    });
                }
            });
        }

        private void publish(ContainerWriter full) {
            counters.bytesWritten.add(full.usedBytes());
            counters.framesPacked.add(full.framesPacked());
            segments.moved(full);
            looksUntilFree = LOOKS_UNTIL_FREE;
            host.checkpointWanted();
        }

        private void end() {
            run = null;
        }

        /** The move of one segment. */
        private final class Move {
            private final Segment victim;
            private final LiveBlocks.Found found;
            private boolean compressed;
            private int next;

            Move(Segment victim, LiveBlocks.Found found) {
                this.victim = victim;
                this.found = found;
            }

            /** Finds out what is live, a step at a time, each against the trees as they are then. */
            void lookUp() {
                try {
                    liveBlocks.find(found, descent.trees(victim.volume()), STEP_PAGES);
                } catch (DiskException | DamagedPageException e) {
                    failed(victim, e.getMessage());
                    return;
                }
                long counted = segments.liveBlocks(victim.id());
                if (!found.isComplete()) {
                    accountant(this::lookUp);
                } else if (found.liveBlocks() >= counted) {
                    makeRoom();
                } else if (host.isReclaiming()) {
                    next(); // some that count as live are dead already
                } else {
                    failed(victim, "its records show " + found.liveBlocks() + " of " + counted + " live blocks");
                }
            }

            private void makeRoom() {
                VolumeEntry volume = descent.volume(victim.volume());
                compressed = volume == null || volume.row.compression() != Compression.OFF;
                ContainerWriter into = writer;
                if (into == null) {
                    List<Long> blocks = new ArrayList<>();
                    blocks.add((long) found.liveBlocks());
                    victims.forEach(later -> blocks.add(segments.liveBlocks(later.id())));
                    background(victim, () -> begin(host.newContainer(blocks)));
                } else if (into.hasRoomFor(victim, found.liveBlocks())) {
                    background(victim, () -> begin(into));
                } else {
                    finish(this::makeRoom);
                }
            }

            private void begin(ContainerWriter into) {
                writer = into;
                if (!into.hasRoomFor(victim, found.liveBlocks())) {
                    throw new DiskException(DiskException.Kind.IO, "it is larger than a container");
                }
                into.begin(victim, found.liveBlocks(), compressed);
                copy(into);
            }

            private void copy(ContainerWriter into) {
                try {
                    int left = STEP_BLOCKS;
                    for (int i = found.nextLive(next); i >= 0 && left > 0; i = found.nextLive(next)) {
                        int run = runLength(i, Math.min(left, STEP_BLOCKS));
                        copyRun(into, i, run);
                        next = i + run;
                        left -= run;
                    }
                    copied(STEP_BLOCKS - left);
                } catch (DiskException | DamagedPageException e) {
                    into.drop();
                    throw e;
                }
                if (found.nextLive(next) >= 0) {
                    background(victim, () -> copy(into));
                } else {
                    into.end();
                    accountant(Run.this::next);
                }
            }

            /** Live blocks from {@code i} on that are neighbours in the segment. */
            private int runLength(int i, int limit) {
                int run = 1;
                while (run < limit
                        && found.nextLive(i + run) == i + run
                        && found.address(i + run) == found.address(i) + (long) run * victim.blockSlots()) {
                    run++;
                }
                return run;
            }

            private void copyRun(ContainerWriter into, int first, int run) {
                buffer.clear().limit(run * BLOCK_BYTES);
                victim.read(BlockAddress.offset(found.address(first)), buffer);
                for (int i = first; i < first + run; i++) {
                    int at = (i - first) * BLOCK_BYTES;
                    buffer.limit(at + BLOCK_BYTES).position(at);
                    crc.reset();
                    crc.update(buffer);
                    if ((int) crc.getValue() != found.check(i)) {
                        throw new DiskException(
                                DiskException.Kind.IO,
                                "block " + found.block(i) + " of its volume, at offset "
                                        + BlockAddress.offset(found.address(i))
                                        + ", does not match its check value");
                    }
                    into.add(found.address(i), found.block(i), buffer.position(at));
                }
            }
        }
    }
}
