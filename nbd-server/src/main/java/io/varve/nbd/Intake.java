package io.varve.nbd;

import io.netty.channel.Channel;
import io.netty.channel.ChannelOutboundBuffer;
import io.varve.engine.Volume;
import io.varve.nbd.InFlightBudget.Claim;
import org.jspecify.annotations.Nullable;

/**
 * Keeps account of the memory that a connection holds, and decides whether it may take more. Past a bound the socket is
 * not read, so that back-pressure reaches the client instead of memory filling up. Used on the connection's loop, but
 * for {@link #bytes}.
 *
 * <p>Half of what a connection is guaranteed is for what it has received: there is always room for one small read of
 * the socket, or something comes back that the connection itself holds. The other half is for its work: requests until
 * they are answered, and replies until they are sent. What goes beyond is taken from the budget that all connections
 * share; work waits for it in order of arrival, receiving just goes on in smaller pieces and leaves room for the
 * largest request, so that nobody holds what he has received while all wait for memory to work on it.
 */
final class Intake implements PayloadReceiver.Allowance {
    /** What a request and its reply take apart from payload: at least what is charged for each. */
    static final int REQUEST_BYTES = 128;

    private final Channel channel;
    private final Volume volume;
    private final NbdLimits limits;
    private final InFlightBudget budget;
    private final NbdCounters counters;
    private final Runnable wake;
    private final long halfShareBytes;

    private int requests;
    private long requestBytes;
    private long receivedBytes;
    private long keptBytes;
    /** Taken from the shared budget. */
    private long sharedBytes;

    private @Nullable Claim claim;
    /** The claim was met, and what was waited for may go in whatever else was taken since. */
    private boolean claimMet;

    /** Why the last {@link #mayTake} said no: it can change before waking is arranged. */
    private boolean blockedByVolume;

    private boolean awaitsVolume;
    private boolean closed;
    /** As of the last turn. */
    private volatile long lastBytes;

    /** @param wake called on the loop when the volume or the budget has room again */
    Intake(Channel channel, Volume volume, Service service, Runnable wake) {
        this.channel = channel;
        this.volume = volume;
        this.limits = service.limits();
        this.budget = service.budget();
        this.counters = service.counters();
        this.wake = wake;
        this.halfShareBytes = limits.guaranteedBytes() / 2;
    }

    // ---- what is held ----

    /** True if a request that takes so much memory may go in; if not, {@code wake} says when to ask again. */
    boolean admits(long payloadBytes) {
        if (payloadBytes == 0) {
            withdraw();
            return true;
        }
        long payloadsAtWork = requestBytes - (long) requests * REQUEST_BYTES;
        if (requests > 0 && payloadsAtWork + payloadBytes > limits.connectionBytes()) {
            return false;
        }
        long lacking = workShare(workBytes() + REQUEST_BYTES + payloadBytes) + receivedShare(0) - sharedBytes;
        if (lacking <= 0) {
            withdraw();
            return true;
        }
        if (claimMet) {
            budget.take(lacking);
        } else if (claim != null || !budget.tryTake(lacking, 0)) {
            claim(lacking);
            return false;
        }
        sharedBytes += lacking;
        claimMet = false;
        return true;
    }

    private void claim(long bytes) {
        if (claim == null) {
            counters.waits.increment();
            claim = budget.claim(bytes, () -> channel.eventLoop().execute(() -> granted(bytes)));
        }
    }

    private void granted(long bytes) {
        sharedBytes += bytes;
        claim = null;
        claimMet = true;
        if (closed) {
            settle();
        } else {
            wake.run();
        }
    }

    private void withdraw() {
        if (claim != null && budget.withdraw(claim)) {
            claim = null;
        }
        claimMet = false;
    }

    void began(long chargedBytes) {
        requests++;
        requestBytes += chargedBytes;
    }

    void ended(long chargedBytes) {
        requests--;
        requestBytes -= chargedBytes;
        if (closed) {
            settle();
        }
    }

    /** A buffer came from the socket. */
    void received(int bytes) {
        receivedBytes += bytes;
    }

    /** A buffer that came from the socket is no longer used by anybody. */
    void receivedFreed(int bytes) {
        receivedBytes -= bytes;
    }

    /** A reply that is not sent yet holds so much more than what it sends, or no longer if negative. */
    void kept(int bytes) {
        keptBytes += bytes;
    }

    /** True if no request is at work. */
    boolean idle() {
        return requests == 0;
    }

    /** All that the connection holds, as of its last turn. Any thread. */
    long bytes() {
        return lastBytes;
    }

    /** True if some of it is from the budget that others may wait for. */
    boolean holdsShared() {
        return sharedBytes > 0;
    }

    /** True if they do wait. */
    boolean holdsWhatOthersWant() {
        return sharedBytes > 0 && budget.wanted() && budget.wantedByOthers(claim);
    }

    /** Replies that wait for the client. */
    long unsentBytes() {
        ChannelOutboundBuffer outbound = channel.unsafe().outboundBuffer();
        return outbound == null ? 0 : outbound.totalPendingWriteBytes();
    }

    private long workBytes() {
        return requestBytes + keptBytes + unsentBytes();
    }

    private long workShare(long bytes) {
        return Math.max(0, bytes - halfShareBytes);
    }

    private long receivedShare(long moreBytes) {
        return Math.max(0, receivedBytes + moreBytes - halfShareBytes);
    }

    /** Takes from the shared budget what is used of it beyond what was taken, and gives back the rest. */
    void settle() {
        claimMet = false;
        long work = workBytes();
        lastBytes = work + receivedBytes;
        long due = workShare(work) + receivedShare(0);
        long excess = sharedBytes - due;
        sharedBytes = due;
        if (excess > 0) {
            budget.giveBack(excess);
        } else if (excess < 0) {
            budget.take(-excess);
        }
    }

    // ---- whether to go on ----

    /** True if a request that will be refused may be looked at. */
    boolean mayRefuse() {
        return channel.isWritable();
    }

    /** True if a request may be looked at. */
    boolean mayTake() {
        blockedByVolume = volume.congested();
        return requests < limits.connectionRequests() && channel.isWritable() && !blockedByVolume;
    }

    @Override
    public boolean mayReceive() {
        long lacking = receivedShare(PayloadReceiver.MIN_BYTES);
        return lacking == 0 || (!budget.wanted() && budget.hasFree(lacking + limits.requestBytes()));
    }

    @Override
    public int receivable(int wantedBytes) {
        long lacking = receivedShare(wantedBytes) - receivedShare(0);
        if (lacking > 0 && budget.tryTake(lacking, limits.requestBytes())) {
            sharedBytes += lacking;
            return wantedBytes;
        }
        return (int) Math.max(PayloadReceiver.MIN_BYTES, wantedBytes - lacking);
    }

    /** Reads the socket or leaves it, and arranges to be woken where no event of the connection's own will do it. */
    void regulate(boolean wanted) {
        settle();
        boolean open = mayTake() && wanted && mayReceive();
        if (open != channel.config().isAutoRead()) {
            if (!open) {
                counters.pauses.increment();
            }
            channel.config().setAutoRead(open);
        }
        if (!open && blockedByVolume && !awaitsVolume) {
            awaitsVolume = true;
            volume.whenWritable(this::volumeWritable);
        }
    }

    private void volumeWritable() {
        awaitsVolume = false;
        wake.run();
    }

    /** The connection is gone: what is held from now on are the requests still at work. */
    void close() {
        closed = true;
        withdraw();
        settle();
    }
}
