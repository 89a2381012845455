package io.varve.engine.store;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Requests that cannot be carried out yet, in arrival order: they wait for a map page, for the rest of a partial block,
 * for a segment. A later request that touches the same blocks waits behind them. Loop only; empty most of the time.
 */
final class HeldRequests {
    private final List<Request> requests = new ArrayList<>();

    boolean isEmpty() {
        return requests.isEmpty();
    }

    int size() {
        return requests.size();
    }

    /** True when {@code request} touches blocks that an earlier held request touches. */
    boolean mustWait(Request request) {
        for (Request earlier : requests) {
            if (earlier == request) {
                return false;
            }
            if (earlier.overlaps(request)) {
                return true;
            }
        }
        return false;
    }

    void add(Request request, boolean behind) {
        if (!request.held) {
            request.held = true;
            requests.add(request);
        }
        request.behind = behind;
    }

    void remove(Request request) {
        if (request.held) {
            request.held = false;
            requests.remove(request);
        }
    }

    /** The oldest request that waited behind others and need not any more. */
    @Nullable
    Request nextReady() {
        for (Request request : requests) {
            if (request.behind && !mustWait(request)) {
                return request;
            }
        }
        return null;
    }

    List<Request> all() {
        return new ArrayList<>(requests);
    }
}
