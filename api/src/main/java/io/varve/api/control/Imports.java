package io.varve.api.control;

import io.varve.engine.SnapshotId;
import io.varve.engine.VolumeId;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Snapshots that come from portable files. The bytes of a file may come in several pieces: each goes on where the last one
 * ended, also after a crash. Thread-safe.
 */
public final class Imports {
    /** How many may be unfinished at once. */
    public static final int MOST_UNFINISHED = 16;

    /** An unfinished one that nothing came for so long is taken back. */
    static final Duration PATIENCE = Duration.ofDays(7);

    private static final Filters<ImportEntry> FILTERS = new Filters<ImportEntry>(ImportEntry::label)
            .one("import-id", ImportEntry::id)
            .one("state", ImportEntry::state)
            .one("snapshot-id", ImportEntry::snapshot);

    private final ControlParts parts;
    private final Ledger<ImportId, ImportEntry> entries;
    private final Set<ImportId> receiving = ConcurrentHashMap.newKeySet();

    Imports(ControlParts parts) {
        this.parts = parts;
        entries = parts.imports();
    }

    /** What the snapshot is to be called. */
    public record Request(Label label, String description, Optional<String> clientToken) {
        private Optional<ClientToken> token() {
            return clientToken.map(token -> new ClientToken(token, label + " " + description));
        }
    }

    /** Begins an import, or finds the one that the same token began. Fails with RESOURCE_LIMIT_EXCEEDED. */
    public CompletableFuture<ImportEntry> create(Request request) {
        return parts.sequencer().run("imports", () -> {
            Optional<ImportEntry> earlier = entries.withToken(request.token());
            if (earlier.isPresent()) {
                return earlier.get();
            }
            if (entries.all().stream().filter(entry -> !entry.completed()).count() >= MOST_UNFINISHED) {
                throw new RequestException(
                        ErrorCode.RESOURCE_LIMIT_EXCEEDED,
                        MOST_UNFINISHED + " imports are unfinished: finish or delete one first");
            }
            ImportEntry entry = new ImportEntry(
                    ImportId.random(parts.random()),
                    request.label(),
                    request.description(),
                    VolumeId.random(parts.random()),
                    SnapshotId.random(parts.random()),
                    Optional.empty(),
                    ImportEntry.Progress.NONE,
                    now(),
                    false,
                    request.token());
            entries.put(entry);
            return entry;
        });
    }

    /** A part of the imports, in the order of their ids. */
    public ListRequest.Page<ImportEntry> list(ListRequest request) {
        List<ImportEntry> all = entries.all().stream()
                .sorted(Comparator.comparing(entry -> entry.id().text()))
                .toList();
        return request.page(
                "imports", all, entry -> Digits.order(entry.id()), Optional::of, FILTERS.passing(request.filters()));
    }

    /** Fails with RESOURCE_NOT_FOUND. */
    public ImportEntry describe(ImportId id) {
        return entries.find(id)
                .orElseThrow(() -> new RequestException(ErrorCode.RESOURCE_NOT_FOUND, "there is no import " + id));
    }

    /**
     * Takes bytes in from where the last ones ended. To be closed.
     *
     * @param offset where the caller thinks that this is
     * @throws RequestException RESOURCE_NOT_FOUND, INCORRECT_STATE if it is completed or somebody else is sending,
     *     INVALID_PARAMETER_VALUE if it is elsewhere
     */
    public ImportReceiver receive(ImportId id, long offset) {
        ImportEntry entry = describe(id);
        if (entry.completed() || !receiving.add(id)) {
            throw new RequestException(
                    ErrorCode.INCORRECT_STATE,
                    "import %s is %s".formatted(id, entry.completed() ? "completed" : "being sent by another request"));
        }
        try {
            ImportEntry current = describe(id);
            if (offset != current.progress().receivedBytes()) {
                throw new RequestException(
                        ErrorCode.INVALID_PARAMETER_VALUE,
                        "Upload-Offset %d is refused: import %s goes on at %d"
                                .formatted(offset, id, current.progress().receivedBytes()));
            }
            return new ImportReceiver(parts, current, () -> receiving.remove(id));
        } catch (RuntimeException e) {
            receiving.remove(id);
            throw e;
        }
    }

    /** Takes an unfinished import back; a completed one is forgotten, and its snapshot stays. */
    public CompletableFuture<Void> delete(ImportId id) {
        return parts.sequencer().run(id.toString(), () -> {
            ImportEntry entry = describe(id);
            if (!receiving.add(id)) {
                throw new RequestException(ErrorCode.INCORRECT_STATE, "import " + id + " is being sent");
            }
            try {
                if (parts.store().volume(entry.volume()).isPresent()) {
                    EngineCalls.await(parts.store().deleteVolume(entry.volume()));
                }
                entries.remove(id);
            } finally {
                receiving.remove(id);
            }
            return null;
        });
    }

    /** Takes back what nothing came for in a long time. Blocks. */
    void expire() {
        for (ImportEntry entry : entries.all()) {
            boolean over = now().isAfter(entry.touchedAt().plus(PATIENCE));
            if (over && !receiving.contains(entry.id())) {
                delete(entry.id()).join();
            }
        }
    }

    private Instant now() {
        return parts.clock().instant();
    }
}
