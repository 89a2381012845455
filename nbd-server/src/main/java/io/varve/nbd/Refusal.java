package io.varve.nbd;

import io.varve.engine.StoreException;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Why an export is not opened or described.
 *
 * @param type an option error (proto.md, "Option reply types")
 * @param message for people
 */
record Refusal(int type, String message) {
    private static final Logger LOG = LoggerFactory.getLogger(Refusal.class);

    /** A failure as the next stage of a future takes it. */
    static CompletionException rethrown(@Nullable Throwable failure) {
        return failure instanceof CompletionException wrapped ? wrapped : new CompletionException(failure);
    }

    /** @param failure what the resolver or the engine failed with; null if there simply is no such export */
    static Refusal of(String name, @Nullable Throwable failure) {
        Throwable cause = failure;
        while (cause instanceof CompletionException && cause.getCause() != null) {
            cause = cause.getCause();
        }
        if (cause == null) {
            return new Refusal(HandshakeWire.REP_ERR_UNKNOWN, "no such export");
        }
        StoreException.Kind kind = cause instanceof StoreException refused ? refused.kind() : StoreException.Kind.IO;
        return switch (kind) {
            case VOLUME_NOT_FOUND, SNAPSHOT_NOT_FOUND, INVALID ->
                new Refusal(HandshakeWire.REP_ERR_UNKNOWN, "no such export");
            case CLOSED -> new Refusal(HandshakeWire.REP_ERR_SHUTDOWN, "the server is shutting down");
            case IN_USE -> new Refusal(HandshakeWire.REP_ERR_POLICY, "the export is in use");
            case LOCKED, ACCESS_DENIED, NEWER_FORMAT, DAMAGED, ALREADY_EXISTS, OUT_OF_MEMORY, NO_SPACE, IO -> {
                LOG.warn("export '{}' cannot be opened", name, cause);
                yield new Refusal(HandshakeWire.REP_ERR_POLICY, "the export cannot be opened; see the server's log");
            }
        };
    }
}
