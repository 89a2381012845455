package io.varve.engine.store;

import io.varve.engine.BlockStore;
import io.varve.engine.Finding;
import io.varve.engine.ScrubStatus;
import io.varve.engine.check.LiveWalk;
import io.varve.engine.log.BlockAddress;
import io.varve.engine.log.Segment;
import io.varve.engine.log.SegmentStore;
import io.varve.engine.meta.Superblock;
import io.varve.engine.reclaim.PageRef;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads everything that is live, a little at a time, and holds it against its check values. A step takes a few map
 * pages on the accountant, so that no checkpoint comes between, and then a few blocks in the background; a block that
 * is not right is looked up once more before it counts, because it may have been moved or replaced meanwhile. Where it
 * is stands in root counters, which every commit makes durable. Accountant only, but for {@link #status}.
 */
final class Scrubber implements LiveWalk.Taker {
    private static final Logger LOG = LoggerFactory.getLogger(Scrubber.class);
    private static final int ROOT_VOLUME = 8;
    private static final int ROOT_SNAPSHOT = 9;
    private static final int ROOT_BLOCK = 10;
    private static final int ROOT_FINISHED_MILLIS = 11;
    /** In place of a snapshot's number: the volume's own tree, which comes behind those of its snapshots. */
    private static final long OWN = Long.MAX_VALUE;

    /** Map pages read by one step on the accountant. */
    private static final int STEP_PAGES = 16;
    /** Trees that one step looks at at most: those of unchanged snapshots need a page or none. */
    private static final int STEP_TREES = 16;

    private static final int ATTEMPTS = 3;
    private static final int PAGE_BYTES = 4096;
    /** What lies between the end of a pass and the beginning of the next. */
    static final long PAUSE_MILLIS = TimeUnit.HOURS.toMillis(1);

    private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(10);

    /** What the store does for the scrub. */
    interface Host {
        /** Runs a task of the accountant, after a while. Any thread. */
        void onAccountant(Runnable task, long delayNanos);

        /** Runs a task on a background thread. */
        void inBackground(Runnable task);

        long nowMillis();
    }

    private final Superblock superblock;
    private final Descent descent;
    private final SegmentStore segments;
    private final LiveWalk walk;
    private final long bytesPerSecond;
    private final Host host;
    private final ScrubReads reads = new ScrubReads();
    private final ScrubDamage damage = new ScrubDamage();
    private final Object stepLock = new Object();
    private volatile boolean closed;
    private volatile long passes;
    private volatile long finishedMillis;
    private final LongAdder bytesRead = new LongAdder();
    private final LongAdder pagesRead = new LongAdder();

    /** Where the pass is; all 0 between two passes. */
    private long volumeNumber;

    private long snapshotNumber;
    private long block;
    private List<Suspect> taken = new ArrayList<>();
    private @Nullable Tree walking;

    /** A tree as it is now, and the one kept before it. */
    private record Tree(
            long number,
            String name,
            PageRef root,
            @Nullable PageRef previous,
            long floorAddress,
            long heldFrom) {}

    /** A block to be read. */
    private record Suspect(Tree tree, long block, long address, int check, Segment segment, int attempt) {}

    Scrubber(StoreParts parts, long bytesPerSecond, Host host) {
        this.superblock = parts.superblock();
        this.descent = parts.catalogue().descent();
        this.segments = parts.segments();
        this.walk = new LiveWalk(parts.pages(), parts.frames());
        this.bytesPerSecond = bytesPerSecond;
        this.host = host;
        volumeNumber = superblock.getRoot(ROOT_VOLUME);
        snapshotNumber = superblock.getRoot(ROOT_SNAPSHOT);
        block = superblock.getRoot(ROOT_BLOCK);
        finishedMillis = superblock.getRoot(ROOT_FINISHED_MILLIS);
    }

    /** Any thread. */
    ScrubStatus status() {
        Optional<Instant> finished =
                finishedMillis == 0 ? Optional.empty() : Optional.of(Instant.ofEpochMilli(finishedMillis));
        return new ScrubStatus(
                bytesPerSecond,
                passes,
                finished,
                bytesRead.sum(),
                pagesRead.sum(),
                damage.found(),
                damage.healed(),
                damage.known());
    }

    void start() {
        if (bytesPerSecond > 0) {
            host.onAccountant(this::step, LOOK_NANOS);
        }
    }

    /** Ends the scrub; waits for the reads that are under way. */
    void close() {
        closed = true;
        synchronized (stepLock) {
            LOG.debug("nothing is scrubbed any more");
        }
    }

    // ---- a step ----

    private void step() {
        if (closed) {
            return;
        }
        if (volumeNumber == 0 && host.nowMillis() - finishedMillis < PAUSE_MILLIS) {
            host.onAccountant(this::step, LOOK_NANOS);
            return;
        }
        // Where this step begins: if it is cut short it is made again.
        superblock.setRoot(ROOT_VOLUME, volumeNumber);
        superblock.setRoot(ROOT_SNAPSHOT, snapshotNumber);
        superblock.setRoot(ROOT_BLOCK, block);
        taken = new ArrayList<>();
        long pagesBefore = pagesRead.sum();
        for (int trees = 0; trees < STEP_TREES && taken.size() < ScrubReads.MAX_BLOCKS; trees++) {
            if (pagesRead.sum() - pagesBefore >= STEP_PAGES || !walkOn()) {
                break;
            }
        }
        List<Suspect> blocks = taken;
        long bytes = blocks.size() * (long) BlockStore.BLOCK_BYTES + (pagesRead.sum() - pagesBefore) * PAGE_BYTES;
        long pause = Math.max(1, TimeUnit.SECONDS.toNanos(1) * bytes / bytesPerSecond);
        boolean passIsOver = volumeNumber == 0;
        read(blocks, () -> {
            if (passIsOver) {
                endPass();
            }
            host.onAccountant(this::step, pause);
        });
    }

    /** Walks on in the tree at hand, or goes to the next; false if the pass is over. */
    private boolean walkOn() {
        Tree tree = tree(snapshotNumber == OWN ? volumeNumber : snapshotNumber);
        if (tree == null) {
            return nextTree();
        }
        walking = tree;
        long from = Math.max(block, tree.heldFrom());
        int room = ScrubReads.MAX_BLOCKS - taken.size();
        long reached = walk.walk(tree.root(), tree.previous(), tree.floorAddress(), from, STEP_PAGES, room, this);
        pagesRead.add(walk.pagesRead(STEP_PAGES));
        block = reached;
        return reached < tree.root().endBlock() || nextTree();
    }

    /** Goes to the next tree: a volume's snapshots from the oldest on, its own tree, and the next volume. */
    private boolean nextTree() {
        block = 0;
        VolumeEntry volume = descent.volume(volumeNumber);
        if (volume != null && snapshotNumber != OWN) {
            Long next = volume.chain.higherKey(snapshotNumber);
            snapshotNumber = next == null ? OWN : next;
            return true;
        }
        VolumeEntry next = descent.volumeAfter(volumeNumber);
        volumeNumber = next == null ? 0 : next.number;
        snapshotNumber = 0;
        return next != null;
    }

    private @Nullable Tree tree(long number) {
        SnapshotRow snapshot = descent.snapshot(number);
        if (snapshot != null) {
            SnapshotRow previous = descent.previous(snapshot);
            return tree(
                    number,
                    snapshot.id().toString(),
                    PageRef.root(snapshot.root()),
                    snapshot.deletedUpTo(),
                    previous,
                    snapshot.volume());
        }
        VolumeEntry volume = descent.volume(number);
        if (volume == null || !volume.row.isLive()) {
            return null;
        }
        PageRef root = PageRef.root(volume.row.root());
        return tree(number, volume.id.toString(), root, 0, descent.newest(number), number);
    }

    private Tree tree(
            long number, String name, PageRef root, long heldFrom, @Nullable SnapshotRow previous, long volume) {
        VolumeEntry entry = descent.volume(volume);
        SnapshotRow before = previous != null || entry == null ? previous : descent.snapshot(entry.row.origin());
        if (before == null || before.deletedUpTo() > 0) {
            return new Tree(number, name, root, null, 0, heldFrom);
        }
        long floor = previous == null && entry != null ? entry.row.baseAddress() : before.floorAddress();
        return new Tree(number, name, root, PageRef.root(before.root()), floor, heldFrom);
    }

    @Override
    public void block(long at, long address, int check) {
        Tree tree = walking;
        Segment segment = segments.find(BlockAddress.segmentId(address));
        if (tree != null && segment != null) {
            taken.add(new Suspect(tree, at, address, check, segment, 0));
        }
    }

    @Override
    public void damagedPage(PageRef page, String why) {
        Tree tree = walking;
        if (tree != null) {
            VolumeEntry volume = descent.volume(tree.number());
            Set<Long> volumes = volume == null ? Set.of() : Set.of(volume.number);
            Finding finding = new Finding(Finding.Severity.DAMAGE, "map", why, List.of(tree.name()));
            note(new ScrubDamage.Place(true, page.pointer()), finding, volumes);
        }
    }

    // ---- reading ----

    private void read(List<Suspect> blocks, Runnable then) {
        if (blocks.isEmpty()) {
            then.run();
            return;
        }
        host.inBackground(() -> {
            List<Suspect> wrong;
            synchronized (stepLock) {
                wrong = closed ? List.of() : readAll(blocks);
            }
            host.onAccountant(() -> confirm(wrong, then), 0);
        });
    }

    private List<Suspect> readAll(List<Suspect> blocks) {
        List<Suspect> wrong = new ArrayList<>();
        int[] checks = blocks.stream().mapToInt(Suspect::check).toArray();
        for (int first = 0; first < blocks.size(); ) {
            int run = 1;
            while (first + run < blocks.size() && follows(blocks.get(first), blocks.get(first + run), run)) {
                run++;
            }
            if (reads.problem(blocks.get(first).segment(), blocks.get(first).address(), checks, first, run) != null) {
                for (int i = first; i < first + run; i++) {
                    if (reads.problem(blocks.get(i).segment(), blocks.get(i).address(), checks, i, 1) != null) {
                        wrong.add(blocks.get(i));
                    }
                }
            }
            first += run;
        }
        bytesRead.add(blocks.size() * (long) BlockStore.BLOCK_BYTES);
        return wrong;
    }

    private static boolean follows(Suspect first, Suspect next, int distance) {
        return next.segment().equals(first.segment())
                && next.address()
                        == first.address() + (long) distance * first.segment().blockSlots();
    }

    /** Blocks that were wrong: those that are still live, and still where they were read, are damaged. */
    private void confirm(List<Suspect> wrong, Runnable then) {
        List<Suspect> again = new ArrayList<>();
        for (Suspect suspect : wrong) {
            Tree now = tree(suspect.tree().number());
            Segment segment = segments.find(BlockAddress.segmentId(suspect.address()));
            if (now == null
                    || segment == null
                    || suspect.block() < now.heldFrom()
                    || walk.address(now.root(), suspect.block()) != suspect.address()) {
                continue;
            }
            boolean moved = !segment.equals(suspect.segment());
            if ((moved || suspect.attempt() == 0) && suspect.attempt() < ATTEMPTS) {
                again.add(new Suspect(
                        now, suspect.block(), suspect.address(), suspect.check(), segment, suspect.attempt() + 1));
            } else if (!moved) {
                noteBlock(suspect);
            }
        }
        if (again.isEmpty()) {
            then.run();
        } else {
            read(again, then);
        }
    }

    // ---- what was found ----

    private void noteBlock(Suspect suspect) {
        Set<Long> volumes = new LinkedHashSet<>();
        Set<String> names = new LinkedHashSet<>(Set.of(suspect.tree().name()));
        for (VolumeEntry volume : readers(suspect.tree().number())) {
            PageRef root = PageRef.root(volume.row.root());
            if (volume.row.isLive() && walk.address(root, suspect.block()) == suspect.address()) {
                volumes.add(volume.number);
                names.add(volume.id.toString());
            }
        }
        String where = "segment " + BlockAddress.segmentId(suspect.address()) + " offset "
                + BlockAddress.offset(suspect.address());
        String what =
                "offset " + suspect.block() * BlockStore.BLOCK_BYTES + ": the block does not match its check value";
        Finding finding = new Finding(Finding.Severity.DAMAGE, where, what, List.copyOf(names));
        note(new ScrubDamage.Place(false, suspect.address()), finding, volumes);
    }

    /** The volumes that are likely to read what a tree holds: its own, and clones of the snapshot that it is. */
    private List<VolumeEntry> readers(long number) {
        List<VolumeEntry> readers = new ArrayList<>();
        SnapshotRow snapshot = descent.snapshot(number);
        VolumeEntry volume = descent.volume(snapshot == null ? number : snapshot.volume());
        if (volume != null) {
            readers.add(volume);
        }
        if (snapshot != null) {
            readers.addAll(descent.clonesOf(snapshot));
        }
        return readers;
    }

    private void note(ScrubDamage.Place place, Finding finding, Set<Long> volumes) {
        if (damage.add(place, finding, volumes, passes)) {
            LOG.error("scrub: {}", finding);
            for (long number : volumes) {
                VolumeEntry volume = descent.volume(number);
                if (volume != null) {
                    volume.scrubFound(finding.where() + ", " + finding.what());
                }
            }
        }
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // written by the accountant only
    private void endPass() {
        for (long number : damage.endPass(passes)) {
            VolumeEntry volume = descent.volume(number);
            if (volume != null) {
                LOG.info("scrub: {} is well again", volume.id);
                volume.scrubHealed();
            }
        }
        passes++;
        finishedMillis = host.nowMillis();
        superblock.setRoot(ROOT_FINISHED_MILLIS, finishedMillis);
        superblock.setRoot(ROOT_VOLUME, 0);
        superblock.setRoot(ROOT_SNAPSHOT, 0);
        superblock.setRoot(ROOT_BLOCK, 0);
    }
}
