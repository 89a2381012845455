package io.varve.engine.store;

import io.varve.engine.BlockStore;
import io.varve.engine.Completion;
import io.varve.engine.IoStatus;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.engine.io.SimulatedCrash;
import io.varve.engine.io.SimulatedDisk;
import io.varve.engine.io.SimulatedScheduler;
import io.varve.engine.io.SimulatedThreads;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;

/** A store on a simulated disk, driven one request after the other. */
final class SimulatedStore {
    private static final long SEED = 1;

    final SimulatedDisk disk;
    private final StoreOptions options;
    private final long seed;
    private SimulatedScheduler scheduler;
    private BlockStore store;

    SimulatedStore(long capacityBytes, StoreOptions options) {
        this(capacityBytes, options, Map.of());
    }

    /** The store that {@code files} are. */
    SimulatedStore(long capacityBytes, StoreOptions options, Map<String, byte[]> files) {
        this(capacityBytes, options, files, SEED);
    }

    /** A new store whose threads take turns in an order of their own. */
    SimulatedStore(long capacityBytes, StoreOptions options, long seed) {
        this(capacityBytes, options, Map.of(), seed);
    }

    private SimulatedStore(long capacityBytes, StoreOptions options, Map<String, byte[]> files, long seed) {
        this.options = options;
        this.seed = seed;
        scheduler = new SimulatedScheduler(seed);
        disk = new SimulatedDisk(scheduler, seed, capacityBytes);
        disk.addFiles(files);
        disk.requireAllocatedWrites(name -> true);
        store = StoreEngine.open(disk, options, new SimulatedThreads(scheduler, 1));
    }

    BlockStore store() {
        return store;
    }

    /** Kills the process and starts it again. */
    void restart() {
        scheduler = new SimulatedScheduler(seed, scheduler.nanoTime());
        disk.processKill(scheduler);
        store = StoreEngine.open(disk, options, new SimulatedThreads(scheduler, 1));
    }

    /** Cuts the power once so many operations have changed the disk, or after some seconds; starts again. */
    void powerLossWithin(int operations, int seconds) {
        disk.crashAfter(operations);
        try {
            rest(seconds);
        } catch (SimulatedCrash expected) {
            // in the middle of something
        }
        powerLoss();
    }

    /** Cuts the power and starts again. */
    void powerLoss() {
        scheduler = new SimulatedScheduler(seed, scheduler.nanoTime());
        disk.powerLoss(scheduler);
        store = StoreEngine.open(disk, options, new SimulatedThreads(scheduler, 1));
    }

    /** What the store's clock shows. */
    long nanoTime() {
        return scheduler.nanoTime();
    }

    /** Lets the store work by itself for some seconds of its clock. */
    void rest(int seconds) {
        long until = scheduler.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        scheduler.runUntil(() -> scheduler.nanoTime() >= until);
    }

    <T> T await(CompletableFuture<T> future) {
        scheduler.runUntil(future::isDone);
        return future.join();
    }

    /** Waits as a server does before it takes more requests in. */
    void awaitWritable(Volume volume) {
        CompletableFuture<Boolean> writable = new CompletableFuture<>();
        volume.loop().execute(() -> volume.whenWritable(() -> writable.complete(true)));
        await(writable);
    }

    IoStatus call(Volume volume, BiConsumer<Volume, Completion> request) {
        CompletableFuture<IoStatus> result = new CompletableFuture<>();
        volume.loop().execute(() -> {
            request.accept(volume, result::complete);
            volume.submit();
        });
        return await(result);
    }

    IoStatus write(Volume volume, long offset, int length, int value) {
        ByteBuffer source = filled(length, value);
        return call(volume, (opened, done) -> opened.write(offset, source, false, done));
    }

    IoStatus flush(Volume volume) {
        return call(volume, Volume::flush);
    }

    static ByteBuffer filled(int length, int value) {
        ByteBuffer bytes = ByteBuffer.allocateDirect(length);
        while (bytes.hasRemaining()) {
            bytes.put((byte) value);
        }
        return bytes.flip();
    }
}
