package io.varve.engine.store;

import io.varve.engine.QosLimits;
import io.varve.engine.VolumeCounters;
import io.varve.engine.VolumeLoop;
import io.varve.engine.qos.Throttle;
import io.varve.engine.qos.Throttle.Direction;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Consumer;

/** Lets a volume's requests in as its limits allow, in their order; a timer on the loop lets those in that wait. */
final class Admission {
    private final VolumeLoop loop;
    private final VolumeHost host;
    private final VolumeCounters counters;
    private final Consumer<Request> admitted;
    private final Runnable afterTimer;
    private final Throttle throttle;
    private final Deque<Request> waiting = new ArrayDeque<>();
    private boolean timerSet;

    /** Until when the waiting was counted; means something while something waits. */
    private long waitCountedNanos;

    /**
     * @param admitted takes requests that are let in
     * @param afterTimer runs when the timer or a new limit has let requests in
     */
    Admission(
            VolumeLoop loop,
            VolumeHost host,
            VolumeCounters counters,
            Consumer<Request> admitted,
            Runnable afterTimer) {
        this.loop = loop;
        this.host = host;
        this.counters = counters;
        this.admitted = admitted;
        this.afterTimer = afterTimer;
        this.throttle = host.throttle();
    }

    /** Lets a request in, now or when its turn comes. */
    void offer(Request request) {
        if (!waiting.isEmpty()) {
            waiting.add(request);
            return;
        }
        // It has only just come: no need to ask the clock again.
        long wait = ask(request, request.startNanos);
        if (wait == 0) {
            letIn(request);
        } else {
            waitCountedNanos = request.startNanos;
            waiting.add(request);
            setTimer(wait);
        }
    }

    private long ask(Request request, long nowNanos) {
        Direction direction = switch (request.kind) {
            case READ -> Direction.READ;
            case WRITE -> Direction.WRITE;
            default -> Direction.NONE;
        };
        return throttle.admit(nowNanos, request.startNanos, direction, request.offset, request.length);
    }

    private void letIn(Request request) {
        VolumeCounters.add(counters.ioUnits, throttle.unitsOfLast());
        admitted.accept(request);
    }

    private void setTimer(long nanos) {
        if (!timerSet) {
            timerSet = true;
            loop.schedule(this::timeUp, nanos);
        }
    }

    private void timeUp() {
        timerSet = false;
        letInWaiting();
    }

    private void letInWaiting() {
        while (!waiting.isEmpty()) {
            long now = host.nanoTime();
            VolumeCounters.add(counters.throttledNanos, now - waitCountedNanos);
            waitCountedNanos = now;
            Request next = waiting.element();
            long wait = ask(next, now);
            if (wait > 0) {
                setTimer(wait);
                break;
            }
            waiting.remove();
            letIn(next);
        }
        afterTimer.run();
    }

    void limit(QosLimits limits) {
        throttle.update(limits, host.nanoTime());
        timerSet = false; // the one that is set may be far too late
        letInWaiting();
    }

    /** How many requests wait. */
    int size() {
        return waiting.size();
    }

    /** Lets in whatever waits, limits or not: the volume is about to be closed. */
    void letAllIn() {
        for (Request request = waiting.poll(); request != null; request = waiting.poll()) {
            admitted.accept(request);
        }
        throttle.end();
    }
}
