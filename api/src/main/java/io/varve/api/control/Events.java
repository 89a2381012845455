package io.varve.api.control;

import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/**
 * What happened lately, and who wants to be told of what happens next. Memory is bounded: a fixed number of events is
 * kept, and whoever listens gets each event once and has to take it or leave. Thread-safe.
 */
public final class Events {
    /** How many events are kept for those who come back. */
    public static final int KEPT = 1024;

    /** How many may listen at once. */
    public static final int MOST_LISTENERS = 64;

    private final InstantSource clock;
    private final Deque<Event> kept = new ArrayDeque<>();
    private final Set<Consumer<Event>> listeners = new LinkedHashSet<>();
    private long last;

    public Events(InstantSource clock) {
        this.clock = clock;
    }

    /** Tells everybody. */
    public synchronized void publish(String kind, Object id, String state) {
        Event event = new Event(++last, kind, id.toString(), state, clock.instant());
        kept.addLast(event);
        if (kept.size() > KEPT) {
            kept.removeFirst();
        }
        listeners.forEach(listener -> listener.accept(event));
    }

    /** The number of the newest event; 0 if there was none. */
    public synchronized long last() {
        return last;
    }

    /**
     * Tells what came after an event, and from then on what comes.
     *
     * @param after the number of the last event that is known
     * @param listener must neither wait nor call back; on any thread
     * @return true if nothing is missing between {@code after} and the first event told
     * @throws RequestException REQUEST_LIMIT_EXCEEDED if too many listen
     */
    public synchronized boolean listen(long after, Consumer<Event> listener) {
        if (listeners.size() >= MOST_LISTENERS) {
            throw new RequestException(
                    ErrorCode.REQUEST_LIMIT_EXCEEDED,
                    MOST_LISTENERS + " clients listen to events already: end one of them first");
        }
        List<Event> missed =
                kept.stream().filter(event -> event.number() > after).toList();
        missed.forEach(listener);
        listeners.add(listener);
        return after <= last && last - after == missed.size();
    }

    /** How many listen. */
    public synchronized int listeners() {
        return listeners.size();
    }

    /** Tells no more. */
    public synchronized void leave(Consumer<Event> listener) {
        listeners.remove(listener);
    }
}
