package io.varve.engine.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import net.openhft.chronicle.core.Jvm;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class RealDiskTest {
    private static final int PAGE = 4096;

    @TempDir
    private Path directory;

    private RealDisk disk;

    @BeforeEach
    void open() {
        disk = RealDisk.open(directory);
    }

    @AfterEach
    void close() {
        disk.close();
    }

    // ---- data ----

    @Test
    void whatIsWrittenIsRead() {
        DiskFile file = disk.open("a", Disk.Mode.CREATE);
        file.write(10_000, pattern(1, 5000));

        assertThat(file.sizeBytes()).isEqualTo(15_000);
        assertThat(read(file, 10_000, 5000)).isEqualTo(pattern(1, 5000));
        assertThat(read(file, 0, 10_000)).isEqualTo(zeroes(10_000));
    }

    @Test
    void buffersKeepTheirPositionAndLimit() {
        DiskFile file = disk.open("a", Disk.Mode.CREATE);
        ByteBuffer source = pattern(1, 100).position(10).limit(30);
        file.write(0, source);
        assertThat(source.position()).isEqualTo(10);
        assertThat(source.limit()).isEqualTo(30);
        assertThat(file.sizeBytes()).isEqualTo(20);

        ByteBuffer destination = pattern(2, 100).position(50).limit(70);
        file.read(0, destination);
        assertThat(destination).isEqualTo(pattern(1, 100).position(10).limit(30));
        destination.clear();
        assertThat(destination.slice(0, 50)).isEqualTo(pattern(2, 100).slice(0, 50));
        assertThat(destination.slice(70, 30)).isEqualTo(pattern(2, 100).slice(70, 30));
    }

    @Test
    void beyondTheEndThereAreZeroes() {
        DiskFile file = disk.open("a", Disk.Mode.CREATE);
        file.write(0, pattern(1, 100));
        ByteBuffer destination = pattern(2, 300);
        file.read(50, destination);
        assertThat(destination.slice(0, 50)).isEqualTo(pattern(1, 100).slice(50, 50));
        assertThat(destination.slice(50, 250)).isEqualTo(zeroes(250));
    }

    @Test
    void aGatheredWriteTakesAsManyPiecesAsTheVectorHolds() {
        DiskFile file = disk.open("a", Disk.Mode.CREATE);
        ByteBuffer source = pattern(3, 1024 * 700);
        IoVector vector = new IoVector();
        int position = 0;
        SplittableRandom random = new SplittableRandom(1);
        while (vector.hasRoom(1)) {
            int length = random.nextInt(1, 700);
            vector.add(Jvm.address(source) + position, length);
            position += length;
        }
        assertThat(vector.count()).isEqualTo(1024);

        file.write(777, vector);

        assertThat(file.sizeBytes()).isEqualTo(777 + position);
        assertThat(read(file, 777, position)).isEqualTo(source.slice(0, position));
    }

    @Test
    void allocatePunchAndTruncateDoWhatTheySay() {
        DiskFile file = disk.open("a", Disk.Mode.CREATE);
        file.allocate(0, 16 * PAGE);
        assertThat(file.sizeBytes()).isEqualTo(16 * PAGE);
        assertThat(read(file, 0, 16 * PAGE)).isEqualTo(zeroes(16 * PAGE));

        file.write(0, pattern(1, 16 * PAGE));
        assertThat(file.allocatedBytes()).isGreaterThanOrEqualTo(file.sizeBytes());
        file.punch(4 * PAGE, 8 * PAGE);
        assertThat(file.sizeBytes()).isEqualTo(16 * PAGE);
        assertThat(file.allocatedBytes()).isLessThan(file.sizeBytes());
        assertThat(read(file, 4 * PAGE, 8 * PAGE)).isEqualTo(zeroes(8 * PAGE));
        assertThat(read(file, 0, 4 * PAGE)).isEqualTo(pattern(1, 16 * PAGE).slice(0, 4 * PAGE));

        file.truncate(100);
        assertThat(file.sizeBytes()).isEqualTo(100);
        file.truncate(200);
        assertThat(read(file, 100, 100)).isEqualTo(zeroes(100));
    }

    // ---- the page cache ----

    @Test
    void aReadThatMustNotWaitGetsWhatIsCached() {
        DiskFile file = disk.open("a", Disk.Mode.CREATE);
        file.write(0, pattern(1, 3 * PAGE));
        ByteBuffer destination = ByteBuffer.allocateDirect(2 * PAGE);
        assertThat(file.tryRead(PAGE, destination)).isEqualTo(2 * PAGE);
        assertThat(destination).isEqualTo(pattern(1, 3 * PAGE).slice(PAGE, 2 * PAGE));
        assertThat(file.tryRead(2 * PAGE, destination)).isEqualTo(PAGE);
        assertThat(file.tryRead(3 * PAGE, destination)).isZero();
    }

    @Test
    void aReadThatMustNotWaitIsRefusedWhatIsNotCached() {
        Assumptions.assumeTrue(onDevice(), "a file system in memory has everything in the page cache");
        DiskFile file = disk.open("a", Disk.Mode.CREATE);
        file.write(0, pattern(1, 16 << 20));
        file.sync();
        dropPages("a");

        // The kernel starts reading ahead at the first refusal, so one of a few distant places is enough.
        int refused = 0;
        for (long position = 0; position < 16 << 20; position += 1 << 20) {
            if (file.tryRead(position, ByteBuffer.allocateDirect(PAGE)) == DiskFile.WOULD_BLOCK) {
                refused++;
            }
        }
        assertThat(refused).isPositive();
        assertThat(disk.readsWithoutWaiting()).isTrue();
        assertThat(read(file, 5 << 20, PAGE)).isEqualTo(pattern(1, 16 << 20).slice(5 << 20, PAGE));
    }

    @Test
    void aDeviceReadSeesEarlierWrites() {
        DiskFile file = disk.open("a", Disk.Mode.CREATE);
        file.write(0, pattern(1, 10 * PAGE + 100));
        ByteBuffer destination = aligned(16 * PAGE);
        file.readDevice(0, destination);
        assertThat(destination.slice(0, 10 * PAGE + 100)).isEqualTo(pattern(1, 10 * PAGE + 100));
        assertThat(destination.slice(10 * PAGE + 100, 6 * PAGE - 100)).isEqualTo(zeroes(6 * PAGE - 100));
    }

    @Test
    void aDeviceReadWithoutDirectReadsSeesTheSame() {
        disk.cannotReadDirectly();
        aDeviceReadSeesEarlierWrites();
    }

    @Test
    void aDeviceReadThatIsNotAlignedIsRefused() {
        DiskFile file = disk.open("a", Disk.Mode.CREATE);
        ByteBuffer page = aligned(2 * PAGE);
        assertThatThrownBy(() -> file.readDevice(512, page)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> file.readDevice(0, page.slice(0, 100))).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> file.readDevice(0, page.slice(512, PAGE)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("not aligned to 4096");
    }

    // ---- asynchronous operations ----

    @Test
    void asynchronousOperationsCallBackOnTheExecutor() throws Exception {
        ExecutorService loop = Executors.newSingleThreadExecutor(task -> new Thread(task, "the-loop"));
        try {
            DiskFile file = disk.open("a", Disk.Mode.CREATE);
            file.write(0, pattern(1, 1 << 20));
            ByteBuffer destination = ByteBuffer.allocateDirect(1 << 20);

            CompletableFuture<String> written = new CompletableFuture<>();
            file.writeBackAsync(0, 1 << 20, loop, failure -> written.complete(outcome(failure)));
            CompletableFuture<String> synced = new CompletableFuture<>();
            file.syncAsync(loop, failure -> synced.complete(outcome(failure)));
            CompletableFuture<String> read = new CompletableFuture<>();
            file.readAsync(0, destination, loop, failure -> read.complete(outcome(failure)));

            assertThat(written.get(10, TimeUnit.SECONDS)).isEqualTo("success on the-loop");
            assertThat(synced.get(10, TimeUnit.SECONDS)).isEqualTo("success on the-loop");
            assertThat(read.get(10, TimeUnit.SECONDS)).isEqualTo("success on the-loop");
            assertThat(destination).isEqualTo(pattern(1, 1 << 20));
        } finally {
            loop.shutdown();
        }
    }

    @Test
    void aFailureIsToldToTheCallback() throws Exception {
        DiskFile file = disk.open("a", Disk.Mode.CREATE);
        file.close();
        CompletableFuture<String> read = new CompletableFuture<>();
        file.readAsync(0, zeroes(10), Runnable::run, failure -> read.complete(outcome(failure)));
        assertThat(read.get(10, TimeUnit.SECONDS)).startsWith("a is closed");
    }

    @Test
    void syncsAreCounted() {
        DiskFile file = disk.open("a", Disk.Mode.CREATE);
        long before = disk.syncs();
        file.write(0, pattern(1, 10));
        assertThat(disk.syncs()).isEqualTo(before);
        file.sync();
        disk.syncDirectory("");
        assertThat(disk.syncs()).isEqualTo(before + 2);
    }

    @Test
    void anInterruptClosesNothing() {
        DiskFile file = disk.open("a", Disk.Mode.CREATE);
        Thread.currentThread().interrupt();
        file.write(0, pattern(1, PAGE));
        file.sync();
        assertThat(Thread.interrupted()).isTrue();
        assertThat(read(file, 0, PAGE)).isEqualTo(pattern(1, PAGE));
    }

    // ---- names ----

    @Test
    void namesAreListedSortedAndWithoutTheLock() {
        assertThat(disk.tryLock()).isTrue();
        disk.createDirectory("sub");
        disk.createDirectory("sub");
        for (String name : List.of("b", "a", "sub/y", "sub/x")) {
            disk.open(name, Disk.Mode.CREATE);
        }
        disk.syncDirectory("");
        disk.syncDirectory("sub");
        assertThat(disk.list("")).containsExactly("a", "b");
        assertThat(disk.list("sub")).containsExactly("x", "y");
        assertThat(disk.exists("sub/x")).isTrue();
        assertThat(disk.exists("sub/z")).isFalse();
        disk.delete("sub/x");
        assertThat(disk.list("sub")).containsExactly("y");
    }

    @Test
    void anOpenFileFollowsItsNewName() {
        disk.close();
        disk = RealDisk.open(directory, 1);
        DiskFile file = disk.open("a", Disk.Mode.CREATE);
        file.write(0, pattern(1, PAGE));
        disk.rename("a", "b");
        assertThat(file.name()).isEqualTo("b");
        // Takes the only descriptor.
        disk.open("c", Disk.Mode.CREATE).write(0, pattern(2, PAGE));
        assertThat(read(file, 0, PAGE)).isEqualTo(pattern(1, PAGE));
        assertThat(disk.list("")).containsExactly("b", "c");
    }

    @Test
    void aFileWhoseNameIsDeletedOrReplacedIsClosed() {
        DiskFile deleted = disk.open("deleted", Disk.Mode.CREATE);
        DiskFile replaced = disk.open("replaced", Disk.Mode.CREATE);
        disk.open("new", Disk.Mode.CREATE);
        disk.delete("deleted");
        disk.rename("new", "replaced");
        assertThatThrownBy(deleted::sync).isInstanceOf(DiskException.class).hasMessage("deleted is closed");
        assertThatThrownBy(replaced::sync).isInstanceOf(DiskException.class).hasMessage("replaced is closed");
    }

    @Test
    void failuresSayWhatKindTheyAre() {
        disk.open("a", Disk.Mode.CREATE);
        assertKind(DiskException.Kind.NAME, "EEXIST", () -> disk.open("a", Disk.Mode.CREATE));
        assertKind(DiskException.Kind.NAME, "ENOENT", () -> disk.open("b", Disk.Mode.EXISTING));
        assertKind(DiskException.Kind.NAME, "ENOENT", () -> disk.delete("b"));
        assertKind(DiskException.Kind.NAME, "ENOENT", () -> disk.rename("b", "c"));
        assertKind(DiskException.Kind.NAME, "", () -> disk.list("nowhere"));
        assertKind(DiskException.Kind.NAME, "ENOENT", () -> disk.syncDirectory("nowhere"));
        assertKind(DiskException.Kind.NAME, "not a directory", () -> RealDisk.open(directory.resolve("nowhere")));
        DiskFile file = disk.open("a", Disk.Mode.EXISTING);
        assertKind(
                DiskException.Kind.IO,
                "write of a at -1, 10 bytes, failed: EINVAL",
                () -> file.write(-1, pattern(1, 10)));
    }

    @Test
    void aFullDeviceIsNoSpace() throws IOException {
        Path full = Path.of("/dev/full");
        Assumptions.assumeTrue(Files.exists(full), "/dev/full");
        Path link = Files.createSymbolicLink(directory.resolve("full"), full);
        DiskFile file = disk.open("full", Disk.Mode.EXISTING);
        assertKind(DiskException.Kind.NO_SPACE, "ENOSPC", () -> file.write(0, pattern(1, 10)));
        IoVector vector = new IoVector();
        ByteBuffer source = pattern(1, 10);
        vector.add(Jvm.address(source), 10);
        assertKind(DiskException.Kind.NO_SPACE, "write of full at 0, 10 bytes", () -> file.write(0, vector));
        Files.delete(link);
    }

    @Test
    void aFailedSyncIsFinal() throws IOException {
        // /dev/full takes no fdatasync: EINVAL.
        Path link = Files.createSymbolicLink(directory.resolve("full"), Path.of("/dev/full"));
        DiskFile file = disk.open("full", Disk.Mode.EXISTING);
        assertKind(DiskException.Kind.IO, "sync of full failed", file::sync);
        long tried = disk.syncs();
        assertKind(DiskException.Kind.IO, "sync of full failed", file::sync);
        assertThat(disk.syncs()).as("the second sync is not even tried").isEqualTo(tried);
        Files.delete(link);
    }

    @Test
    void spaceIsThatOfTheFileSystem() throws IOException {
        assertThat(disk.totalBytes()).isEqualTo(Files.getFileStore(directory).getTotalSpace());
        assertThat(disk.freeBytes()).isBetween(1L, disk.totalBytes());
    }

    @Test
    void aSecondProcessIsKeptOutUntilTheFirstCloses() {
        assertThat(disk.tryLock()).isTrue();
        assertThat(disk.tryLock()).isTrue();
        try (RealDisk other = RealDisk.open(directory)) {
            assertThat(other.tryLock()).isFalse();
            disk.close();
            assertThat(other.tryLock()).isTrue();
        }
    }

    // ---- descriptors ----

    @Test
    void moreFilesThanDescriptorsAreServed() throws Exception {
        disk.close();
        int limit = 4;
        int threads = 4;
        disk = RealDisk.open(directory, limit);
        List<DiskFile> files = new ArrayList<>();
        for (int i = 0; i < 64; i++) {
            DiskFile file = disk.open("f" + i, Disk.Mode.CREATE);
            file.allocate(0, 64 * PAGE);
            files.add(file);
        }
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        try {
            List<Future<?>> results = new ArrayList<>();
            for (int t = 0; t < threads; t++) {
                int thread = t;
                results.add(pool.submit(() -> useAtRandom(files, thread, threads)));
            }
            for (Future<?> result : results) {
                result.get();
            }
        } finally {
            pool.shutdown();
        }
        assertThat(disk.descriptors().size()).isBetween(1, limit + threads);
        assertThat(descriptorsInDirectory()).isEqualTo(disk.descriptors().size());

        files.forEach(DiskFile::close);
        assertThat(disk.descriptors().size()).isZero();
        assertThat(descriptorsInDirectory()).isZero();
    }

    /** Each thread has its own pages of every file, so that it knows what they must hold. */
    private static void useAtRandom(List<DiskFile> files, int thread, int threads) {
        SplittableRandom random = new SplittableRandom(thread);
        int[][] versions = new int[files.size()][64];
        ByteBuffer page = ByteBuffer.allocateDirect(PAGE);
        for (int i = 1; i < 1000; i++) {
            int number = random.nextInt(files.size());
            DiskFile file = files.get(number);
            int slot = random.nextInt(64 / threads) * threads + thread;
            if (random.nextInt(100) == 0) {
                file.sync();
            } else if (random.nextBoolean()) {
                page.putInt(0, number).putInt(4, slot).putInt(8, i);
                file.write((long) slot * PAGE, page);
                versions[number][slot] = i;
            } else {
                file.read((long) slot * PAGE, page);
                assertThat(page.getInt(8)).isEqualTo(versions[number][slot]);
                if (versions[number][slot] > 0) {
                    assertThat(page.getInt(0)).isEqualTo(number);
                    assertThat(page.getInt(4)).isEqualTo(slot);
                }
            }
        }
    }

    @Test
    void aFileWithUnsyncedWritesIsSyncedBeforeItsDescriptorGoes() {
        disk.close();
        disk = RealDisk.open(directory, 2);
        DiskFile clean = disk.open("clean", Disk.Mode.CREATE);
        DiskFile dirty = disk.open("dirty", Disk.Mode.CREATE);
        dirty.write(0, pattern(1, PAGE));
        long before = disk.syncs();

        DiskFile third = disk.open("third", Disk.Mode.CREATE);
        assertThat(disk.syncs()).as("the clean file goes first").isEqualTo(before);
        third.write(0, pattern(2, PAGE));

        read(clean, 0, 0);
        clean.sizeBytes();
        assertThat(disk.syncs()).as("then a dirty one, synced").isEqualTo(before + 1);
        assertThat(disk.descriptors().size()).isEqualTo(2);
    }

    @Test
    void closingUnderReadersHarmsNobody() throws Exception {
        for (int round = 0; round < 50; round++) {
            String name = "r" + round;
            DiskFile file = disk.open(name, Disk.Mode.CREATE);
            file.write(0, pattern(round, PAGE));
            AtomicBoolean reading = new AtomicBoolean();
            Thread reader = new Thread(() -> {
                try {
                    while (true) {
                        assertThat(read(file, 0, PAGE)).isEqualTo(pattern(round(name), PAGE));
                        reading.set(true);
                    }
                } catch (DiskException closed) {
                    assertThat(closed).hasMessage(name + " is closed");
                }
            });
            CompletableFuture<Throwable> failure = new CompletableFuture<>();
            reader.setUncaughtExceptionHandler((thread, e) -> failure.complete(e));
            reader.start();
            while (!reading.get()) {
                Thread.onSpinWait();
            }
            file.close();
            file.close();
            reader.join();
            assertThat(failure).isNotDone();
        }
        assertThat(descriptorsInDirectory()).isZero();
    }

    @Test
    void aDirectoryThatCannotBeWrittenIsRefused() {
        Path readOnly = Path.of("/proc/self/task");
        Assumptions.assumeTrue(Files.isDirectory(readOnly), "/proc");
        assertThatThrownBy(() -> RealDisk.open(readOnly)).isInstanceOf(DiskException.class);
        assertThatCode(() -> RealDisk.open(directory).close()).doesNotThrowAnyException();
    }

    // ---- means ----

    private static int round(String name) {
        return Integer.parseInt(name.substring(1));
    }

    private static void assertKind(DiskException.Kind kind, String words, Runnable operation) {
        assertThatThrownBy(operation::run)
                .isInstanceOfSatisfying(
                        DiskException.class, e -> assertThat(e.kind()).isEqualTo(kind))
                .hasMessageContaining(words);
    }

    private static String outcome(DiskException failure) {
        return Optional.ofNullable(failure).map(Throwable::getMessage).orElse("success") + " on "
                + Thread.currentThread().getName();
    }

    private static ByteBuffer pattern(int seed, int length) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return ByteBuffer.allocateDirect(length).put(0, bytes);
    }

    private static ByteBuffer zeroes(int length) {
        return ByteBuffer.allocateDirect(length);
    }

    private static ByteBuffer aligned(int length) {
        return ByteBuffer.allocateDirect(length + PAGE).alignedSlice(PAGE).slice(0, length);
    }

    private static ByteBuffer read(DiskFile file, long position, int length) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(length);
        file.read(position, buffer);
        return buffer;
    }

    private boolean onDevice() {
        try {
            return !Files.getFileStore(directory).type().equals("tmpfs");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void dropPages(String name) {
        int fd = disk.openPath(name, Posix.O_RDONLY);
        Posix.C.posix_fadvise(fd, 0, 0, Posix.POSIX_FADV_DONTNEED);
        Posix.C.close(fd);
    }

    private long descriptorsInDirectory() {
        long count = 0;
        for (File entry : new File("/proc/self/fd").listFiles()) {
            try {
                if (Files.readSymbolicLink(entry.toPath()).startsWith(directory.toRealPath())) {
                    count++;
                }
            } catch (IOException gone) {
                // The descriptor that listed the directory.
            }
        }
        return count;
    }
}
