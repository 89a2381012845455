package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.BlockStore;
import io.varve.engine.Finding;
import io.varve.engine.IoStatus;
import io.varve.engine.ScrubStatus;
import io.varve.engine.SnapshotId;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import io.varve.engine.VolumeStatus;
import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Everything is read at a set rate, and damage is found before a client meets it. */
class ScrubTest {
    private static final int BLOCK = BlockStore.BLOCK_BYTES;
    private static final long RATE = 1 << 20;
    private static final int BLOCKS = 1024;
    private static final int STEP_BYTES = ScrubReads.MAX_BLOCKS * BLOCK;
    private static final int NEXT_PASS_SECONDS = (int) TimeUnit.MILLISECONDS.toSeconds(Scrubber.PAUSE_MILLIS) + 60;
    private static final VolumeId VOLUME = new VolumeId(1, 1);
    private static final SnapshotId SHOT = new SnapshotId(2, 1);

    private final SimulatedStore simulated = new SimulatedStore(
            1L << 30,
            new StoreOptions(8 << 20, 2 << 20, 2 << 20, 4 << 20, 1 << 20)
                    .withBallast(0)
                    .withScrub(RATE));
    private Volume volume;

    @BeforeEach
    void write() {
        simulated.await(simulated.store().createVolume(VOLUME, 1L << 30));
        volume = simulated.await(simulated.store().open(VOLUME));
        for (int i = 0; i < BLOCKS; i++) {
            writeBlock(i, 1 + i % 100);
        }
        assertThat(simulated.flush(volume)).isEqualTo(IoStatus.OK);
        simulated.await(simulated.store().checkpoint());
    }

    private void writeBlock(int block, int value) {
        simulated.awaitWritable(volume);
        assertThat(simulated.write(volume, (long) block * BLOCK, BLOCK, value)).isEqualTo(IoStatus.OK);
    }

    private ScrubStatus scrub() {
        return simulated.store().scrub();
    }

    private VolumeStatus status() {
        return simulated.store().volume(VOLUME).orElseThrow().status();
    }

    @Test
    void everyLiveBlockIsReadOnceAndNotFasterThanItMay() {
        simulated.await(simulated.store().createSnapshot(SHOT, VOLUME));
        writeBlock(7, 101);
        simulated.await(simulated.store().checkpoint());

        simulated.rest(11);
        assertThat(scrub().passes()).isZero();
        assertThat(scrub().bytesRead()).isBetween(1L, 2 * RATE);

        simulated.rest(20);
        assertThat(scrub().passes()).isEqualTo(1);
        assertThat(scrub().bytesRead()).isEqualTo((BLOCKS + 1L) * BLOCK);
        assertThat(scrub().damageFound()).isZero();
        assertThat(scrub().lastFinished()).isPresent();
    }

    @Test
    void aDamagedBlockIsFoundNamedAndCountedOnceAndRewritingItHealsIt() {
        damageBlock(17);
        simulated.rest(30);

        assertThat(scrub().damaged()).singleElement().satisfies(finding -> {
            assertThat(finding.where()).startsWith("segment 1 offset ");
            assertThat(finding.what()).isEqualTo("offset " + 17 * BLOCK + ": the block does not match its check value");
            assertThat(finding.touches()).containsExactly(VOLUME.toString());
        });
        assertThat(status().health()).isEqualTo(VolumeStatus.Health.DAMAGED);
        assertThat(status().detail()).contains("segment 1 offset ").contains("offset " + 17 * BLOCK);

        simulated.rest(NEXT_PASS_SECONDS);
        assertThat(scrub().passes()).isEqualTo(2);
        assertThat(scrub().damageFound()).isEqualTo(1);

        writeBlock(17, 55);
        simulated.rest(NEXT_PASS_SECONDS);
        assertThat(scrub().damaged()).isEmpty();
        assertThat(scrub().healed()).isEqualTo(1);
        assertThat(status()).isEqualTo(VolumeStatus.OK);
    }

    private void damageBlock(int block) {
        String segment = StorePages.segmentFile(simulated.disk, VOLUME);
        byte[] bytes = simulated.disk.deviceBytes(segment, 0, 1 << 20);
        int run = 0;
        for (int i = 0; i < bytes.length; i++) {
            run = bytes[i] == 1 + block % 100 ? run + 1 : 0;
            if (run == BLOCK) {
                simulated.disk.flipBit(segment, i, 3);
                return;
            }
        }
        throw new AssertionError("block " + block + " is not there");
    }

    @Test
    void aDamagedMapPageIsFound() {
        long position = StorePages.position(simulated.disk, VOLUME, 0, 512);
        simulated.disk.flipBit("map", position + 20, 1);
        simulated.disk.dropCleanPages();
        simulated.rest(30);

        assertThat(scrub().damaged()).singleElement().extracting(Finding::where).isEqualTo("map");
        assertThat(status().health()).isEqualTo(VolumeStatus.Health.DAMAGED);
        ByteBuffer into = ByteBuffer.allocateDirect(BLOCK);
        assertThat(simulated.call(volume, (opened, done) -> opened.read(0, into, done)))
                .as("the rest")
                .isEqualTo(IoStatus.OK);
    }

    @Test
    void itGoesOnWhereItWasAfterARestart() {
        simulated.rest(12);
        long before = scrub().bytesRead();
        assertThat(before).isBetween(1L, (BLOCKS - 1L) * BLOCK);

        simulated.store().close();
        simulated.restart();
        simulated.rest(30);

        assertThat(scrub().passes()).isEqualTo(1);
        assertThat(before + scrub().bytesRead()).isBetween((long) BLOCKS * BLOCK, (long) BLOCKS * BLOCK + STEP_BYTES);
    }

    @Test
    void whatIsReplacedAndMovedMeanwhileIsNoDamage() {
        SplittableRandom random = new SplittableRandom(1);
        for (int round = 0; round < 40; round++) {
            for (int i = 0; i < 200; i++) {
                writeBlock(random.nextInt(BLOCKS), 1 + random.nextInt(100));
            }
            if (round % 8 == 0) {
                simulated.await(simulated.store().createSnapshot(new SnapshotId(3, round), VOLUME));
            }
            if (round % 8 == 5) {
                simulated.await(simulated.store().deleteSnapshot(new SnapshotId(3, round - 5)));
            }
            simulated.rest(3);
        }
        assertThat(scrub().passes()).isPositive();
        assertThat(scrub().damageFound()).isZero();
        assertThat(status()).isEqualTo(VolumeStatus.OK);
    }

    @Test
    void noRateIsNoScrub() {
        SimulatedStore still = new SimulatedStore(1L << 30, StoreOptions.DEFAULT.withBallast(0));
        still.rest(60);
        assertThat(still.store().scrub().passes()).isZero();
        assertThat(still.store().scrub().bytesPerSecond()).isZero();
    }
}
