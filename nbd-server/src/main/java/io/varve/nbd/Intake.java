package io.varve.nbd;

import io.netty.channel.Channel;
import io.varve.engine.Volume;

/**
 * Decides whether a connection may take requests in, and keeps account of what it has at work. Past a bound the socket
 * is not read, so that back-pressure reaches the client instead of memory filling up. Used on the connection's loop.
 */
final class Intake {
    private final Channel channel;
    private final Volume volume;
    private final NbdLimits limits;
    private final InFlightBudget budget;
    private final NbdCounters counters;
    private final Runnable wake;
    private final Runnable wakeFromAnyThread;

    private int requests;
    private long bytes;
    private long publishedBytes;
    /** Why the last {@link #mayTake} said no: the budget can change on other threads before waking is arranged. */
    private boolean blockedByVolume;

    private boolean blockedByBudget;
    private boolean awaitsVolume;
    private boolean awaitsBudget;

    /** @param wake called on the loop when the volume or the budget has room again */
    Intake(Channel channel, Volume volume, Service service, Runnable wake) {
        this.channel = channel;
        this.volume = volume;
        this.limits = service.limits();
        this.budget = service.budget();
        this.counters = service.counters();
        this.wake = wake;
        this.wakeFromAnyThread = () -> channel.eventLoop().execute(this::budgetAvailable);
    }

    void began(long requestBytes) {
        requests++;
        bytes += requestBytes;
    }

    void ended(long requestBytes) {
        requests--;
        bytes -= requestBytes;
    }

    /** True if no request is at work. */
    boolean idle() {
        return requests == 0;
    }

    boolean mayTake() {
        blockedByVolume = volume.congested();
        blockedByBudget = bytes >= limits.guaranteedBytes() && budget.exhausted();
        return requests < limits.connectionRequests()
                && bytes < limits.connectionBytes()
                && channel.isWritable()
                && !blockedByVolume
                && !blockedByBudget;
    }

    /** Reads the socket or leaves it, and arranges to be woken where no event of the connection's own will do it. */
    void regulate(boolean wanted) {
        publish();
        boolean open = wanted && mayTake();
        if (open != channel.config().isAutoRead()) {
            if (!open) {
                counters.pauses.increment();
            }
            channel.config().setAutoRead(open);
        }
        if (!open) {
            arrangeWaking();
        }
    }

    /** Gives back what was published; the connection is gone. */
    void close() {
        budget.publish(-publishedBytes);
        publishedBytes = 0;
    }

    private void publish() {
        long now = bytes + channel.bytesBeforeWritable();
        if (now != publishedBytes) {
            long before = publishedBytes;
            publishedBytes = now;
            budget.publish(now - before);
        }
    }

    private void arrangeWaking() {
        if (blockedByVolume && !awaitsVolume) {
            awaitsVolume = true;
            volume.whenWritable(this::volumeWritable);
        }
        if (blockedByBudget && !awaitsBudget) {
            awaitsBudget = true;
            budget.whenAvailable(wakeFromAnyThread);
        }
    }

    private void volumeWritable() {
        awaitsVolume = false;
        wake.run();
    }

    private void budgetAvailable() {
        awaitsBudget = false;
        wake.run();
    }
}
