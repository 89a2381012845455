package io.varve.engine.map;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * The clean resident pages of one map in the order of the clock algorithm: a hand goes round, spares what was looked up since
 * it last came by, and offers the rest for eviction. Dirty pages are not in it, so that they cost an eviction nothing however
 * many there are. Owned by the map's thread.
 */
final class EvictionRing {
    private final List<Node> nodes = new ArrayList<>();
    private int hand;
    private long visits;

    int size() {
        return nodes.size();
    }

    void join(Node node) {
        node.ringIndex = nodes.size();
        nodes.add(node);
    }

    /** Takes a node out, if it is in. */
    void leave(Node node) {
        int at = node.ringIndex;
        if (at >= 0) {
            Node last = nodes.remove(nodes.size() - 1);
            if (last != node) {
                nodes.set(at, last);
                last.ringIndex = at;
            }
            node.ringIndex = -1;
        }
    }

    /**
     * Has up to {@code pages} nodes evicted. One lap spares what was looked up since the last one; two spare nothing.
     *
     * @param evict evicts a node, which then leaves the ring, or answers false
     * @return how many were evicted
     */
    int evict(int pages, int laps, Predicate<Node> evict) {
        int evicted = 0;
        for (int steps = laps * nodes.size(); steps > 0 && evicted < pages && !nodes.isEmpty(); steps--) {
            hand = hand >= nodes.size() ? 0 : hand;
            Node node = nodes.get(hand);
            visits++;
            if (node.referenced) {
                node.referenced = false;
                hand++;
            } else if (evict.test(node)) {
                evicted++;
            } else {
                hand++;
            }
        }
        return evicted;
    }

    /** Pages that the hand has come by so far. */
    long visits() {
        return visits;
    }
}
