package io.varve.nbd;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The memory that all connections share beyond what each of them is guaranteed. Whoever does not get what he wants at
 * once waits in the order of arrival: large claims are not overtaken for ever by small ones, nor small ones by many
 * large. A claim for more than there is at all is met alone. Thread-safe; connections come here at most a few times a
 * turn, and not at all while they live within their guaranteed share.
 */
final class InFlightBudget {
    private final long limitBytes;
    private final AtomicLong usedBytes = new AtomicLong();
    /** In the order of arrival. Guarded by this. */
    private final Set<Claim> waiting = new LinkedHashSet<>();

    private volatile boolean wanted;

    /** Memory that somebody waits for. */
    static final class Claim {
        private final long bytes;
        private final Runnable granted;

        private Claim(long bytes, Runnable granted) {
            this.bytes = bytes;
            this.granted = granted;
        }

        long bytes() {
            return bytes;
        }
    }

    InFlightBudget(long limitBytes) {
        this.limitBytes = limitBytes;
    }

    long usedBytes() {
        return usedBytes.get();
    }

    /** True if somebody waits. */
    boolean wanted() {
        return wanted;
    }

    /** True if somebody else waits than the owner of a claim. */
    synchronized boolean wantedByOthers(@Nullable Claim own) {
        return waiting.size() > (waiting.contains(own) ? 1 : 0);
    }

    boolean hasFree(long bytes) {
        return usedBytes.get() + bytes <= limitBytes;
    }

    /** Takes memory if nobody waits and {@code keepFreeBytes} are left then. */
    boolean tryTake(long bytes, long keepFreeBytes) {
        return !wanted && takeIfFree(bytes, keepFreeBytes);
    }

    /** Takes memory whether it is free or not: it is in use already. */
    void take(long bytes) {
        usedBytes.addAndGet(bytes);
    }

    /** Gives memory back. */
    void giveBack(long bytes) {
        usedBytes.addAndGet(-bytes);
        if (wanted) {
            grant();
        }
    }

    /**
     * Waits for memory.
     *
     * @param granted run once, on any thread, when the memory is taken: it hops to its own
     */
    Claim claim(long bytes, Runnable granted) {
        Claim claim = new Claim(bytes, granted);
        synchronized (this) {
            waiting.add(claim);
            wanted = true;
        }
        grant();
        return claim;
    }

    /** Waits no longer; false if the claim is granted already. */
    boolean withdraw(Claim claim) {
        boolean withdrawn;
        synchronized (this) {
            withdrawn = waiting.remove(claim);
        }
        grant();
        return withdrawn;
    }

    private void grant() {
        List<Claim> met = new ArrayList<>();
        synchronized (this) {
            Iterator<Claim> queue = waiting.iterator();
            boolean going = true;
            while (going && queue.hasNext()) {
                Claim first = queue.next();
                going = takeIfFree(first.bytes, 0);
                if (going) {
                    queue.remove();
                    met.add(first);
                }
            }
            wanted = !waiting.isEmpty();
        }
        met.forEach(claim -> claim.granted.run());
    }

    private boolean takeIfFree(long bytes, long keepFreeBytes) {
        long used = usedBytes.get();
        while (used + bytes + keepFreeBytes <= limitBytes || (used == 0 && keepFreeBytes == 0)) {
            if (usedBytes.compareAndSet(used, used + bytes)) {
                return true;
            }
            used = usedBytes.get();
        }
        return false;
    }
}
