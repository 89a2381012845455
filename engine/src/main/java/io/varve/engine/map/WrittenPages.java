package io.varve.engine.map;

import java.util.ArrayList;
import java.util.List;

/** The nodes that one checkpoint has written for one volume. Passed from the accountant to the volume's loop. */
public final class WrittenPages {
    private final List<Node> nodes = new ArrayList<>();

    void add(Node node) {
        nodes.add(node);
    }

    List<Node> nodes() {
        return nodes;
    }

    /** How many pages were written. */
    public int count() {
        return nodes.size();
    }
}
