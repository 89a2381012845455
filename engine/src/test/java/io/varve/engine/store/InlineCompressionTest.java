package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.BlockStore;
import io.varve.engine.Compression;
import io.varve.engine.Finding;
import io.varve.engine.IoStatus;
import io.varve.engine.SnapshotId;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import io.varve.engine.VolumeStatus;
import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A volume that compresses what is written: less goes to disk, and everything else is as it always is. */
class InlineCompressionTest {
    private static final int BLOCK = BlockStore.BLOCK_BYTES;
    private static final int FRAME_BLOCKS = 16;
    private static final int BLOCKS = 1024;
    private static final long VOLUME_BYTES = 1L << 30;
    private static final VolumeId ID = new VolumeId(1, 1);
    private static final SnapshotId SHOT = new SnapshotId(1, 1);

    private final SimulatedStore simulated = new SimulatedStore(
            1L << 30,
            new StoreOptions(8 << 20, 4 << 20, 4 << 20, 4 << 20, 1 << 20)
                    .withBallast(0)
                    .withScrub(64 << 20));
    private final SplittableRandom random = new SplittableRandom(1);
    private final int[] versions = new int[BLOCKS];
    private boolean compressible = true;
    private Volume volume;

    @BeforeEach
    void create() {
        simulated.await(store().createVolume(ID, VOLUME_BYTES, Compression.LZ4));
        volume = simulated.await(store().open(ID));
    }

    @Test
    void lessGoesToDiskThanTheClientWrites() {
        write(0, 256);

        assertThat(logBytes()).isLessThan(256 * BLOCK / 3);
        check(volume, versions);
    }

    @Test
    void aSingleBlockIsCompressedToo() {
        assertThat(simulated.call(volume, (opened, done) -> {
                    for (int block = 0; block < 64; block += 2) {
                        versions[block] = 7;
                        opened.write((long) block * BLOCK, content(block, 1, 7), false, block == 62 ? done : ok -> {});
                    }
                }))
                .isEqualTo(IoStatus.OK);

        assertThat(logBytes()).isLessThan(32 * BLOCK / 3);
        check(volume, versions);
    }

    @Test
    void whatDoesNotGetSmallerIsStoredAsItIs() {
        compressible = false;
        write(0, 256);
        write(300, 1);

        assertThat(logBytes()).isBetween(257L * BLOCK, 257L * BLOCK * 11 / 10);
        check(volume, versions);
    }

    @Test
    void everythingIsThereAfterAKillAndAfterACheckpointAndARestart() {
        writeAtRandom(300);
        simulated.restart();
        reopen();
        check(volume, versions);

        writeAtRandom(100);
        simulated.await(store().checkpoint());
        writeAtRandom(30);
        store().close();
        assertSound();
        simulated.restart();
        reopen();
        check(volume, versions);
    }

    @Test
    void afterPowerLossWhatWasFlushedIsThereAndNoRequestInPart() {
        for (int crash = 1; crash < 60; crash += 3) {
            int[] flushed = versions.clone();
            assertThat(simulated.flush(volume)).isEqualTo(IoStatus.OK);
            int version = versions[0] + 1000;
            int at = crash;
            volume.loop().execute(() -> {
                for (int i = 0; i < 8; i++) {
                    volume.write((long) (at + 32 * i) * BLOCK, content(at + 32 * i, 20, version), false, status -> {});
                    volume.submit();
                }
            });
            simulated.powerLossWithin(crash, 1);
            reopen();
            boolean written = true;
            for (int i = 0; i < 8; i++) {
                boolean now = read(volume, at + 32 * i, 20).equals(content(at + 32 * i, 20, version));
                assertThat(now && !written).as("a prefix").isFalse();
                written = now;
                for (int block = at + 32 * i; block < at + 32 * i + 20; block++) {
                    versions[block] = now ? version : flushed[block];
                }
            }
            check(volume, versions);
        }
    }

    @Test
    void aFrameThatIsTornIsTheEndOfTheLogAndNoDamage() {
        write(0, 16);
        assertThat(simulated.flush(volume)).isEqualTo(IoStatus.OK);
        write(16, 16);
        simulated.flush(volume);
        damageFrame(1);
        simulated.restart();
        reopen();

        assertThat(status().health()).isEqualTo(VolumeStatus.Health.OK);
        check(volume, 0, 16);
        assertThat(read(volume, 16, 16)).isEqualTo(ByteBuffer.allocate(16 * BLOCK));
        write(16, 16);
        check(volume, 0, 32);
    }

    @Test
    void aPartOfABlockIsWrittenIntoWhatWasCompressed() {
        write(0, 40);
        ByteBuffer expected = read(volume, 0, 40);
        for (int i = 0; i < 40; i++) {
            int at = 512 * random.nextInt(39 * 8);
            int length = 512 * (1 + random.nextInt(8));
            assertThat(simulated.write(volume, at, length, i)).isEqualTo(IoStatus.OK);
            expected.put(at, SimulatedStore.filled(length, i), 0, length);
        }
        assertThat(read(volume, 0, 40)).isEqualTo(expected);

        simulated.restart();
        reopen();
        assertThat(read(volume, 0, 40)).isEqualTo(expected);
    }

    @Test
    void snapshotsAndClonesKeepWhatTheyRead() {
        writeAtRandom(200);
        simulated.await(store().createSnapshot(SHOT, ID));
        int[] then = versions.clone();
        writeAtRandom(200);
        VolumeId cloneId = new VolumeId(1, 2);
        simulated.await(store().cloneVolume(cloneId, VOLUME_BYTES, SHOT));
        assertThat(store().volume(cloneId).orElseThrow().compression()).isEqualTo(Compression.AUTO);
        check(simulated.await(store().openSnapshot(SHOT)), then);
        check(simulated.await(store().open(cloneId)), then);
        check(volume, versions);

        store().close();
        assertSound();
    }

    @Test
    void theSettingIsChangedWhileTheVolumeIsInUseAndIsKept() {
        write(0, 256);
        long compressed = logBytes();
        simulated.await(store().setCompression(ID, Compression.OFF));
        write(0, 256);
        long plain = logBytes() - compressed;
        simulated.await(store().setCompression(ID, Compression.LZ4));
        write(128, 256);

        assertThat(plain).isGreaterThan(256L * BLOCK);
        assertThat(logBytes() - plain - compressed).isLessThan(256 * BLOCK / 3);
        check(volume, versions);
        simulated.restart();
        assertThat(store().volume(ID).orElseThrow().compression()).isEqualTo(Compression.LZ4);
        reopen();
        check(volume, versions);
    }

    @Test
    void segmentsThatBecameThinAreCompacted() {
        for (int round = 0; round < 8; round++) {
            for (int i = 0; i < 200; i++) {
                compressible = random.nextBoolean();
                write(random.nextInt(BLOCKS - 16), 1 + random.nextInt(16));
            }
        }
        simulated.rest(60);
        assertThat(store().compaction().blocksCopied.sum()).isPositive();
        check(volume, versions);

        simulated.restart();
        reopen();
        check(volume, versions);
        for (int i = 0; i < 1500; i++) {
            write(random.nextInt(BLOCKS), 1);
        }
        simulated.rest(60);
        check(volume, versions);
        store().close();
        assertSound();
    }

    @Test
    void compactionLeavesBlocksAsTheyAreIfTheVolumeWantsNoneCompressed() {
        simulated.await(store().setCompression(ID, Compression.OFF));
        for (int i = 0; i < 6000; i++) {
            simulated.awaitWritable(volume);
            write(random.nextInt(BLOCKS), 1);
        }
        simulated.rest(60);

        assertThat(store().compaction().blocksCopied.sum()).isPositive();
        assertThat(store().compaction().framesPacked.sum()).isZero();
        check(volume, versions);
    }

    @Test
    void damageInAFrameIsAnErrorThereAndNowhereElseAndAWholeWriteHealsIt() {
        for (int frame = 0; frame < 4; frame++) {
            write(frame * FRAME_BLOCKS, FRAME_BLOCKS);
        }
        simulated.await(store().checkpoint());
        damageFrame(1);

        TreeSet<Integer> wrong = new TreeSet<>();
        for (int block = 0; block < 4 * FRAME_BLOCKS; block++) {
            ByteBuffer into = ByteBuffer.allocateDirect(BLOCK);
            if (readInto(volume, block, into) == IoStatus.EIO) {
                wrong.add(block);
            } else {
                assertThat(into).as("block %s", block).isEqualTo(content(block, 1, versions[block]));
            }
        }
        assertThat(wrong).isNotEmpty().allMatch(block -> block / FRAME_BLOCKS == 1);
        assertThat(status().health()).isEqualTo(VolumeStatus.Health.DAMAGED);

        write(FRAME_BLOCKS, FRAME_BLOCKS);
        check(volume, 0, 4 * FRAME_BLOCKS);
    }

    @Test
    void scrubAndCheckFindDamageInAFrame() {
        for (int frame = 0; frame < 4; frame++) {
            write(frame * FRAME_BLOCKS, FRAME_BLOCKS);
        }
        simulated.await(store().checkpoint());
        damageFrame(2);
        simulated.rest(30);

        assertThat(store().scrub().damaged())
                .isNotEmpty()
                .allMatch(finding -> isIn(finding, 2 * FRAME_BLOCKS, 3 * FRAME_BLOCKS));
        store().close();
        assertThat(StoreInspection.check(simulated.disk, true).findings())
                .isNotEmpty()
                .allMatch(finding -> isIn(finding, 2 * FRAME_BLOCKS, 3 * FRAME_BLOCKS));
    }

    private static boolean isIn(Finding finding, int first, int end) {
        long offset = Long.parseLong(finding.what().replaceFirst("offset (\\d+):.*", "$1"));
        return offset >= (long) first * BLOCK && offset < (long) end * BLOCK;
    }

    // ---- given ----

    private BlockStore store() {
        return simulated.store();
    }

    private void reopen() {
        volume = simulated.await(store().open(ID));
    }

    private VolumeStatus status() {
        return store().volume(ID).orElseThrow().status();
    }

    private long logBytes() {
        return volume.counters().logBytes.get();
    }

    private void assertSound() {
        assertThat(StoreInspection.check(simulated.disk, true).findings()).isEmpty();
    }

    private void writeAtRandom(int requests) {
        for (int i = 0; i < requests; i++) {
            compressible = random.nextInt(4) > 0;
            int count = 1 + random.nextInt(40);
            write(random.nextInt(BLOCKS - count), count);
        }
    }

    /** Flips a bit of the payload of the frame that was written as the n-th from 0, of 16 blocks of the volume each. */
    private void damageFrame(int number) {
        String file = StorePages.segmentFile(simulated.disk, ID);
        int records = 0;
        for (long at = 4096; ; at += 512) {
            boolean data = simulated.disk.deviceBytes(file, at + 4, 1)[0] == 1;
            if (data && records++ == number) {
                simulated.disk.flipBit(file, at + 150, 3);
                simulated.disk.dropCleanPages();
                return;
            }
        }
    }

    /** Content follows from the block and its version; a version that is negative does not compress. */
    private void write(int first, int count) {
        simulated.awaitWritable(volume);
        int version = versions[first] + 1 + random.nextInt(5);
        version = compressible ? Math.abs(version) : -Math.abs(version);
        for (int block = first; block < first + count; block++) {
            versions[block] = version;
        }
        ByteBuffer source = content(first, count, version);
        assertThat(simulated.call(volume, (opened, done) -> opened.write((long) first * BLOCK, source, false, done)))
                .isEqualTo(IoStatus.OK);
    }

    private static ByteBuffer content(int first, int count, int version) {
        ByteBuffer bytes = ByteBuffer.allocateDirect(count * BLOCK);
        for (int block = first; block < first + count; block++) {
            SplittableRandom noise = new SplittableRandom(31L * block + version);
            for (int i = 0; i < BLOCK / Long.BYTES; i++) {
                bytes.putLong(version > 0 && i % 64 != 0 ? version : version == 0 ? 0 : noise.nextLong());
            }
        }
        return bytes.flip();
    }

    private void check(Volume of, int[] expected) {
        for (int block = 0; block < BLOCKS; block++) {
            assertThat(read(of, block, 1)).as("block %s", block).isEqualTo(content(block, 1, expected[block]));
        }
        for (int block = 0; block < BLOCKS; block += 128) {
            ByteBuffer together = read(of, block, 128);
            for (int i = 0; i < 128; i++) {
                assertThat(together.slice(i * BLOCK, BLOCK)).isEqualTo(content(block + i, 1, expected[block + i]));
            }
        }
    }

    private void check(Volume of, int first, int end) {
        for (int block = first; block < end; block++) {
            assertThat(read(of, block, 1)).as("block %s", block).isEqualTo(content(block, 1, versions[block]));
        }
    }

    private IoStatus readInto(Volume from, int block, ByteBuffer into) {
        return simulated.call(from, (opened, done) -> opened.read((long) block * BLOCK, into, done));
    }

    private ByteBuffer read(Volume from, int block, int count) {
        ByteBuffer into = ByteBuffer.allocateDirect(count * BLOCK);
        assertThat(readInto(from, block, into)).isEqualTo(IoStatus.OK);
        return into;
    }
}
