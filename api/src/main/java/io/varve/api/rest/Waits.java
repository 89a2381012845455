package io.varve.api.rest;

import io.varve.api.control.Event;
import io.varve.api.control.Events;
import io.varve.api.control.RequestException;
import io.vertx.core.Vertx;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Answers that come when work under way has ended, for clients that prefer to wait for that. A wait holds no thread: it
 * is one who listens to events, and a timer. Where there is no room for another the answer comes at once. Thread-safe.
 */
final class Waits {
    private final Vertx vertx;
    private final Events events;
    private final AtomicInteger waiting = new AtomicInteger();

    Waits(Vertx vertx, Events events) {
        this.vertx = vertx;
        this.events = events;
    }

    /**
     * What can be answered.
     *
     * @param ended whether nothing more happens by itself
     */
    record Stage(boolean ended, Answer answer) {}

    /**
     * Waits as the client prefers it.
     *
     * @param id of what is looked at, as events name it
     * @param look gives the answer as of now, from memory; on any thread. If it fails, so does the wait.
     */
    CompletableFuture<Answer> until(Preferences preferred, Object id, Supplier<Stage> look) {
        Stage now = look.get();
        int seconds = preferred.waitSeconds().orElse(0);
        if (now.ended() || seconds == 0) {
            return CompletableFuture.completedFuture(preferred.applied(now.answer(), true, now.ended()));
        }
        Wait wait = new Wait(id.toString(), look);
        if (!wait.begin(seconds)) {
            return CompletableFuture.completedFuture(preferred.applied(now.answer(), false, false));
        }
        return wait.over.thenApply(stage -> preferred.applied(stage.answer(), true, stage.ended()));
    }

    /** One who waits. */
    private final class Wait implements Consumer<Event> {
        private final String id;
        private final Supplier<Stage> look;
        private final CompletableFuture<Stage> over = new CompletableFuture<>();

        Wait(String id, Supplier<Stage> look) {
            this.id = id;
            this.look = look;
        }

        /** False if there is no room. */
        boolean begin(int seconds) {
            if (waiting.incrementAndGet() > RestLimits.WAITING) {
                waiting.decrementAndGet();
                return false;
            }
            try {
                events.listen(events.last(), this);
            } catch (RequestException e) { // as many listen to events as may
                waiting.decrementAndGet();
                return false;
            }
            long timer = vertx.setTimer(TimeUnit.SECONDS.toMillis(seconds), late -> look(true));
            over.whenComplete((stage, failure) -> {
                events.leave(this);
                vertx.cancelTimer(timer);
                waiting.decrementAndGet();
            });
            look(false); // it may have ended before this listened
            return true;
        }

        @Override
        public void accept(Event event) {
            if (event.id().equals(id)) {
                vertx.runOnContext(later -> look(false));
            }
        }

        private void look(boolean last) {
            try {
                Stage now = look.get();
                if (last || now.ended()) {
                    over.complete(now);
                }
            } catch (RuntimeException e) { // it is gone
                over.completeExceptionally(e);
            }
        }
    }
}
