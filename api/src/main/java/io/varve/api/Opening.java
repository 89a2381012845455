package io.varve.api;

import java.util.ArrayDeque;
import java.util.Deque;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What was opened so far, to be closed in the opposite order, all of it even if some of it fails. */
final class Opening implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Opening.class);

    private final Deque<AutoCloseable> opened = new ArrayDeque<>();

    <T extends AutoCloseable> T add(T resource) {
        opened.push(resource);
        return resource;
    }

    /** True if everything closed well. */
    boolean closeAll() {
        boolean well = true;
        while (!opened.isEmpty()) {
            try {
                opened.pop().close();
            } catch (Exception e) { // the edge of the process: the rest must be closed too
                LOG.error("closing failed", e);
                well = false;
            }
        }
        return well;
    }

    @Override
    public void close() {
        closeAll();
    }
}
