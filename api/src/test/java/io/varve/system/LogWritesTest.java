package io.varve.system;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.api.DaemonThreads;
import io.varve.engine.BlockStore;
import io.varve.engine.CheckReport;
import io.varve.engine.Finding;
import io.varve.engine.IoStatus;
import io.varve.engine.SnapshotId;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.nbd.NettyLoops;
import io.varve.nbd.Transport;
import io.varve.testing.RequiresRoot;
import io.varve.testing.RequiresTools;
import io.varve.testing.Tools;
import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The store on a real file system on a device that may lose power between any two of its requests: a guest writes with
 * the kernel's dm-log-writes below the store's ext4; then, for many prefixes of that log, the device is made anew,
 * mounted, and the store on it has to check clean, open, and show a prefix of the volume's changes with everything
 * flushed in it, and each snapshot whole (laws 2, 3 and 7).
 */
@Tag("slow")
@RequiresRoot
@RequiresTools({
    "qemu-system-x86_64",
    "busybox",
    "cpio",
    "dmsetup",
    "ldd",
    "losetup",
    "nbd-client",
    "mkfs.ext4",
    "e2fsck",
    "modprobe",
    "depmod",
    "apt-get",
    "dpkg-deb"
})
class LogWritesTest {
    private static final int CHANGES = Integer.getInteger("varve.logwrites.changes", 800);
    private static final int POINTS = Integer.getInteger("varve.logwrites.points", 24);
    private static final Duration PATIENCE = Duration.ofMinutes(8);

    @TempDir
    Path directory;

    private DeviceLog log;

    @Test
    void aStoreComesUpFromEveryPrefixOfWhatItsDeviceWrote() throws IOException {
        log = record();
        List<String> marks = log.entries().stream().map(DeviceLog.Entry::mark).toList();
        int mounted = marks.indexOf(LoggedWriter.FLUSHED + 32);
        assertThat(marks).contains(LoggedWriter.FLUSHED + CHANGES);
        long seed = System.nanoTime();
        Set<Integer> points = points(mounted + 1, marks.size(), new Random(seed));
        System.out.printf(
                "%d requests and marks of the device, %d prefixes of them, seed %d%n",
                marks.size(), points.size(), seed);

        long found = 0;
        long most = 0;
        int snapshots = 0;
        int done = 0;
        try (FileChannel device =
                FileChannel.open(file("device", 1), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            for (int point : points) {
                log.replay(done, point, device);
                done = point;
                Found here = inspect(marks.subList(0, point));
                found += here.unflushed();
                most = Math.max(most, here.unflushed());
                snapshots += here.snapshots();
            }
        }
        System.out.printf(
                "every one is a prefix of the changes, with %d not flushed on average, %d at most; %d snapshots whole%n",
                found / points.size(), most, snapshots);
        assertThat(snapshots).isPositive();
    }

    /** Half of the points stand behind a mark, where everything that was flushed must just be there. */
    private Set<Integer> points(int first, int end, Random random) {
        TreeSet<Integer> points = new TreeSet<>(List.of(end));
        List<Integer> marks = IntStream.range(first, end)
                .filter(i -> !log.entries().get(i).mark().isEmpty())
                .boxed()
                .toList();
        for (int i = 0; points.size() < Math.min(POINTS, end - first); i++) {
            points.add(i % 2 == 0 ? marks.get(random.nextInt(marks.size())) + 1 : first + random.nextInt(end - first));
        }
        return points;
    }

    // ---- writing the log ----

    private DeviceLog record() throws IOException {
        GuestKernel kernel = GuestKernel.into(directory, "dmsetup");
        Path java = javaDisk();
        Path disk = file("disk", 1);
        Path written = file("log", 16);
        try (Guest guest = kernel.boot(
                "log-writes",
                Map.of("changes", String.valueOf(CHANGES)),
                "-m",
                "1024",
                "-drive",
                drive(java) + ",readonly=on",
                "-drive",
                drive(disk),
                "-drive",
                drive(written))) {
            guest.awaitSuccess(PATIENCE);
        }
        return DeviceLog.read(written);
    }

    private static String drive(Path file) {
        return "file=" + file + ",format=raw,if=virtio,cache=unsafe";
    }

    private Path file(String name, int gibibytes) throws IOException {
        Path file = directory.resolve(name);
        try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
            sparse.setLength((long) gibibytes << 30);
        }
        return file;
    }

    /** A file system with a Java runtime, its native libraries, and the classes of this test. */
    private Path javaDisk() throws IOException {
        Path root = Files.createDirectory(directory.resolve("java"));
        Path runtime = root.resolve("runtime");
        run(
                Path.of(System.getProperty("java.home"), "bin", "jlink").toString(),
                "--add-modules",
                "java.se,jdk.unsupported",
                "--strip-debug",
                "--output",
                runtime.toString());
        Path natives = Files.createDirectory(root.resolve("native"));
        run(
                "sh",
                "-c",
                "find " + runtime + " -name 'lib*.so' -o -name java -type f | xargs ldd | grep -o '/[^ )]*' | sort -u"
                        + " | while read file; do [ -f \"$file\" ] && cp -L \"$file\" " + natives + "; done; true");
        Path classes = Files.createDirectory(root.resolve("classes"));
        StringBuilder path = new StringBuilder();
        int number = 0;
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
            String name = "entry-" + number++ + (entry.endsWith(".jar") ? ".jar" : "");
            if (!entry.isEmpty() && Files.exists(Path.of(entry))) {
                run("cp", "-rL", entry, classes.resolve(name).toString());
                path.append(path.isEmpty() ? "" : ":").append("/java/classes/").append(name);
            }
        }
        Files.writeString(root.resolve("options"), """
                --add-opens=java.base/sun.nio.ch=ALL-UNNAMED
                --add-opens=java.base/java.lang.reflect=ALL-UNNAMED
                --add-exports=java.base/jdk.internal.ref=ALL-UNNAMED
                -Xmx128m
                -XX:MaxDirectMemorySize=640m
                -XX:+UseSerialGC
                -XX:TieredStopAtLevel=1
                -cp
                %s
                """.formatted(path));
        Path disk = file("java-disk", 1);
        run("mkfs.ext4", "-q", "-O", "^has_journal", "-d", root.toString(), disk.toString());
        return disk;
    }

    // ---- looking at a prefix ----

    /** @param unflushed changes that are there though no flush was answered after them */
    private record Found(long unflushed, int snapshots) {}

    private Found inspect(List<String> marks) throws IOException {
        Path copy = directory.resolve("copy");
        run("cp", "--sparse=always", directory.resolve("device").toString(), copy.toString());
        Path mount = Files.createDirectories(directory.resolve("mount"));
        run("mount", "-o", "loop", copy.toString(), mount.toString());
        try {
            Path store = mount.resolve("store");
            CheckReport report = BlockStore.check(store, true);
            assertThat(report.findings())
                    .as("findings after %d requests", marks.size())
                    .allMatch(finding -> finding.severity() == Finding.Severity.NOTE);
            return open(store, last(marks, LoggedWriter.FLUSHED), last(marks, LoggedWriter.SNAPSHOT));
        } finally {
            run("umount", mount.toString());
        }
    }

    /** The highest number in a mark of that kind. */
    private static long last(List<String> marks, String kind) {
        return marks.stream()
                .filter(mark -> mark.startsWith(kind))
                .mapToLong(mark -> Long.parseLong(mark.substring(kind.length())))
                .max()
                .orElse(0);
    }

    private static Found open(Path directory, long flushed, long lastSnapshot) {
        try (NettyLoops loops = NettyLoops.start(Transport.NIO, 1);
                DaemonThreads threads = new DaemonThreads(loops);
                BlockStore store = BlockStore.open(directory, StoreOptions.DEFAULT.withBallast(1 << 20), threads)) {
            long[] shown = content(store.open(LoggedWriter.VOLUME).join());
            long seen = LoggedHistory.seen(shown, flushed, CHANGES, LoggedWriter.BATCH);
            Map<SnapshotId, Long> due = new TreeMap<>(Comparator.comparing(SnapshotId::toString));
            for (long changes = lastSnapshot; changes > 0 && changes > lastSnapshot - LoggedWriter.KEPT_CHANGES; ) {
                due.put(LoggedWriter.snapshot(changes), changes);
                changes -= LoggedWriter.KEPT_CHANGES / 4;
            }
            assertThat(store.snapshots().stream().map(snapshot -> snapshot.id()).toList())
                    .as("snapshots that are there, with %d changes flushed", flushed)
                    .containsAll(due.keySet());
            store.snapshots().forEach(snapshot -> {
                long[] past = content(store.openSnapshot(snapshot.id()).join());
                long changes = snapshot.id().low();
                assertThat(LoggedHistory.seen(past, changes, changes, LoggedWriter.BATCH))
                        .isEqualTo(changes);
            });
            return new Found(seen - flushed, store.snapshots().size());
        }
    }

    private static long[] content(Volume volume) {
        ByteBuffer into = ByteBuffer.allocateDirect(LoggedHistory.DISK_BYTES);
        CompletableFuture<IoStatus> read = new CompletableFuture<>();
        volume.loop().execute(() -> {
            volume.read(0, into, read::complete);
            volume.submit();
        });
        assertThat(read.join()).isEqualTo(IoStatus.OK);
        volume.release();
        return LoggedHistory.shown(into);
    }

    private static void run(String... command) {
        Tools.run(Duration.ofMinutes(2), command).succeeded();
    }
}
