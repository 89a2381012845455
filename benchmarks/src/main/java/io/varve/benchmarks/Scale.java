package io.varve.benchmarks;

import static io.varve.engine.BlockStore.BLOCK_BYTES;

import io.varve.api.DaemonThreads;
import io.varve.benchmarks.ClosedLoop.Operation;
import io.varve.engine.BlockStore;
import io.varve.engine.Completion;
import io.varve.engine.IoStatus;
import io.varve.engine.SnapshotId;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import io.varve.nbd.NettyLoops;
import io.varve.nbd.Transport;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.stream.LongStream;

/**
 * Prints what many volumes, many snapshots and big volumes cost. Run it with a directory on a real disk, and perhaps
 * one of {@code volumes}, {@code snapshots} and {@code big}; it needs about 4 GiB there and leaves nothing behind.
 *
 * <p>What is opened with many volumes is opened in a process of its own, because its memory is measured.
 */
public final class Scale {
    private static final int VOLUMES = 1000;
    private static final int SNAPSHOTS_EACH = 10;
    private static final int SNAPSHOTS = 1000;
    private static final int READS = 400_000;
    private static final long GIB = 1L << 30;
    private static final long TIB = 1L << 40;
    /** Blocks of another volume that are written meanwhile: few, because what they hold is live too. */
    private static final long OTHER_BLOCKS = 4096;

    private static final byte[] PAYLOAD = new byte[BLOCK_BYTES];

    private final Path directory;
    private final PrintStream out;
    private final SplittableRandom random = new SplittableRandom(1);

    private Scale(Path directory, PrintStream out) {
        this.directory = directory;
        this.out = out;
        new Random(1).nextBytes(PAYLOAD);
    }

    /** A store on the threads that the daemon runs it on. */
    private record Opened(BlockStore store, DaemonThreads threads, NettyLoops loops) implements AutoCloseable {
        static Opened in(Path directory) {
            NettyLoops loops = NettyLoops.start(Transport.auto(), 2);
            DaemonThreads threads = new DaemonThreads(loops);
            return new Opened(BlockStore.open(directory, StoreOptions.DEFAULT, threads), threads, loops);
        }

        @Override
        public void close() {
            store.close();
            threads.close();
            loops.close();
        }
    }

    /** Runs it; see the class. */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        Path parent = Path.of(arguments.length > 0 ? arguments[0] : System.getProperty("java.io.tmpdir"));
        String what = arguments.length > 1 ? arguments[1] : "all";
        Scale scale = new Scale(parent, System.out);
        switch (what) {
            case "open" -> scale.openAndIdle();
            case "abandon" -> scale.writeEverywhereAndDie();
            default -> {
                scale.inNewDirectory(what, "volumes", Scale::manyVolumes);
                scale.inNewDirectory(what, "snapshots", Scale::manySnapshots);
                scale.inNewDirectory(what, "big", Scale::bigVolumes);
            }
        }
        System.exit(0);
    }

    @FunctionalInterface
    private interface Part {
        void run(Scale scale) throws IOException, InterruptedException;
    }

    private void inNewDirectory(String wanted, String name, Part part) throws IOException, InterruptedException {
        if (wanted.equals("all") || wanted.equals(name)) {
            Path made = Files.createTempDirectory(directory, "varve-scale-");
            try {
                part.run(new Scale(made, out));
            } finally {
                TemporaryStore.delete(made);
            }
        }
    }

    // ---- many volumes ----

    private void manyVolumes() throws IOException, InterruptedException {
        try (Opened opened = Opened.in(directory)) {
            long start = System.nanoTime();
            for (int i = 0; i < VOLUMES; i++) {
                VolumeId id = new VolumeId(0, i);
                opened.store.createVolume(id, GIB).join();
                Volume volume = opened.store.open(id).join();
                for (int j = 0; j < SNAPSHOTS_EACH; j++) {
                    write(volume, j * (long) BLOCK_BYTES);
                    opened.store
                            .createSnapshot(new SnapshotId(0, (long) i * SNAPSHOTS_EACH + j), id)
                            .join();
                }
                volume.release();
            }
            print("made %d volumes with %d snapshots in %.1f s"
                    .formatted(VOLUMES, VOLUMES * SNAPSHOTS_EACH, seconds(start)));
        }
        child("open");
        child("abandon");
        print("killed while all volumes were open; again:");
        child("open");
    }

    private void child(String what) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Scale.class.getName()));
        command.addAll(List.of(directory.toString(), what));
        int status = new ProcessBuilder(command).inheritIO().start().waitFor();
        if (status != 0 && !what.equals("abandon")) {
            throw new IllegalStateException("the part " + what + " ended with " + status);
        }
    }

    private void openAndIdle() throws IOException, InterruptedException {
        long start = System.nanoTime();
        try (Opened opened = Opened.in(directory)) {
            print("opened %d volumes and %d snapshots in %.2f s"
                    .formatted(
                            opened.store.volumes().size(),
                            opened.store.snapshots().size(),
                            seconds(start)));
            TimeUnit.SECONDS.sleep(5);
            try (var lines = Files.lines(Path.of("/proc/self/status"))) {
                lines.filter(line -> line.startsWith("VmRSS")).forEach(line -> print("idle: %s".formatted(line)));
            }
        }
    }

    private void writeEverywhereAndDie() {
        Opened opened = Opened.in(directory);
        for (int i = 0; i < VOLUMES; i++) {
            Volume volume = opened.store.open(new VolumeId(0, i)).join();
            write(volume, 0);
        }
        Runtime.getRuntime().halt(0);
    }

    // ---- many snapshots ----

    private void manySnapshots() {
        try (Opened opened = Opened.in(directory)) {
            BlockStore store = opened.store;
            VolumeId id = new VolumeId(0, 1);
            store.createVolume(id, GIB).join();
            Volume volume = store.open(id).join();
            long blocks = GIB / BLOCK_BYTES;
            long[] next = {0};
            ClosedLoop loop = new ClosedLoop(volume, 32, PAYLOAD);
            loop.start(blocks, Operation.WRITE, () -> next[0]++ * BLOCK_BYTES).join();
            store.checkpoint().join();
            double without = readRate(loop, blocks);

            long[] syncs = new long[SNAPSHOTS];
            long[] snapshots = new long[SNAPSHOTS];
            LongSupplier anywhere = () -> random.nextLong(blocks) * BLOCK_BYTES;
            for (int i = 0; i < SNAPSHOTS; i++) {
                loop.start(64, Operation.WRITE, anywhere).join();
                long start = System.nanoTime();
                request(volume, (to, done) -> to.flush(done));
                syncs[i] = System.nanoTime() - start;
                loop.start(64, Operation.WRITE, anywhere).join();
                start = System.nanoTime();
                store.createSnapshot(new SnapshotId(0, i), id).join();
                snapshots[i] = System.nanoTime() - start;
            }
            print("a flush of 64 blocks: %s".formatted(times(syncs)));
            print("a snapshot after 64 blocks, its sync included: %s".formatted(times(snapshots)));
            double with = readRate(loop, blocks);
            print("random reads at depth 32: %.0f/s without snapshots, %.0f/s with %d (%+.1f %%)"
                    .formatted(without, with, SNAPSHOTS, 100 * (with / without - 1)));
            deleteAll(store, volume, blocks);
            volume.release();
        }
    }

    private double readRate(ClosedLoop loop, long blocks) {
        LongSupplier anywhere = () -> random.nextLong(blocks) * BLOCK_BYTES;
        double best = 0;
        for (int i = 0; i < 3; i++) {
            long start = System.nanoTime();
            loop.start(READS, Operation.READ, anywhere).join();
            best = Math.max(best, READS / seconds(start));
        }
        return best;
    }

    private void deleteAll(BlockStore store, Volume volume, long blocks) {
        List<SnapshotId> order = new ArrayList<>();
        store.snapshots().forEach(snapshot -> order.add(snapshot.id()));
        Collections.shuffle(order, new Random(1));
        long start = System.nanoTime();
        CompletableFuture<?> deleted = CompletableFuture.allOf(
                order.stream().map(store::deleteSnapshot).toArray(CompletableFuture[]::new));
        List<Long> foreground = new ArrayList<>();
        double answered = 0;
        while (store.usage().liveBytes() > GIB && seconds(start) < 120) {
            long before = System.nanoTime();
            write(volume, random.nextLong(blocks) * BLOCK_BYTES);
            foreground.add(System.nanoTime() - before);
            answered = answered == 0 && deleted.isDone() ? seconds(start) : answered;
        }
        print("deleted %d snapshots in random order: answered in %.2f s, %d MiB live of %d after %.2f s"
                .formatted(order.size(), answered, store.usage().liveBytes() >> 20, GIB >> 20, seconds(start)));
        print("writes of one block meanwhile: %s"
                .formatted(times(foreground.stream().mapToLong(Long::longValue).toArray())));
    }

    // ---- big volumes ----

    private void bigVolumes() throws IOException {
        try (Opened opened = Opened.in(directory)) {
            BlockStore store = opened.store;
            long usedBefore = allocatedBytes();
            long start = System.nanoTime();
            store.createVolume(new VolumeId(0, 1), 64 * TIB).join();
            print("created a volume of 64 TiB in %.1f ms and %d KiB"
                    .formatted(1e3 * seconds(start), allocatedBytes() - usedBefore >> 10));

            long size = 16 * TIB;
            store.createVolume(new VolumeId(0, 2), size).join();
            Volume sparse = store.open(new VolumeId(0, 2)).join();
            long count = GIB / BLOCK_BYTES;
            start = System.nanoTime();
            new ClosedLoop(sparse, 32, PAYLOAD)
                    .start(count, Operation.WRITE, () -> random.nextLong(size / BLOCK_BYTES) * BLOCK_BYTES)
                    .join();
            print("1 GiB scattered over 16 TiB at depth 32: %.0f writes/s".formatted(count / seconds(start)));
            store.checkpoint().join();
            print("map bytes per data byte: %.4f in use, %.4f in the file"
                    .formatted(
                            (double) store.usage().mapBytes() / GIB,
                            (double) Files.size(directory.resolve("map")) / GIB));
            trimAll(store, sparse);
            sparse.release();
        }
    }

    private void trimAll(BlockStore store, Volume sparse) {
        store.createVolume(new VolumeId(0, 3), GIB).join();
        Volume other = store.open(new VolumeId(0, 3)).join();
        write(other, 0);
        CompletableFuture<Double> trimmed = new CompletableFuture<>();
        long start = System.nanoTime();
        sparse.loop().execute(() -> {
            sparse.trim(0, sparse.sizeBytes(), false, status -> trimmed.complete(seconds(start)));
            sparse.submit();
        });
        List<Long> foreground = new ArrayList<>();
        while (store.usage().liveBytes() > OTHER_BLOCKS * BLOCK_BYTES && seconds(start) < 120) {
            long before = System.nanoTime();
            write(other, random.nextLong(OTHER_BLOCKS) * BLOCK_BYTES);
            foreground.add(System.nanoTime() - before);
        }
        print("trimmed all of it in %.1f ms; what it held was given back after %.2f s"
                .formatted(1e3 * trimmed.join(), seconds(start)));
        print("writes to another volume meanwhile: %s"
                .formatted(times(foreground.stream().mapToLong(Long::longValue).toArray())));
        other.release();
    }

    private long allocatedBytes() throws IOException {
        try (var files = Files.walk(directory)) {
            long blocks = 0;
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                blocks += Files.size(file);
            }
            return blocks;
        }
    }

    // ---- requests and figures ----

    @FunctionalInterface
    private interface Request {
        void make(Volume volume, Completion done);
    }

    private static void write(Volume volume, long offset) {
        ByteBuffer block = ByteBuffer.allocateDirect(BLOCK_BYTES).put(PAYLOAD).flip();
        request(volume, (to, done) -> to.write(offset, block, false, done));
    }

    private static void request(Volume volume, Request request) {
        CompletableFuture<IoStatus> done = new CompletableFuture<>();
        volume.loop().execute(() -> {
            request.make(volume, done::complete);
            volume.submit();
        });
        IoStatus status = done.join();
        if (status != IoStatus.OK) {
            throw new IllegalStateException("a request was answered " + status);
        }
    }

    private static double seconds(long startNanos) {
        return (System.nanoTime() - startNanos) / 1e9;
    }

    private static String times(long[] nanos) {
        long[] sorted = LongStream.of(nanos).sorted().toArray();
        if (sorted.length == 0) {
            return "none";
        }
        return "%d, p50 %.3f ms, p99 %.3f ms, p99.9 %.3f ms, longest %.3f ms"
                .formatted(
                        sorted.length,
                        sorted[sorted.length / 2] / 1e6,
                        sorted[sorted.length * 99 / 100] / 1e6,
                        sorted[(int) (sorted.length * 999L / 1000)] / 1e6,
                        sorted[sorted.length - 1] / 1e6);
    }

    private void print(String line) {
        out.println(line);
    }
}
