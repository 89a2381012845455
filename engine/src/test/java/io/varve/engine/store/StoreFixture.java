package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.Compression;
import io.varve.engine.IoStatus;
import io.varve.engine.SnapshotId;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import io.varve.engine.io.SimulatedDisk;
import io.varve.engine.io.SimulatedScheduler;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;

/**
 * A small store as files, and what each of its volumes and snapshots reads as in its first 4 MiB: two volumes, one of
 * them a clone, a snapshot of each, written in blocks and sectors, trimmed and zeroed, compressed inline and not,
 * partly in containers, partly checkpointed and partly only in the log, as a kill left it.
 */
record StoreFixture(Map<String, byte[]> files, Map<String, byte[]> expected) {
    private static final int REGION_BYTES = 4 << 20;
    private static final int BLOCK_BYTES = 4096;
    private static final long VOLUME_BYTES = 1L << 30;
    private static final StoreOptions OPTIONS =
            new StoreOptions(8 << 20, 4 << 20, 4 << 20, 4 << 20, 1 << 20).withBallast(1 << 20);
    private static final String FILES = "store/";
    private static final String EXPECTED = "expected/";
    private static final VolumeId ORIGINAL = new VolumeId(0xA, 1);
    private static final VolumeId CLONE = new VolumeId(0xA, 2);
    private static final SnapshotId FIRST = new SnapshotId(0xB, 1);
    private static final SnapshotId SECOND = new SnapshotId(0xB, 2);

    /** Writes the store anew, with this version. */
    static StoreFixture write() {
        SimulatedStore simulated = new SimulatedStore(1L << 30, OPTIONS);
        SplittableRandom random = new SplittableRandom(20);
        Map<String, byte[]> expected = new TreeMap<>();
        simulated.await(simulated.store().createVolume(ORIGINAL, VOLUME_BYTES));
        Volume original = simulated.await(simulated.store().open(ORIGINAL));
        byte[] content = new byte[REGION_BYTES];
        fill(simulated, original, content, random);
        change(simulated, original, content, random, 40);
        simulated.await(simulated.store().createSnapshot(FIRST, ORIGINAL));
        expected.put(FIRST.toString(), content.clone());
        change(simulated, original, content, random, 20);
        simulated.await(simulated.store().checkpoint());

        simulated.await(simulated.store().cloneVolume(CLONE, VOLUME_BYTES, FIRST, Compression.LZ4));
        Volume clone = simulated.await(simulated.store().open(CLONE));
        byte[] cloned = expected.get(FIRST.toString()).clone();
        fill(simulated, clone, cloned, random);
        change(simulated, clone, cloned, random, 20);
        simulated.await(simulated.store().createSnapshot(SECOND, CLONE));
        expected.put(SECOND.toString(), cloned.clone());

        change(simulated, original, content, random, 20);
        change(simulated, clone, cloned, random, 20);
        simulated.await(simulated.store().setCompression(ORIGINAL, Compression.LZ4));
        change(simulated, original, content, random, 20);
        assertThat(simulated.flush(original)).isEqualTo(IoStatus.OK);
        assertThat(simulated.flush(clone)).isEqualTo(IoStatus.OK);
        expected.put(ORIGINAL.toString(), content);
        expected.put(CLONE.toString(), cloned);
        return new StoreFixture(simulated.disk.deviceFiles(), expected);
    }

    /** Writes every block, many of them more than once, so that segments become thin and are moved into containers. */
    private static void fill(SimulatedStore simulated, Volume volume, byte[] content, SplittableRandom random) {
        for (int i = 0; i < 3 * REGION_BYTES / BLOCK_BYTES; i++) {
            int block = i < REGION_BYTES / BLOCK_BYTES ? i : random.nextInt(REGION_BYTES / BLOCK_BYTES);
            byte value = (byte) (1 + random.nextInt(120));
            assertThat(simulated.write(volume, (long) block * BLOCK_BYTES, BLOCK_BYTES, value))
                    .isEqualTo(IoStatus.OK);
            Arrays.fill(content, block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES, value);
        }
        long copied = simulated.store().compaction().blocksCopied.sum();
        simulated.rest(30);
        assertThat(simulated.store().compaction().blocksCopied.sum()).isGreaterThan(copied);
    }

    private static void change(
            SimulatedStore simulated, Volume volume, byte[] content, SplittableRandom random, int requests) {
        for (int i = 0; i < requests; i++) {
            int unit = random.nextBoolean() ? 512 : 4096;
            int length = unit * (1 + random.nextInt(6));
            int offset = unit * random.nextInt((REGION_BYTES - length) / unit);
            byte value = (byte) (1 + random.nextInt(120));
            int kind = random.nextInt(8);
            IoStatus status;
            if (kind == 0 && unit == 4096) {
                value = 0;
                status = simulated.call(volume, (opened, done) -> opened.trim(offset, length, false, done));
            } else if (kind == 1) {
                value = 0;
                status = simulated.call(
                        volume, (opened, done) -> opened.writeZeroes(offset, length, false, false, done));
            } else {
                status = simulated.write(volume, offset, length, value);
            }
            assertThat(status).isEqualTo(IoStatus.OK);
            Arrays.fill(content, offset, offset + length, value);
        }
    }

    /** Opens the store on a disk of its own and reads everything. */
    void check() {
        SimulatedDisk disk = new SimulatedDisk(new SimulatedScheduler(1), 1, 1L << 30);
        disk.addFiles(files);
        assertThat(StoreInspection.check(disk, true).findings())
                .as("a check of it")
                .isEmpty();
        SimulatedStore simulated = new SimulatedStore(1L << 30, StoreOptions.DEFAULT, files);
        assertThat(simulated.store().volumes()).hasSize(2);
        assertThat(simulated.store().snapshots()).hasSize(2);
        for (VolumeId id : new VolumeId[] {ORIGINAL, CLONE}) {
            checkContent(simulated, simulated.await(simulated.store().open(id)), id.toString());
        }
        for (SnapshotId id : new SnapshotId[] {FIRST, SECOND}) {
            checkContent(simulated, simulated.await(simulated.store().openSnapshot(id)), id.toString());
        }
        Volume volume = simulated.await(simulated.store().open(ORIGINAL));
        assertThat(simulated.write(volume, 0, 512, 1)).as("it can be written").isEqualTo(IoStatus.OK);
    }

    private void checkContent(SimulatedStore simulated, Volume volume, String name) {
        ByteBuffer into = ByteBuffer.allocateDirect(REGION_BYTES);
        assertThat(volume.sizeBytes()).isEqualTo(VOLUME_BYTES);
        assertThat(simulated.call(volume, (opened, done) -> opened.read(0, into, done)))
                .isEqualTo(IoStatus.OK);
        assertThat(into).as(name).isEqualTo(ByteBuffer.wrap(expected.get(name)));
    }

    void save(OutputStream out) throws IOException {
        try (ZipOutputStream zip = new ZipOutputStream(out)) {
            save(zip, FILES, files);
            save(zip, EXPECTED, expected);
        }
    }

    private static void save(ZipOutputStream zip, String prefix, Map<String, byte[]> entries) throws IOException {
        for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
            ZipEntry header = new ZipEntry(prefix + entry.getKey());
            header.setTime(0);
            zip.putNextEntry(header);
            zip.write(entry.getValue());
            zip.closeEntry();
        }
    }

    static StoreFixture load(InputStream in) throws IOException {
        StoreFixture fixture = new StoreFixture(new TreeMap<>(), new TreeMap<>());
        try (ZipInputStream zip = new ZipInputStream(in)) {
            for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                String name = entry.getName();
                boolean file = name.startsWith(FILES);
                Map<String, byte[]> entries = file ? fixture.files : fixture.expected;
                entries.put(name.substring((file ? FILES : EXPECTED).length()), zip.readAllBytes());
            }
        }
        return fixture;
    }
}
