package io.varve.nbd;

import io.varve.engine.StoreException;
import io.varve.testing.Background;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/** Exports volumes in memory under their names; the empty name stands for {@code disk}. */
final class MemoryExports implements ExportResolver {
    static final String DEFAULT = "disk";

    private final Map<String, Export> exports = new ConcurrentSkipListMap<>();
    private final Map<String, MemoryHistory> histories = new ConcurrentHashMap<>();
    private final Map<String, MemoryVolume> volumes = new ConcurrentHashMap<>();
    /** Answers are given by another thread, as a real resolver's may be. */
    volatile boolean slow;
    /** Nothing is answered before this is done. */
    volatile CompletableFuture<Void> gate = CompletableFuture.completedFuture(null);
    /** How often the exports were listed. */
    final AtomicInteger listings = new AtomicInteger();

    MemoryVolume add(String id, String name, MemoryVolume volume, boolean readOnly) {
        volumes.put(name, volume);
        MemoryHistory history = new MemoryHistory(volume);
        histories.put(name, history);
        exports.put(
                name,
                new Export(
                        id,
                        name,
                        "the volume " + name,
                        volume.sizeBytes(),
                        readOnly,
                        () -> {
                            volume.openHandles.incrementAndGet();
                            return later(() -> volume);
                        },
                        history));
        return volume;
    }

    /** The past of an export. */
    MemoryHistory history(String name) {
        return histories.get(name);
    }

    void addBroken(String name, StoreException failure) {
        exports.put(
                name,
                new Export(
                        name,
                        name,
                        "",
                        1 << 20,
                        false,
                        () -> CompletableFuture.failedFuture(failure),
                        new MemoryHistory(null)));
    }

    @Override
    public CompletableFuture<Optional<Export>> resolve(String name) {
        return later(() -> Optional.ofNullable(exports.get(name.isEmpty() ? DEFAULT : name)));
    }

    @Override
    public CompletableFuture<List<Listing>> list() {
        listings.incrementAndGet();
        return later(() -> exports.values().stream()
                .map(export -> new Listing(export.name(), export.description()))
                .toList());
    }

    private <T> CompletableFuture<T> later(Supplier<T> answer) {
        return slow ? Background.supply(answer) : gate.thenApply(open -> answer.get());
    }
}
