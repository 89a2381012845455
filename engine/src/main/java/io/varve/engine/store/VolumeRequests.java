package io.varve.engine.store;

import io.varve.engine.Completion;
import io.varve.engine.IoStatus;
import io.varve.engine.VolumeCounters;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * An open volume's requests from arrival to answer: which are under way, how long each took, and the objects that stand
 * for them, which are used again. Loop only; hot path.
 */
final class VolumeRequests {
    private final VolumeHost host;
    private final VolumeCounters counters;
    private final BlockReader reader;
    private final Answers answers;
    private final Deque<Request> recycled = new ArrayDeque<>();
    private long underWay;
    private @Nullable Runnable whenNone;

    VolumeRequests(VolumeHost host, VolumeCounters counters, BlockReader reader, Answers answers) {
        this.host = host;
        this.counters = counters;
        this.reader = reader;
        this.answers = answers;
    }

    /** Begins a request. */
    Request take(Request.Kind kind, long offset, long length, Completion completion) {
        Request request = recycled.poll();
        if (request == null) {
            request = new Request();
        }
        request.kind = kind;
        request.offset = offset;
        request.length = length;
        request.completion = completion;
        request.startNanos = host.nanoTime();
        underWay++;
        return request;
    }

    /** Answers a request, which is over. */
    void finish(Request request, IoStatus result) {
        if (!request.internal) {
            long nanos = host.nanoTime() - request.startNanos;
            counters.record(request.kind.operation, request.length, nanos, result);
        }
        reader.giveEdge(request.headEdge);
        reader.giveEdge(request.tailEdge);
        boolean internal = request.internal;
        Completion completion = request.completion;
        request.reset();
        recycled.push(request);
        underWay--;
        answers.give(completion, result, internal);
        Runnable idle = whenNone;
        if (idle != null && underWay == 0) {
            whenNone = null;
            idle.run();
        }
    }

    boolean areUnderWay() {
        return underWay > 0;
    }

    /** Runs {@code task} once no request is under way, perhaps now. */
    void whenNone(Runnable task) {
        if (underWay == 0) {
            task.run();
        } else {
            whenNone = task;
        }
    }
}
