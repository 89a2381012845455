package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.CheckReport;
import io.varve.engine.Finding;
import io.varve.engine.Finding.Severity;
import io.varve.engine.IoStatus;
import io.varve.engine.SnapshotRecord;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.engine.VolumeRecord;
import io.varve.engine.io.SimulatedDisk;
import io.varve.engine.io.SimulatedScheduler;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Damage of containers, whose header, indexes and frames compaction has written: named, contained, never wrong data. */
@ExtendWith(QuietEngine.class)
class ContainerDamageTest {
    private static final int BLOCK = 4096;
    private static final int HEADER = 4096;
    private static final int PLACES = 40;
    private static final int FRAME_BLOCKS = 16;
    private static final int DAMAGED_BIT = 3;

    private final StoreFixture fixture = load();
    private final String container = containers().get(0);

    private static StoreFixture load() {
        try (InputStream in = ContainerDamageTest.class.getResourceAsStream("/stores/format-3.zip")) {
            assertThat(in).isNotNull();
            return StoreFixture.load(in);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private List<String> containers() {
        List<String> found = new ArrayList<>();
        fixture.files().forEach((name, bytes) -> {
            if (name.startsWith("segments/") && new String(bytes, 4, 4, StandardCharsets.US_ASCII).equals("VCT1")) {
                found.add(name);
            }
        });
        assertThat(found).as("containers in the fixture").isNotEmpty();
        return found;
    }

    /** The store's files with one bit of the container turned round. */
    private Map<String, byte[]> damagedAt(int position) {
        Map<String, byte[]> files = new TreeMap<>(fixture.files());
        byte[] bytes = fixture.files().get(container).clone();
        bytes[position] ^= 1 << DAMAGED_BIT;
        files.put(container, bytes);
        return files;
    }

    private static List<Finding> check(Map<String, byte[]> files) {
        SimulatedDisk disk = new SimulatedDisk(new SimulatedScheduler(1), 1, 1L << 30);
        disk.addFiles(files);
        CheckReport report = StoreEngine.check(disk, true);
        return report.findings().stream()
                .filter(finding -> finding.severity() != Severity.NOTE)
                .toList();
    }

    /** Reads everything block by block; answers the ids of whom a block could not be read, and how many those were. */
    private Map<String, Integer> unreadable(Map<String, byte[]> files) {
        SimulatedStore simulated = new SimulatedStore(1L << 30, StoreOptions.DEFAULT, files);
        Map<String, Integer> unreadable = unreadable(simulated);
        simulated.store().close();
        return unreadable;
    }

    private Map<String, Integer> unreadable(SimulatedStore simulated) {
        Map<String, Integer> unreadable = new TreeMap<>();
        for (VolumeRecord volume : simulated.store().volumes()) {
            read(
                    simulated,
                    simulated.await(simulated.store().open(volume.id())),
                    volume.id().toString(),
                    unreadable);
        }
        for (SnapshotRecord snapshot : simulated.store().snapshots()) {
            read(
                    simulated,
                    simulated.await(simulated.store().openSnapshot(snapshot.id())),
                    snapshot.id().toString(),
                    unreadable);
        }
        return unreadable;
    }

    private void read(SimulatedStore simulated, Volume volume, String id, Map<String, Integer> unreadable) {
        byte[] due = fixture.expected().get(id);
        assertThat(due).isNotNull();
        for (int at = 0; at < due.length; at += BLOCK) {
            int offset = at;
            ByteBuffer into = ByteBuffer.allocateDirect(BLOCK);
            IoStatus answer = simulated.call(volume, (opened, done) -> opened.read(offset, into, done));
            if (answer == IoStatus.OK) {
                assertThat(into)
                        .as("%s at %d", id, offset)
                        .isEqualTo(ByteBuffer.wrap(Arrays.copyOfRange(due, offset, offset + BLOCK)));
            } else {
                assertThat(answer).isEqualTo(IoStatus.EIO);
                unreadable.merge(id, 1, Integer::sum);
            }
        }
        volume.release();
    }

    @Test
    void aDamagedHeaderIsNamedAndNothingIsLost() {
        Map<String, byte[]> files = damagedAt(9);

        assertThat(check(files)).singleElement().satisfies(finding -> {
            assertThat(finding.where()).startsWith(container);
            assertThat(finding.what()).contains("header is damaged");
        });
        assertThat(unreadable(files)).isEmpty();
    }

    @Test
    void aDamagedFrameOrIndexIsFoundWhereverItIsAndTouchesWhatItHolds() {
        int length = fixture.files().get(container).length;
        Set<String> kinds = new TreeSet<>();
        for (int place = 0; place < PLACES; place++) {
            int position = HEADER + (int) ((long) (length - HEADER) * place / PLACES);
            Map<String, byte[]> files = damagedAt(position);

            List<Finding> findings = check(files);
            Map<String, Integer> unreadable = unreadable(files);

            Set<String> touched = new TreeSet<>();
            findings.forEach(finding -> touched.addAll(finding.touches()));
            assertThat(touched)
                    .as("whom the findings of a flip at %d touch: %s", position, findings)
                    .containsAll(unreadable.keySet());
            boolean frame = unreadable.values().stream().allMatch(blocks -> blocks <= FRAME_BLOCKS);
            kinds.add(findings.isEmpty() ? "nothing" : unreadable.isEmpty() ? "origins" : frame ? "frame" : "lookup");
        }
        assertThat(kinds).as("what was hit").contains("frame", "lookup", "origins");
    }

    /** A flip on the way from the device, once: what it made of a frame is kept in memory, and must not be asked again. */
    @Test
    void aFrameThatWasReadWrongOnceIsReadFromStorageAgain() {
        int length = fixture.files().get(container).length;
        int failed = 0;
        for (int place = 0; place < PLACES; place++) {
            int position = HEADER + (int) ((long) (length - HEADER) * place / PLACES);
            SimulatedStore simulated = new SimulatedStore(1L << 30, StoreOptions.DEFAULT, damagedAt(position));
            failed += unreadable(simulated).size();

            simulated.disk.flipBit(container, position, DAMAGED_BIT);
            simulated.disk.dropCleanPages();

            assertThat(unreadable(simulated)).as("after a flip at %d", position).isEmpty();
            simulated.store().close();
        }
        assertThat(failed).as("volumes and snapshots that were touched").isPositive();
    }
}
