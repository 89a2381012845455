package io.varve.api.metrics;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.FileDescriptorMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.varve.engine.BlockStore;
import io.varve.engine.CompactionCounters;
import io.varve.engine.MemoryShare;
import io.varve.engine.MemoryUse;
import io.varve.engine.ScrubStatus;
import io.varve.engine.StoreUsage;
import io.varve.nbd.NbdCounters;
import java.util.Objects;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;

/** All that /metrics shows: volumes, the store's space, NBD connections, the audit log and the JVM. Thread-safe. */
public final class ServerMetrics implements AutoCloseable {
    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final JvmGcMetrics collections = new JvmGcMetrics();

    /**
     * Registers all of it.
     *
     * @param nbdMemoryBytes what of memory NBD may have
     * @param auditLinesUnwritten how many changes the audit log could not write down
     */
    public ServerMetrics(BlockStore store, NbdCounters nbd, long nbdMemoryBytes, Supplier<Number> auditLinesUnwritten) {
        registry.getPrometheusRegistry().register(new VolumeCollector(store));
        addStore(store);
        addNbd(nbd);
        for (MemoryUse use : store.memory().keySet()) {
            addMemory(
                    use,
                    () -> share(store, use).budgetBytes(),
                    () -> share(store, use).usedBytes());
        }
        addMemory(MemoryUse.NBD_BUFFERS, () -> nbdMemoryBytes, nbd::bytesInFlight);
        Gauge.builder("varve.audit.unwritten", auditLinesUnwritten)
                .description("Changes that the audit log could not write down yet.")
                .baseUnit("lines")
                .register(registry);
        new JvmMemoryMetrics().bindTo(registry);
        new JvmThreadMetrics().bindTo(registry);
        new ProcessorMetrics().bindTo(registry);
        new FileDescriptorMetrics().bindTo(registry);
        new UptimeMetrics().bindTo(registry);
        collections.bindTo(registry);
    }

    private static MemoryShare share(BlockStore store, MemoryUse use) {
        return Objects.requireNonNull(store.memory().get(use));
    }

    private void addMemory(MemoryUse use, Supplier<Number> budget, Supplier<Number> used) {
        Gauge.builder("varve.memory.budget", budget)
                .description("Memory that a consumer may have.")
                .baseUnit("bytes")
                .tag("consumer", use.label())
                .register(registry);
        Gauge.builder("varve.memory.used", used)
                .description("Memory that a consumer has.")
                .baseUnit("bytes")
                .tag("consumer", use.label())
                .register(registry);
    }

    private void addStore(BlockStore store) {
        Gauge.builder("varve.volumes", store, s -> s.volumes().size())
                .description("Volumes in the store.")
                .register(registry);
        Gauge.builder("varve.snapshots", store, s -> s.snapshots().size())
                .description("Snapshots in the store.")
                .register(registry);
        CompactionCounters compaction = store.compaction();
        count("varve.compaction.blocks", "Blocks copied into containers.", compaction.blocksCopied);
        count("varve.compaction.frames.packed", "Frames that were kept compressed.", compaction.framesPacked);
        count("varve.compaction.segments.stuck", "Damaged segments left where they are.", compaction.segmentsStuck);
        FunctionCounter.builder("varve.compaction.written", compaction.bytesWritten, LongAdder::sum)
                .description("Bytes written to containers.")
                .baseUnit("bytes")
                .register(registry);
        addScrub(store);
        space(store, "live", StoreUsage::liveBytes);
        space(store, "dead", StoreUsage::deadBytes);
        space(store, "recyclable", StoreUsage::recyclableBytes);
        space(store, "map", StoreUsage::mapBytes);
        space(store, "reserve", StoreUsage::reserveBytes);
        space(store, "free", StoreUsage::freeBytes);
    }

    private void addScrub(BlockStore store) {
        scrub(store, "varve.scrub.passes", "Passes of the scrub over everything.", ScrubStatus::passes);
        scrub(store, "varve.scrub.pages", "Map pages that the scrub has read.", ScrubStatus::pagesRead);
        scrub(store, "varve.scrub.damage", "Blocks and map pages found damaged, each once.", ScrubStatus::damageFound);
        scrub(store, "varve.scrub.healed", "How many of them a later pass no longer found.", ScrubStatus::healed);
        FunctionCounter.builder("varve.scrub.read", store, s -> s.scrub().bytesRead())
                .description("Bytes of blocks that the scrub has read.")
                .baseUnit("bytes")
                .register(registry);
        Gauge.builder("varve.store.waiting.volumes", store, BlockStore::waitingVolumes)
                .description("Volumes that wait because the store as a whole is held to its limits.")
                .register(registry);
        Gauge.builder("varve.scrub.damaged", store, s -> s.scrub().damaged().size())
                .description("Blocks and map pages known to be damaged.")
                .register(registry);
    }

    private void scrub(BlockStore store, String name, String help, ToLongFunction<ScrubStatus> value) {
        FunctionCounter.builder(name, store, s -> value.applyAsLong(s.scrub()))
                .description(help)
                .register(registry);
    }

    private void count(String name, String help, LongAdder counter) {
        FunctionCounter.builder(name, counter, LongAdder::sum).description(help).register(registry);
    }

    private void space(BlockStore store, String kind, ToLongFunction<StoreUsage> bytes) {
        Gauge.builder("varve.store.space", store, s -> bytes.applyAsLong(s.usage()))
                .description("Space of the store by what it is for; free is what the file system has left.")
                .baseUnit("bytes")
                .tag("kind", kind)
                .register(registry);
    }

    private void addNbd(NbdCounters nbd) {
        gauge(nbd, "varve.nbd.connections", "Open NBD connections.", NbdCounters::connectionsOpen);
        Gauge.builder("varve.nbd.in.flight", nbd, NbdCounters::bytesInFlight)
                .description("Payload bytes and unsent replies at work.")
                .baseUnit("bytes")
                .register(registry);
        count(nbd, "varve.nbd.accepted", "Connections accepted.", NbdCounters::connectionsAccepted);
        count(nbd, "varve.nbd.refused", "Connections closed: too many.", NbdCounters::connectionsRefused);
        count(nbd, "varve.nbd.exports.opened", "Handshakes completed.", NbdCounters::exportsOpened);
        count(nbd, "varve.nbd.violations", "Connections closed: protocol broken.", NbdCounters::violations);
        count(nbd, "varve.nbd.timeouts", "Connections closed: client stood still.", NbdCounters::timeouts);
        count(nbd, "varve.nbd.pauses", "Times that a socket was left unread.", NbdCounters::pauses);
        count(nbd, "varve.nbd.waits", "Requests that waited for memory that connections share.", NbdCounters::waits);
        count(nbd, "varve.nbd.tls.failures", "TLS handshakes that did not succeed.", NbdCounters::tlsFailures);
    }

    private void gauge(NbdCounters nbd, String name, String help, ToDoubleFunction<NbdCounters> value) {
        Gauge.builder(name, nbd, value).description(help).register(registry);
    }

    private void count(NbdCounters nbd, String name, String help, ToDoubleFunction<NbdCounters> value) {
        FunctionCounter.builder(name, nbd, value).description(help).register(registry);
    }

    /** Everything in Prometheus' text format. */
    public String scrape() {
        return registry.scrape();
    }

    @Override
    public void close() {
        collections.close();
        registry.close();
    }
}
