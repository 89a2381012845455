package io.varve.engine.store;

import io.varve.engine.io.DiskException;
import io.varve.engine.map.DamagedPageException;
import io.varve.engine.map.Floors;
import io.varve.engine.map.MapRoot;
import io.varve.engine.reclaim.PageRef;
import io.varve.engine.reclaim.UnsharedWalk;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Counts the blocks that one volume or snapshot alone reads: what deleting it would free. Accountant only.
 *
 * <p>Snapshots, volumes and clones form a tree by descent, and whoever reads a block are neighbours in it: a block is
 * handed on and replaced, but does not come back. So it is enough to hold a tree against its nearest neighbours;
 * deleted ones that are still there are passed through. What two trees share is not read. The count is that of a
 * checkpoint, is made in steps when nothing else is to be done, and only where a tree or its neighbours have changed.
 */
final class Sharing {
    private static final Logger LOG = LoggerFactory.getLogger(Sharing.class);
    /** With more neighbours than this, clones of a deleted image say, the count is left out. */
    private static final int MOST_NEIGHBOURS = 256;

    private final Catalogue catalogue;
    private final Descent descent;
    private final UnsharedWalk walk;
    /** What the counts there are were made of, by number of the volume or snapshot. */
    private Map<Long, Basis> counted = new HashMap<>();

    private Deque<Count> due = new ArrayDeque<>();
    private boolean stale = true;

    /**
     * What a count depends on.
     *
     * @param root the tree
     * @param others the trees of its neighbours
     * @param usedBlocks what it reads in all, if it has no neighbours; else 0
     */
    private record Basis(PageRef root, List<PageRef> others, long usedBlocks) {}

    /** A count under way. */
    private static final class Count {
        final Node node;
        final Basis basis;
        long nextBlock;
        long blocks;

        Count(Node node, Basis basis) {
            this.node = node;
            this.basis = basis;
        }
    }

    /** A snapshot, or the present of a volume. */
    private record Node(
            @Nullable SnapshotRow snapshot, @Nullable VolumeEntry volume) {
        boolean exists() {
            return snapshot != null ? snapshot.isLive() : volume != null && volume.row.isLive();
        }

        long number() {
            return snapshot != null ? snapshot.number() : volume != null ? volume.number : 0;
        }

        MapRoot root() {
            return snapshot != null ? snapshot.root() : volume != null ? volume.row.root() : MapRoot.EMPTY;
        }

        long usedBlocks() {
            return snapshot != null ? snapshot.usedBlocks() : volume != null ? volume.row.usedBlocks() : 0;
        }
    }

    Sharing(StoreParts parts) {
        catalogue = parts.catalogue();
        descent = catalogue.descent();
        walk = new UnsharedWalk(parts.pages(), parts.frames());
    }

    /** A checkpoint has changed trees, or what there is. */
    void changed() {
        stale = true;
    }

    /** Goes on with counting, reading about {@code pages} pages; false if there is nothing more to count. */
    boolean step(int pages) {
        if (stale) {
            stale = false;
            plan();
        }
        Count count = due.peek();
        if (count == null) {
            return false;
        }
        if (goOn(count, pages)) {
            due.remove();
        }
        return !due.isEmpty();
    }

    /** Finds out what has to be counted anew; a count under way goes on if nothing has changed for it. */
    private void plan() {
        Count current = due.peek();
        Map<Long, Basis> still = new HashMap<>();
        Deque<Count> next = new ArrayDeque<>();
        for (VolumeEntry volume : descent.everyVolume()) {
            for (SnapshotRow snapshot : volume.chain.values()) {
                plan(new Node(snapshot, null), current, still, next);
            }
            plan(new Node(null, volume), current, still, next);
        }
        counted = still;
        due = next;
    }

    private void plan(Node node, @Nullable Count current, Map<Long, Basis> still, Deque<Count> next) {
        if (!node.exists()) {
            return;
        }
        Basis basis = basis(node);
        if (basis.equals(counted.get(node.number()))) {
            still.put(node.number(), basis);
        } else if (current != null && current.node.number() == node.number() && current.basis.equals(basis)) {
            next.addFirst(current);
        } else {
            next.add(new Count(node, basis));
        }
    }

    private Basis basis(Node node) {
        List<PageRef> others = new ArrayList<>();
        Set<Long> seen = new HashSet<>();
        seen.add(node.number());
        Deque<Node> reached = new ArrayDeque<>(neighbours(node));
        while (!reached.isEmpty() && others.size() <= MOST_NEIGHBOURS) {
            Node other = reached.remove();
            if (!seen.add(other.number())) {
                continue;
            }
            if (other.exists()) {
                others.add(PageRef.root(other.root()));
            } else {
                reached.addAll(neighbours(other));
            }
        }
        return new Basis(PageRef.root(node.root()), others, others.isEmpty() ? node.usedBlocks() : 0);
    }

    private List<Node> neighbours(Node node) {
        List<Node> found = new ArrayList<>();
        SnapshotRow snapshot = node.snapshot();
        VolumeEntry volume = snapshot == null ? node.volume() : descent.volume(snapshot.volume());
        SnapshotRow before =
                snapshot != null ? descent.previous(snapshot) : volume == null ? null : descent.newest(volume.number);
        SnapshotRow origin = volume == null ? null : descent.snapshot(volume.row.origin());
        if (before != null || origin != null) {
            found.add(new Node(before != null ? before : origin, null));
        }
        if (snapshot != null) {
            SnapshotRow after = descent.next(snapshot);
            found.add(after != null ? new Node(after, null) : new Node(null, volume));
            descent.clonesOf(snapshot).forEach(clone -> found.add(oldest(clone)));
        }
        return found;
    }

    private static Node oldest(VolumeEntry volume) {
        return volume.chain.isEmpty()
                ? new Node(null, volume)
                : new Node(volume.chain.firstEntry().getValue(), null);
    }

    /** True if the count is over. */
    private boolean goOn(Count count, int pages) {
        Basis basis = count.basis;
        if (basis.others().isEmpty()) {
            finish(count, basis.usedBlocks());
            return true;
        }
        if (basis.others().size() > MOST_NEIGHBOURS) {
            finish(count, VolumeEntry.UNKNOWN);
            return true;
        }
        try {
            count.nextBlock = walk.walk(
                    basis.root(), basis.others(), Floors.NONE, count.nextBlock, pages, block -> count.blocks++);
        } catch (DamagedPageException | DiskException e) {
            LOG.warn("what only {} reads cannot be counted: {}", count.node.number(), e.getMessage());
            finish(count, VolumeEntry.UNKNOWN);
            return true;
        }
        boolean over = count.nextBlock >= basis.root().endBlock();
        if (over) {
            finish(count, count.blocks);
        }
        return over;
    }

    private void finish(Count count, long blocks) {
        counted.put(count.node.number(), count.basis);
        SnapshotRow snapshot = count.node.snapshot();
        VolumeEntry volume = count.node.volume();
        if (snapshot != null) {
            SnapshotEntry entry = catalogue.find(snapshot.id());
            if (entry != null) {
                entry.exclusiveBlocks = blocks;
            }
        } else if (volume != null) {
            volume.exclusiveBlocks = blocks;
        }
    }
}
