package io.varve.api.rest;

import io.varve.api.control.Event;
import io.varve.api.control.Events;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.json.JsonObject;
import java.util.function.Consumer;

/**
 * Server-sent events (WHATWG HTML, section 9.2) of one client. A client that does not read is cut off, and comes back
 * with the id of the last event that it has; where events in between are no longer kept it is told so. On the server's
 * loop.
 */
final class EventStream {
    /** What a client says that has seen nothing of this life of the server. */
    private static final long UNKNOWN = -1;

    private final Vertx vertx;
    private final Events events;
    private final String life;

    /** @param life makes the ids of one life of the server different from those of all others */
    EventStream(Vertx vertx, Events events, String life) {
        this.vertx = vertx;
        this.events = events;
        this.life = life;
    }

    /** Begins to tell. */
    void open(HttpServerRequest request) {
        Client client = new Client(request.response(), vertx.getOrCreateContext());
        String lastSeen = request.getHeader("Last-Event-ID");
        long after = lastSeen == null ? events.last() : number(lastSeen);
        boolean complete = events.listen(after, client);
        client.begin(complete ? ": listening\n\n" : "event: gap\ndata: {}\n\n");
    }

    private long number(String id) {
        String prefix = life + "-";
        if (!id.startsWith(prefix) || !id.substring(prefix.length()).matches("[0-9]{1,18}")) {
            return UNKNOWN;
        }
        return Long.parseLong(id.substring(prefix.length()));
    }

    private String text(Event event) {
        JsonObject data = new JsonObject()
                .put("kind", event.kind())
                .put("id", event.id())
                .put("state", event.state())
                .put("time", Documents.time(event.time()));
        return "id: " + life + "-" + event.number() + "\nevent: state\ndata: " + data.encode() + "\n\n";
    }

    /** One that listens, until it leaves or is cut off. */
    private final class Client implements Consumer<Event> {
        private final HttpServerResponse response;
        private final Context loop;
        private long heartbeat;
        private boolean gone;

        Client(HttpServerResponse response, Context loop) {
            this.response = response;
            this.loop = loop;
        }

        void begin(String greeting) {
            response.setWriteQueueMaxSize(RestLimits.EVENT_QUEUE_BYTES)
                    .setChunked(true)
                    .putHeader("Content-Type", "text/event-stream")
                    .putHeader("Cache-Control", "no-store")
                    .putHeader("X-Content-Type-Options", "nosniff")
                    .closeHandler(closed -> leave());
            send(greeting);
            heartbeat = vertx.setPeriodic(RestLimits.HEARTBEAT_MILLIS, timer -> send(": still here\n\n"));
        }

        @Override
        public void accept(Event event) {
            loop.runOnContext(later -> send(text(event)));
        }

        private void send(String text) {
            if (gone) {
                return;
            }
            if (response.writeQueueFull()) {
                leave();
                response.reset();
            } else {
                response.write(text);
            }
        }

        private void leave() {
            gone = true;
            vertx.cancelTimer(heartbeat);
            events.leave(this);
        }
    }
}
