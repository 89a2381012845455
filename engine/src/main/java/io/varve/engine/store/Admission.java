package io.varve.engine.store;

import io.varve.engine.QosLimits;
import io.varve.engine.VolumeLoop;
import io.varve.engine.qos.Throttle;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Consumer;

/** Lets a volume's requests in as its limits allow, in their order; a timer on the loop lets those in that wait. */
final class Admission {
    private final VolumeLoop loop;
    private final VolumeHost host;
    private final Consumer<Request> admitted;
    private final Runnable afterTimer;
    private final Throttle throttle;
    private final Deque<Request> waiting = new ArrayDeque<>();
    private boolean timerSet;

    /**
     * @param admitted takes requests that are let in
     * @param afterTimer runs when the timer or a new limit has let requests in
     */
    Admission(VolumeLoop loop, VolumeHost host, Consumer<Request> admitted, Runnable afterTimer) {
        this.loop = loop;
        this.host = host;
        this.admitted = admitted;
        this.afterTimer = afterTimer;
        this.throttle = new Throttle(QosLimits.UNLIMITED, host.nanoTime());
    }

    /** Lets a request in, now or when its turn comes. */
    void offer(Request request) {
        if (!waiting.isEmpty()) {
            waiting.add(request);
            return;
        }
        long wait = throttle.admit(host.nanoTime(), 1, costBytes(request));
        if (wait == 0) {
            admitted.accept(request);
        } else {
            waiting.add(request);
            setTimer(wait);
        }
    }

    private static long costBytes(Request request) {
        boolean moves = request.kind == Request.Kind.READ || request.kind == Request.Kind.WRITE;
        return moves ? request.length : 0;
    }

    private void setTimer(long nanos) {
        if (!timerSet) {
            timerSet = true;
            loop.schedule(this::timeUp, nanos);
        }
    }

    private void timeUp() {
        timerSet = false;
        letIn();
    }

    private void letIn() {
        while (!waiting.isEmpty()) {
            Request next = waiting.element();
            long wait = throttle.admit(host.nanoTime(), 1, costBytes(next));
            if (wait > 0) {
                setTimer(wait);
                break;
            }
            waiting.remove();
            admitted.accept(next);
        }
        afterTimer.run();
    }

    void limit(QosLimits limits) {
        throttle.update(limits, host.nanoTime());
        timerSet = false; // the one that is set may be far too late
        letIn();
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
    }
}
