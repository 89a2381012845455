package io.varve.engine.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.varve.engine.io.SimulatedContent.Survival;
import io.varve.engine.io.SimulatedDisk.Operation;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicReference;
import net.openhft.chronicle.core.Jvm;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SimulatedDiskTest {
    private static final int PAGE = 4096;
    private static final long MIB = 1 << 20;

    private SimulatedScheduler scheduler = new SimulatedScheduler(1);
    private SimulatedDisk disk = disk(1);

    private SimulatedDisk disk(long seed) {
        return new SimulatedDisk(scheduler, seed, 64 * MIB);
    }

    // ---- crashes and data ----

    @Test
    void whatWasSyncedOutlivesEveryPowerLoss() {
        for (int seed = 0; seed < 100; seed++) {
            disk = disk(seed);
            DiskFile file = durableFile("a");
            write(file, 0, 1, 10 * PAGE);
            file.sync();
            disk.powerLoss(scheduler);
            assertHolds(disk.open("a", Disk.Mode.EXISTING), 0, 1, 10 * PAGE);
        }
    }

    @Test
    void aProcessKillLosesNothing() {
        DiskFile file = disk.open("a", Disk.Mode.CREATE);
        write(file, 0, 1, 10 * PAGE);
        disk.processKill(scheduler);
        assertHolds(disk.open("a", Disk.Mode.EXISTING), 0, 1, 10 * PAGE);
    }

    @Test
    void aPowerLossTearsPagesBySectorsAndNoFiner() {
        Set<Long> survivors = new HashSet<>();
        for (int seed = 0; seed < 200; seed++) {
            disk = disk(seed);
            DiskFile file = durableFile("a");
            write(file, 0, 1, PAGE);
            file.sync();
            write(file, 0, 2, PAGE);
            disk.powerLoss(scheduler);

            byte[] bytes = bytes(disk.open("a", Disk.Mode.EXISTING), 0, PAGE);
            long kept = 0;
            for (int sector = 0; sector < 8; sector++) {
                byte first = bytes[sector * 512];
                assertThat(first).isBetween((byte) 1, (byte) 2);
                for (int i = 0; i < 512; i++) {
                    assertThat(bytes[sector * 512 + i]).isEqualTo(first);
                }
                kept |= first == 2 ? 1L << sector : 0;
            }
            survivors.add(kept);
        }
        assertThat(survivors).contains(0L, 255L).hasSizeGreaterThan(20);
    }

    @Test
    void aLaterWriteMaySurviveAnEarlierOne() {
        Set<String> outcomes = new HashSet<>();
        for (int seed = 0; seed < 100; seed++) {
            disk = disk(seed);
            DiskFile a = durableFile("a");
            DiskFile b = durableFile("b");
            write(a, 0, 1, 512);
            write(b, 0, 1, 512);
            disk.powerLoss(scheduler);
            outcomes.add(first("a") + " " + first("b"));
        }
        assertThat(outcomes).containsExactlyInAnyOrder("0 0", "0 1", "1 0", "1 1");
    }

    @Test
    void anOverwrittenVersionMayBeTheOneThatSurvives() {
        Set<Integer> outcomes = new HashSet<>();
        for (int seed = 0; seed < 100; seed++) {
            disk = disk(seed);
            DiskFile file = durableFile("a");
            for (int version = 1; version <= 3; version++) {
                write(file, 0, version, 512);
            }
            disk.powerLoss(scheduler);
            outcomes.add(first("a"));
        }
        assertThat(outcomes).containsExactlyInAnyOrder(0, 1, 2, 3);
    }

    @Test
    void aSizeThatWasNotSyncedIsUncertain() {
        DiskFile file = durableFile("a");
        long before = file.sizeBytes();
        file.allocate(0, MIB);
        disk.powerLoss(scheduler, Survival.NONE);
        assertThat(disk.open("a", Disk.Mode.EXISTING).sizeBytes()).isEqualTo(before);
    }

    @Test
    void aHoleThatWasNotSyncedMayFillAgain() {
        DiskFile file = durableFile("a");
        write(file, 0, 1, 8 * PAGE);
        file.sync();
        file.punch(PAGE, 4 * PAGE);
        file.truncate(100);
        assertThat(first(file, PAGE)).isZero();

        disk.powerLoss(scheduler, Survival.NONE);

        // The end of the page that the new size cut was zeroed in the cache only.
        assertHolds(disk.open("a", Disk.Mode.EXISTING), 0, 1, 8 * PAGE);
    }

    // ---- crashes and names ----

    @Test
    void aNameIsDurableOnlyWithItsDirectory() {
        disk.createDirectory("d");
        disk.syncDirectory("");
        disk.open("d/synced", Disk.Mode.CREATE);
        disk.syncDirectory("d");
        write(disk.open("d/not", Disk.Mode.CREATE), 0, 1, PAGE);
        disk.open("d/not", Disk.Mode.EXISTING).sync();

        disk.powerLoss(scheduler, Survival.NONE);

        assertThat(disk.list("d")).containsExactly("synced");
        assertThatThrownBy(() -> disk.open("d/not", Disk.Mode.EXISTING))
                .isInstanceOfSatisfying(
                        DiskException.class, e -> assertThat(e.kind()).isEqualTo(DiskException.Kind.NAME));
    }

    @Test
    void aReplacedFileIsTheOldOneOrTheNewOne() {
        Set<String> outcomes = new HashSet<>();
        for (int seed = 0; seed < 100; seed++) {
            disk = disk(seed);
            DiskFile old = durableFile("file");
            write(old, 0, 1, 512);
            old.sync();
            DiskFile fresh = disk.open("temporary", Disk.Mode.CREATE);
            write(fresh, 0, 2, 512);
            fresh.sync();
            disk.rename("temporary", "file");
            disk.powerLoss(scheduler);
            outcomes.add(first("file") + " " + disk.list(""));
        }
        assertThat(outcomes)
                .contains("1 [file]", "1 [file, temporary]", "2 [file]")
                .hasSize(3);
    }

    @Test
    void aDeletionThatWasNotSyncedMayComeBackWhole() {
        DiskFile file = durableFile("a");
        write(file, 0, 1, 3 * PAGE);
        file.sync();
        long free = disk.freeBytes();
        disk.delete("a");
        assertThat(disk.freeBytes()).isEqualTo(free + 3 * PAGE);
        assertThatThrownBy(file::sizeBytes).hasMessage("a is closed");

        disk.powerLoss(scheduler, Survival.NONE);

        assertHolds(disk.open("a", Disk.Mode.EXISTING), 0, 1, 3 * PAGE);
        assertThat(disk.freeBytes()).isEqualTo(free);
    }

    // ---- faults ----

    @Test
    void afterAFailedSyncTheCacheLiesAndTheDeviceDoesNot() {
        DiskFile file = durableFile("log-1");
        write(file, 0, 1, PAGE);
        file.sync();
        write(file, 0, 2, PAGE);
        disk.failNext(Operation.SYNC, "log-.*");

        assertThatThrownBy(file::sync).isInstanceOf(DiskException.class).hasMessageContaining("SYNC of log-1");
        assertThatThrownBy(file::sync).as("once more").isInstanceOf(DiskException.class);

        assertThat(first(file, 0)).as("the page cache").isEqualTo(2);
        assertThat(firstOnDevice(file)).as("the device").isEqualTo(1);
        disk.processKill(scheduler);
        assertThat(first("log-1")).as("the page cache outlives the process").isEqualTo(2);
        disk.powerLoss(scheduler, Survival.ALL);
        assertThat(first("log-1")).isEqualTo(1);
    }

    @Test
    void theNthOperationFailsAndNoOther() {
        DiskFile file = durableFile("a");
        DiskFile other = durableFile("b");
        disk.failNth(Operation.WRITE, "a", 3);
        for (int i = 1; i <= 5; i++) {
            int version = i;
            write(other, 0, version, 10);
            if (i == 3) {
                assertThatThrownBy(() -> write(file, 0, version, 10)).isInstanceOf(DiskException.class);
            } else {
                write(file, 0, version, 10);
            }
        }
        disk.failEvery(Operation.READ, "b");
        assertThatThrownBy(() -> first(other, 0)).isInstanceOf(DiskException.class);
        assertThatThrownBy(() -> firstOnDevice(other)).isInstanceOf(DiskException.class);
        assertThat(other.tryRead(0, ByteBuffer.allocateDirect(10))).isEqualTo(DiskFile.WOULD_BLOCK);
        disk.heal();
        assertThat(first(other, 0)).isEqualTo(5);
    }

    @Test
    void aFullDiskTakesNothingMoreUntilSpaceIsGivenBack() {
        disk.setCapacity(16 * PAGE);
        DiskFile file = disk.open("a", Disk.Mode.CREATE);
        file.allocate(0, 16 * PAGE);
        write(file, 0, 1, 16 * PAGE);
        assertThat(disk.freeBytes()).isZero();
        DiskFile other = disk.open("b", Disk.Mode.CREATE);
        assertThatThrownBy(() -> write(other, 0, 1, 1))
                .isInstanceOfSatisfying(
                        DiskException.class, e -> assertThat(e.kind()).isEqualTo(DiskException.Kind.NO_SPACE));

        file.punch(0, PAGE);
        write(other, 0, 1, 1);
        assertThat(disk.freeBytes()).isZero();
        disk.delete("a");
        assertThat(disk.freeBytes()).isEqualTo(15 * PAGE);
    }

    @Test
    void aFlippedBitIsRead() {
        DiskFile file = durableFile("a");
        write(file, 0, 4, PAGE);
        file.sync();
        disk.flipBit("a", 0, 0);
        assertThat(first(file, 0)).isEqualTo(5);
        assertThat(firstOnDevice(file)).isEqualTo(5);
    }

    @Test
    void aWriteOutsideOfAllocatedBlocksIsAnErrorWhereTheTestSaysSo() {
        disk.requireAllocatedWrites(name -> name.startsWith("log"));
        DiskFile log = disk.open("log", Disk.Mode.CREATE);
        log.allocate(0, PAGE);
        write(log, 0, 1, PAGE);
        assertThatThrownBy(() -> write(log, PAGE, 1, 1))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("write of log at 4096");
        write(disk.open("small", Disk.Mode.CREATE), 0, 1, 1);
    }

    // ---- asynchronous operations ----

    @Test
    void aReadThatMustNotWaitIsNowAndThenRefusedOrCutAtAPage() {
        DiskFile file = durableFile("a");
        write(file, 0, 1, 8 * PAGE);
        Set<Integer> answers = new HashSet<>();
        int whole = 0;
        for (int i = 0; i < 1000; i++) {
            int answer = file.tryRead(100, ByteBuffer.allocateDirect(2 * PAGE));
            answers.add(answer);
            whole += answer == 2 * PAGE ? 1 : 0;
        }
        assertThat(answers).containsExactlyInAnyOrder(DiskFile.WOULD_BLOCK, PAGE - 100, 2 * PAGE - 100, 2 * PAGE);
        assertThat(whole).isBetween(600, 800);
        assertThat(file.tryRead(16 * PAGE, ByteBuffer.allocateDirect(10))).isZero();
    }

    @Test
    void aSyncNeedNotCoverAWriteThatCameAfterIt() {
        Set<Integer> outcomes = new HashSet<>();
        for (int seed = 0; seed < 20; seed++) {
            disk = disk(seed);
            DiskFile file = durableFile("a");
            write(file, 0, 1, 512);
            file.sync();
            AtomicReference<String> synced = new AtomicReference<>("under way");
            write(file, 0, 2, 512);
            file.syncAsync(scheduler.newQueue("loop"), failure -> synced.set(failure == null ? "done" : "failed"));
            write(file, 0, 3, 512);
            assertThat(synced).hasValue("under way");
            scheduler.runUntil(() -> synced.get().equals("done"));
            disk.powerLoss(scheduler, Survival.NONE);
            outcomes.add(first("a"));
        }
        assertThat(outcomes).containsExactlyInAnyOrder(2, 3);
    }

    // ---- the crash hook ----

    @Test
    void theProcessDiesAtTheChosenOperationAndStaysDead() {
        DiskFile file = durableFile("a");
        disk.crashAfter(2);
        write(file, 0, 1, PAGE);
        assertThatThrownBy(() -> write(file, 0, 2, PAGE)).isInstanceOf(SimulatedCrash.class);
        assertThatThrownBy(() -> first(file, 0)).isInstanceOf(SimulatedCrash.class);
        assertThatThrownBy(() -> disk.list("")).isInstanceOf(SimulatedCrash.class);
        assertThatThrownBy(scheduler::runOne).isInstanceOf(SimulatedCrash.class);

        scheduler = new SimulatedScheduler(2);
        disk.processKill(scheduler);
        assertThat(first("a")).isBetween(1, 2);
        assertThatThrownBy(() -> first(file, 0))
                .isInstanceOf(SimulatedCrash.class)
                .hasMessageContaining("earlier life");
    }

    @Test
    void aCrashThatIsSwallowedStillEndsTheSchedulersLife() {
        DiskFile file = durableFile("a");
        disk.crashAfter(1);
        SimulatedScheduler.Queue loop = scheduler.newQueue("loop");
        loop.execute(() -> {
            try {
                write(file, 0, 1, 10);
            } catch (SimulatedCrash swallowed) {
                assertThat(swallowed).hasMessage("WRITE of a");
            }
        });
        assertThatThrownBy(() -> scheduler.runUntil(() -> false)).isInstanceOf(SimulatedCrash.class);
    }

    @Test
    void aWriteThatTheProcessDiesInIsThereInPart() {
        Set<Integer> lengths = new HashSet<>();
        for (int seed = 0; seed < 50; seed++) {
            scheduler = new SimulatedScheduler(seed);
            disk = disk(seed);
            DiskFile file = durableFile("a");
            disk.crashAfter(1);
            assertThatThrownBy(() -> write(file, 0, 1, 10 * PAGE)).isInstanceOf(SimulatedCrash.class);
            disk.processKill(scheduler);
            byte[] bytes = bytes(disk.open("a", Disk.Mode.EXISTING), 0, 10 * PAGE);
            int length = 0;
            while (length < bytes.length && bytes[length] == 1) {
                length++;
            }
            lengths.add(length);
        }
        assertThat(lengths).contains(10 * PAGE).hasSizeGreaterThan(10);
    }

    @Test
    void aSecondProcessIsKeptOutUntilTheFirstEnds() {
        assertThat(disk.tryLock()).isTrue();
        assertThat(disk.tryLock()).isFalse();
        disk.close();
        assertThat(disk.tryLock()).isTrue();
        disk.processKill(scheduler);
        assertThat(disk.tryLock()).isTrue();
    }

    // ---- the whole ----

    @Test
    void oneSeedIsOneHistory() {
        assertThat(history(5)).isEqualTo(history(5)).isNotEqualTo(history(6));
    }

    private List<Object> history(long seed) {
        scheduler = new SimulatedScheduler(seed);
        disk = disk(seed);
        DiskFile file = durableFile("a");
        for (int i = 0; i < 100; i++) {
            write(file, i * 1000L, i, 3000);
        }
        disk.powerLoss(scheduler, Survival.SOME);
        DiskFile after = disk.open("a", Disk.Mode.EXISTING);
        return List.of(after.sizeBytes(), ByteBuffer.wrap(bytes(after, 0, 200_000)));
    }

    @Test
    void itBehavesLikeARealDiskAsLongAsNothingGoesWrong(@TempDir Path directory) {
        try (RealDisk real = RealDisk.open(directory)) {
            SplittableRandom random = new SplittableRandom(3);
            int size = 64 * PAGE;
            DiskFile realFile = real.open("a", Disk.Mode.CREATE);
            realFile.truncate(16 * PAGE);
            DiskFile simulated = durableFile("a");
            for (int i = 0; i < 3000; i++) {
                long position = random.nextInt(size);
                int length = random.nextInt(1, random.nextBoolean() ? 2000 : 5 * PAGE);
                int what = random.nextInt(20);
                int version = i;
                for (DiskFile file : List.of(realFile, simulated)) {
                    switch (what) {
                        case 0 -> file.sync();
                        case 1 -> file.truncate(position);
                        case 2 -> file.allocate(position, length);
                        case 3, 4, 5 -> file.punch(position, length);
                        case 6, 7 -> gatheredWrite(file, position, version, length);
                        default -> write(file, position, version, length);
                    }
                }
                assertThat(simulated.sizeBytes()).isEqualTo(realFile.sizeBytes());
                assertThat(bytes(simulated, 0, 2 * size)).isEqualTo(bytes(realFile, 0, 2 * size));
                if (i % 10 == 0) {
                    assertThat(deviceBytes(simulated, size)).isEqualTo(bytes(realFile, 0, size));
                }
                if (what == 0) {
                    disk.powerLoss(scheduler);
                    simulated = disk.open("a", Disk.Mode.EXISTING);
                    assertThat(bytes(simulated, 0, 2 * size)).isEqualTo(bytes(realFile, 0, 2 * size));
                }
            }
        }
    }

    // ---- means ----

    private DiskFile durableFile(String name) {
        DiskFile file = disk.open(name, Disk.Mode.CREATE);
        file.truncate(16 * PAGE);
        file.sync();
        disk.syncDirectory("");
        return file;
    }

    private static void write(DiskFile file, long position, int value, int length) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(length);
        for (int i = 0; i < length; i++) {
            buffer.put(i, (byte) value);
        }
        file.write(position, buffer);
    }

    private static void gatheredWrite(DiskFile file, long position, int value, int length) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(length);
        for (int i = 0; i < length; i++) {
            buffer.put(i, (byte) (value + i));
        }
        IoVector vector = new IoVector();
        vector.add(Jvm.address(buffer), length / 2);
        vector.add(Jvm.address(buffer) + length / 2, length - length / 2);
        file.write(position, vector);
    }

    private static byte[] bytes(DiskFile file, long position, int length) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(length);
        file.read(position, buffer);
        byte[] bytes = new byte[length];
        buffer.get(0, bytes);
        return bytes;
    }

    private static byte[] deviceBytes(DiskFile file, int length) {
        ByteBuffer buffer =
                ByteBuffer.allocateDirect(length + PAGE).alignedSlice(PAGE).slice(0, length);
        file.readDevice(0, buffer);
        byte[] bytes = new byte[length];
        buffer.get(0, bytes);
        return bytes;
    }

    private static int firstOnDevice(DiskFile file) {
        return deviceBytes(file, PAGE)[0];
    }

    private static int first(DiskFile file, long position) {
        return bytes(file, position, 1)[0];
    }

    private int first(String name) {
        return first(disk.open(name, Disk.Mode.EXISTING), 0);
    }

    private static void assertHolds(DiskFile file, long position, int value, int length) {
        byte[] expected = new byte[length];
        Arrays.fill(expected, (byte) value);
        assertThat(bytes(file, position, length)).isEqualTo(expected);
    }
}
