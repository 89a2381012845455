package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.varve.engine.BlockStore;
import io.varve.engine.CheckReport;
import io.varve.engine.Finding;
import io.varve.engine.IoStatus;
import io.varve.engine.SalvageReport;
import io.varve.engine.SnapshotId;
import io.varve.engine.StoreException;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import io.varve.engine.io.SimulatedDisk;
import io.varve.engine.io.SimulatedScheduler;
import io.varve.engine.io.SimulatedThreads;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** What can be read of a damaged store is copied into a new one, and nothing is written to the damaged one. */
class SalvageTest {
    private static final int BLOCK = BlockStore.BLOCK_BYTES;
    private static final long CAPACITY = 1L << 30;
    private static final StoreOptions OPTIONS = StoreOptions.DEFAULT.withBallast(0);

    private final SimulatedScheduler scheduler = new SimulatedScheduler(1);
    private final SimulatedThreads threads = new SimulatedThreads(scheduler, 1);
    private final SimulatedDisk targetDisk = new SimulatedDisk(scheduler, 1, CAPACITY);
    private final BlockStore target = StoreEngine.open(targetDisk, OPTIONS, threads);
    private final StoreFixture fixture = StoreFixture.write();
    private final Map<String, byte[]> files = new TreeMap<>(fixture.files());

    private SalvageReport salvage() {
        SimulatedDisk damaged = new SimulatedDisk(scheduler, 2, CAPACITY);
        damaged.addFiles(files);
        long operations = damaged.operations();
        SalvageReport report = Salvage.run(damaged, target, threads);
        assertThat(damaged.operations()).as("nothing is changed").isEqualTo(operations);
        return report;
    }

    private <T> T await(CompletableFuture<T> future) {
        scheduler.runUntil(future::isDone);
        return future.join();
    }

    private byte[] read(String id, int length) {
        Volume volume = id.startsWith(VolumeId.PREFIX)
                ? await(target.open(VolumeId.parse(id)))
                : await(target.openSnapshot(SnapshotId.parse(id)));
        ByteBuffer into = ByteBuffer.allocateDirect(length);
        CompletableFuture<IoStatus> status = new CompletableFuture<>();
        volume.loop().execute(() -> {
            volume.read(0, into, status::complete);
            volume.submit();
        });
        assertThat(await(status)).isEqualTo(IoStatus.OK);
        volume.release();
        byte[] bytes = new byte[length];
        into.get(0, bytes);
        return bytes;
    }

    @Test
    void everythingOfAStoreThatWasKilledIsCopiedAndSharedAsItWas() {
        SalvageReport report = salvage();

        assertThat(report.lost()).isEmpty();
        assertThat(report.copied())
                .containsExactlyInAnyOrderElementsOf(fixture.expected().keySet());
        fixture.expected()
                .forEach((id, content) ->
                        assertThat(read(id, content.length)).as(id).isEqualTo(content));
        target.close();
        CheckReport check = StoreInspection.check(targetDisk, true);
        assertThat(check.findings()).isEmpty();
        assertThat(check.liveBlocks()).isEqualTo(liveBlocksOfTheOriginal());
    }

    private long liveBlocksOfTheOriginal() {
        SimulatedStore original = new SimulatedStore(CAPACITY, OPTIONS, files);
        original.store().close();
        return StoreInspection.check(original.disk, false).liveBlocks();
    }

    @Test
    void blocksThatCannotBeReadAreNamedAndLeftAsHoles() {
        closeOriginal();
        files.forEach((name, bytes) -> {
            for (int at = 8192; name.startsWith("segments/") && at < bytes.length; at += 100_000) {
                bytes[at] ^= 1;
            }
        });

        SalvageReport report = salvage();

        assertThat(report.lost()).isNotEmpty().allMatch(lost -> lost.severity() == Finding.Severity.DAMAGE);
        int holes = 0;
        for (Map.Entry<String, byte[]> expected : fixture.expected().entrySet()) {
            byte[] found = read(expected.getKey(), expected.getValue().length);
            for (int at = 0; at < found.length; at += BLOCK) {
                if (!Arrays.equals(found, at, at + BLOCK, expected.getValue(), at, at + BLOCK)) {
                    String where = "offset " + at + ",";
                    assertThat(report.lost())
                            .as("%s of %s", where, expected.getKey())
                            .anyMatch(lost -> lost.what().startsWith(where));
                    assertThat(Arrays.copyOfRange(found, at, at + BLOCK)).containsOnly(0);
                    holes++;
                }
            }
        }
        assertThat(holes).isGreaterThanOrEqualTo(report.lost().size());
    }

    @Test
    void aDamagedMapPageCostsItsRangeAndNothingElse() {
        closeOriginal();
        SimulatedDisk disk = new SimulatedDisk(scheduler, 3, CAPACITY);
        disk.addFiles(files);
        String victim = fixture.expected().keySet().stream()
                .filter(id -> id.startsWith(VolumeId.PREFIX))
                .findFirst()
                .orElseThrow();
        files.get("map")[(int) StorePages.position(disk, VolumeId.parse(victim), 0, 0) + 20] ^= 1;

        SalvageReport report = salvage();

        assertThat(report.lost()).singleElement().satisfies(lost -> {
            assertThat(lost.touches()).containsExactly(victim);
            assertThat(lost.what()).startsWith("offset 0, " + 512 * BLOCK + " bytes, left as a hole");
        });
        fixture.expected().forEach((id, content) -> {
            byte[] found = read(id, content.length);
            int from = id.equals(victim) ? 512 * BLOCK : 0;
            assertThat(Arrays.copyOfRange(found, from, found.length))
                    .as(id)
                    .isEqualTo(Arrays.copyOfRange(content, from, content.length));
        });
    }

    private void closeOriginal() {
        SimulatedStore original = new SimulatedStore(CAPACITY, OPTIONS, files);
        original.store().close();
        files.clear();
        files.putAll(original.disk.deviceFiles());
    }

    @Test
    void aStoreWithoutASuperblockCannotBeSalvaged() {
        files.remove("superblock-a");
        files.get("superblock-b")[60] ^= 1;

        assertThatThrownBy(this::salvage)
                .isInstanceOfSatisfying(
                        StoreException.class, e -> assertThat(e.kind()).isEqualTo(StoreException.Kind.DAMAGED));
    }
}
