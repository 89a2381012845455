package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.varve.engine.BlockStore;
import io.varve.engine.CheckReport;
import io.varve.engine.Compression;
import io.varve.engine.Finding;
import io.varve.engine.Finding.Severity;
import io.varve.engine.IoStatus;
import io.varve.engine.SnapshotId;
import io.varve.engine.StoreException;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import io.varve.engine.io.SimulatedDisk;
import io.varve.engine.io.SimulatedScheduler;
import io.varve.engine.log.SegmentEntry;
import io.varve.engine.log.SegmentStore;
import io.varve.engine.meta.Superblock;
import io.varve.engine.meta.Table;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/**
 * Each structure of a store damaged in turn: the check finds it, says where and whom it touches, and changes nothing; the
 * rest of the store opens and reads.
 */
class CheckTest {
    private static final int BLOCK = BlockStore.BLOCK_BYTES;
    private static final long LEAF = 512L * BLOCK;
    private static final long CAPACITY = 1L << 30;
    private static final int ROW_FLAGS = 1;
    private static final int FLAG_FRAMED = 1;
    private static final VolumeId VOLUME = new VolumeId(1, 1);
    private static final VolumeId CLONE = new VolumeId(1, 2);
    private static final VolumeId OTHER = new VolumeId(1, 3);
    private static final SnapshotId SHOT = new SnapshotId(2, 1);
    private static final StoreOptions OPTIONS =
            StoreOptions.DEFAULT.withBallast(0).fittedTo(64 << 20);

    private Map<String, byte[]> files = new TreeMap<>();

    /** A volume with a snapshot and a clone of it, and one that has nothing to do with them. */
    private void write(boolean close) {
        SimulatedStore simulated = new SimulatedStore(CAPACITY, OPTIONS);
        simulated.await(simulated.store().createVolume(VOLUME, CAPACITY));
        simulated.await(simulated.store().createVolume(OTHER, CAPACITY));
        Volume volume = simulated.await(simulated.store().open(VOLUME));
        Volume other = simulated.await(simulated.store().open(OTHER));
        simulated.write(volume, 0, 3 * BLOCK, 10);
        simulated.write(volume, LEAF, 2 * BLOCK, 11);
        simulated.write(other, 0, BLOCK, 20);
        simulated.await(simulated.store().createSnapshot(SHOT, VOLUME));
        simulated.write(volume, 0, BLOCK, 12);
        simulated.await(simulated.store().cloneVolume(CLONE, CAPACITY, SHOT));
        for (int i = 0; i < 4; i++) {
            simulated.write(volume, 2 * LEAF + (long) i * BLOCK, BLOCK, 30 + i);
            assertThat(simulated.flush(volume)).isEqualTo(IoStatus.OK);
        }
        assertThat(simulated.flush(other)).isEqualTo(IoStatus.OK);
        if (close) {
            simulated.store().close();
        }
        files = new TreeMap<>(simulated.disk.deviceFiles());
    }

    private void flip(String name, long position) {
        byte[] bytes = files.get(name);
        assertThat(bytes).as(name).isNotNull();
        bytes[(int) position] ^= 4;
    }

    private CheckReport check(boolean dataBlocks) {
        SimulatedDisk disk = disk();
        long writes = disk.writes();
        long operations = disk.operations();
        CheckReport report = StoreEngine.check(disk, dataBlocks);
        assertThat(disk.writes()).as("a check writes nothing").isEqualTo(writes);
        assertThat(disk.operations()).as("and changes nothing").isEqualTo(operations);
        return report;
    }

    private SimulatedDisk disk() {
        SimulatedDisk disk = new SimulatedDisk(new SimulatedScheduler(1), 1, CAPACITY);
        disk.addFiles(files);
        return disk;
    }

    private static Finding only(CheckReport report, Severity severity) {
        assertThat(report.findings())
                .filteredOn(finding -> finding.severity() == severity)
                .hasSize(1);
        return report.findings().stream()
                .filter(finding -> finding.severity() == severity)
                .findFirst()
                .orElseThrow();
    }

    private static void assertTouches(CheckReport report, Object... ids) {
        String[] names = new String[ids.length];
        for (int i = 0; i < ids.length; i++) {
            names[i] = ids[i].toString();
        }
        assertThat(report.isClean()).isFalse();
        assertThat(only(report, Severity.DAMAGE).touches()).containsExactlyInAnyOrder(names);
        for (CheckReport.Checked volume : report.volumes()) {
            assertThat(volume.intact()).isEqualTo(!List.of(names).contains(volume.id()));
        }
    }

    /** Opens the store, and holds what the unconcerned volume reads. */
    private SimulatedStore open() {
        SimulatedStore simulated = new SimulatedStore(CAPACITY, OPTIONS, files);
        assertThat(read(simulated, simulated.await(simulated.store().open(OTHER)), 0))
                .isEqualTo(20);
        return simulated;
    }

    private static int read(SimulatedStore simulated, Volume volume, long offset) {
        ByteBuffer into = ByteBuffer.allocateDirect(BLOCK);
        IoStatus status = simulated.call(volume, (opened, done) -> opened.read(offset, into, done));
        if (status != IoStatus.OK) {
            assertThat(status).isEqualTo(IoStatus.EIO);
            return -1;
        }
        return into.get(0);
    }

    // ---- superblocks ----

    @Test
    void aStoreThatWasClosedIsClean() {
        write(true);
        CheckReport report = check(true);
        assertThat(report.findings()).isEmpty();
        assertThat(report.volumes()).hasSize(3);
        assertThat(report.snapshots()).hasSize(1);
        assertThat(report.blocksRead()).isEqualTo(report.liveBlocks()).isEqualTo(11);
    }

    @Test
    void aStoreThatWasKilledIsClean() {
        write(false);
        assertThat(check(true).findings()).isEmpty();
    }

    @Test
    void oneDamagedSuperblockIsNamedAndNothingIsLost() {
        for (String name : new String[] {"superblock-a", "superblock-b"}) {
            for (int position : new int[] {60, 4096 + 60}) {
                write(true);
                flip(name, position);
                CheckReport report = check(false);
                assertThat(report.isClean()).isTrue();
                assertThat(only(report, Severity.NOTE).what()).startsWith(name + " has a ");
                SimulatedStore simulated = open();
                assertThat(read(simulated, simulated.await(simulated.store().open(VOLUME)), 0))
                        .isEqualTo(12);
            }
        }
    }

    @Test
    void twoDamagedSuperblocksAreNamedAndTheStoreIsLeftAlone() {
        write(true);
        flip("superblock-a", 60);
        flip("superblock-b", 4096 + 60);
        CheckReport report = check(false);
        assertThat(report.isClean()).isFalse();
        assertThat(report.findings().toString())
                .contains("superblock-a has a header")
                .contains("superblock-b has a");
        assertCannotBeOpened("neither superblock is whole");
    }

    @Test
    void twoMissingSuperblocksAreNoEmptyDirectory() {
        write(true);
        files.remove("superblock-a");
        files.remove("superblock-b");
        assertThat(check(false).isClean()).isFalse();
        assertCannotBeOpened("both superblocks are missing");
    }

    private void assertCannotBeOpened(String why) {
        assertThatThrownBy(this::open)
                .isInstanceOfSatisfying(
                        StoreException.class, e -> assertThat(e.kind()).isEqualTo(StoreException.Kind.DAMAGED))
                .hasMessageContaining(why);
    }

    // ---- the map ----

    @Test
    void aDamagedLeafTouchesThoseWhoHaveIt() {
        write(true);
        flip("map", StorePages.position(disk(), VOLUME, 0, 1024) + 40);
        CheckReport report = check(false);
        assertTouches(report, VOLUME);
        assertThat(only(report, Severity.DAMAGE).toString())
                .contains("page of level 0 at offset")
                .contains("for blocks 1024 to 1535");
        SimulatedStore simulated = open();
        Volume volume = simulated.await(simulated.store().open(VOLUME));
        assertThat(read(simulated, volume, 2 * LEAF)).isEqualTo(-1);
        assertThat(read(simulated, volume, 0)).isEqualTo(12);
    }

    @Test
    void aDamagedPageThatIsSharedTouchesAllWhoShareIt() {
        write(true);
        flip("map", StorePages.position(disk(), VOLUME, 0, 512) + 40);
        assertTouches(check(false), VOLUME, SHOT, CLONE);
        open();
    }

    @Test
    void aDamagedInteriorPageTouchesThoseWhoHaveIt() {
        for (int level = 1; level <= 3; level++) {
            write(true);
            flip("map", StorePages.position(disk(), CLONE, level, 0) + 40);
            CheckReport report = check(true);
            assertTouches(report, SHOT, CLONE);
            SimulatedStore simulated = open();
            assertThat(read(simulated, simulated.await(simulated.store().open(VOLUME)), LEAF))
                    .as("a page below it that the volume shares")
                    .isEqualTo(11);
            assertThat(read(simulated, simulated.await(simulated.store().open(CLONE)), 0))
                    .isEqualTo(-1);
        }
    }

    @Test
    void aMissingMapTouchesEverybody() {
        write(true);
        files.remove("map");
        assertTouches(check(false), VOLUME, CLONE, OTHER, SHOT);
        assertCannotBeOpened("is missing");
    }

    @Test
    void aMapCutShortKeepsNobodyElseFromOpening() {
        write(true);
        long lost = StorePages.position(disk(), VOLUME, 0, 1024);
        long kept = StorePages.position(disk(), OTHER, 0, 0);
        if (lost > kept) {
            files.put("map", Arrays.copyOf(files.get("map"), (int) lost));
            assertThat(check(false).isClean()).isFalse();
            open();
        } else {
            throw new AssertionError("the other volume's pages come first in this store");
        }
    }

    // ---- segments ----

    @Test
    void aDamagedSegmentHeaderIsNamedAndNothingIsLost() {
        write(true);
        String segment = StorePages.segmentFile(disk(), VOLUME);
        flip(segment, 20);
        CheckReport report = check(true);
        assertThat(report.isClean()).isTrue();
        assertThat(only(report, Severity.NOTE).where()).startsWith(segment);
        open();
    }

    /** The table has check values of its own: so it is not the medium that leaves this, but a defect. */
    @Test
    void aSegmentThatTheTableHasOfTheWrongKindIsNamedAndGivesNoWrongData() {
        write(true);
        String segment = StorePages.segmentFile(disk(), VOLUME);
        turnKind(segment);
        CheckReport report = check(false);
        assertTouches(report, VOLUME, SHOT, CLONE);
        assertThat(only(report, Severity.DAMAGE).toString())
                .contains(segment)
                .contains("the table has it framed, and its header says plain");
        SimulatedStore simulated = open();
        assertThat(read(simulated, simulated.await(simulated.store().open(VOLUME)), LEAF))
                .isEqualTo(-1);
    }

    @Test
    void aFramedSegmentThatTheTableHasAsPlainIsToldByTheMap() {
        SimulatedStore simulated = new SimulatedStore(CAPACITY, OPTIONS);
        simulated.await(simulated.store().createVolume(VOLUME, CAPACITY, Compression.LZ4));
        simulated.write(simulated.await(simulated.store().open(VOLUME)), 0, 3 * BLOCK, 10);
        simulated.store().close();
        files = new TreeMap<>(simulated.disk.deviceFiles());
        String segment = StorePages.segmentFile(disk(), VOLUME);
        turnKind(segment);
        flip(segment, 20);

        assertThat(check(false).findings())
                .filteredOn(finding -> finding.severity() == Severity.DAMAGE)
                .extracting(Finding::what)
                .filteredOn(what -> what.contains("is in one frame with the block before it"))
                .hasSize(2);
    }

    /** Commits that a segment is framed if it is plain, and plain if it is framed. */
    private void turnKind(String file) {
        SimulatedDisk disk = disk();
        try (Superblock superblock = Superblock.open(disk, StoreOpening.TABLES)) {
            Table table = superblock.table(SegmentStore.TABLE);
            int row = table.nextUsed(0);
            for (SegmentEntry entry : SegmentEntry.all(table)) {
                if (entry.fileName().equals(file)) {
                    table.putByte(row, ROW_FLAGS, (byte) (table.getByte(row, ROW_FLAGS) ^ FLAG_FRAMED));
                }
                row = table.nextUsed(row + 1);
            }
            superblock.commit();
        }
        files = new TreeMap<>(disk.deviceFiles());
    }

    @Test
    void aDamagedRecordHeaderIsFoundByReadingEverything() {
        write(true);
        flip(StorePages.segmentFile(disk(), VOLUME), 4096 + 20);
        CheckReport report = check(true);
        assertTouches(report, VOLUME, SHOT, CLONE);
        assertThat(only(report, Severity.DAMAGE).what()).contains("the header of a record is damaged");
        SimulatedStore simulated = open();
        assertThat(read(simulated, simulated.await(simulated.store().open(VOLUME)), LEAF))
                .as("blocks are read without it")
                .isEqualTo(11);
    }

    @Test
    void aDamagedRecordOfALogThatWasNotClosedIsAGap() {
        for (int within : new int[] {-60, 100}) {
            write(false);
            flip(StorePages.segmentFile(disk(), VOLUME), positionOf(31) + within);
            CheckReport report = check(false);
            assertTouches(report, VOLUME);
            assertThat(only(report, Severity.DAMAGE).toString())
                    .contains("log of " + VOLUME)
                    .contains("are missing, at segment");
            SimulatedStore simulated = open();
            Volume volume = simulated.await(simulated.store().open(VOLUME));
            assertThat(volume.readOnly()).isTrue();
            assertThat(read(simulated, volume, 2 * LEAF)).isEqualTo(30);
        }
    }

    private long positionOf(int value) {
        byte[] bytes = files.get(StorePages.segmentFile(disk(), VOLUME));
        int run = 0;
        for (int i = 0; i < bytes.length; i++) {
            run = bytes[i] == value ? run + 1 : 0;
            if (run == BLOCK) {
                return i + 1L - BLOCK;
            }
        }
        throw new AssertionError("no block of " + value);
    }

    @Test
    void aDamagedBlockIsFoundByReadingEverything() {
        write(true);
        flip(StorePages.segmentFile(disk(), VOLUME), positionOf(11) + 77);
        assertThat(check(false).findings()).isEmpty();
        CheckReport report = check(true);
        assertTouches(report, VOLUME, SHOT, CLONE);
        assertThat(only(report, Severity.DAMAGE).what())
                .isEqualTo("offset " + LEAF + ": the block does not match its check value");
        SimulatedStore simulated = open();
        Volume volume = simulated.await(simulated.store().open(VOLUME));
        assertThat(read(simulated, volume, LEAF)).isEqualTo(-1);
        assertThat(read(simulated, volume, LEAF + BLOCK)).isEqualTo(11);
    }

    @Test
    void aMissingSegmentTouchesThoseWhoReadItAndTheStoreOpens() {
        write(true);
        files.remove(StorePages.segmentFile(disk(), VOLUME));
        CheckReport report = check(false);
        assertTouches(report, VOLUME, SHOT, CLONE);
        assertThat(only(report, Severity.DAMAGE).what()).isEqualTo("the file is missing");
        SimulatedStore simulated = open();
        Volume volume = simulated.await(simulated.store().open(VOLUME));
        assertThat(read(simulated, volume, 0)).isEqualTo(-1);
        assertThat(simulated.write(volume, 0, BLOCK, 50)).isEqualTo(IoStatus.OK);
        assertThat(read(simulated, volume, 0)).isEqualTo(50);
    }

    @Test
    void theLastBlockOfAMissingSegmentCanBeGivenUp() {
        write(true);
        files.remove(StorePages.segmentFile(disk(), OTHER));
        SimulatedStore simulated = new SimulatedStore(CAPACITY, OPTIONS, files);
        simulated.await(simulated.store().deleteVolume(OTHER));
        simulated.rest(10);
        simulated.store().close();
        assertThat(StoreInspection.check(simulated.disk, true).findings()).isEmpty();
    }

    @Test
    void aMissingSegmentOfALogThatWasNotClosedFailsThatVolumeOnly() {
        write(false);
        files.remove(StorePages.segmentFile(disk(), VOLUME));
        assertThat(check(false).isClean()).isFalse();
        SimulatedStore simulated = open();
        assertThatThrownBy(() -> simulated.await(simulated.store().open(VOLUME)))
                .hasMessageContaining("cannot be recovered");
    }
}
