package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.BlockStore;
import io.varve.engine.IoStatus;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import io.varve.engine.VolumeStatus;
import io.varve.engine.io.SimulatedDisk;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Damage on the device is told, contained and never read as data (law 4). */
class DamageTest {
    private static final int BLOCK = BlockStore.BLOCK_BYTES;
    private static final VolumeId VOLUME = new VolumeId(1, 1);

    private final SimulatedStore simulated = new SimulatedStore(1L << 30, StoreOptions.DEFAULT);
    private final SimulatedDisk disk = simulated.disk;
    private Volume volume = create();

    @BeforeEach
    void writeAndFlush() {
        for (int block = 0; block < 4; block++) {
            assertThat(write((long) block * BLOCK, BLOCK, 10 + block)).isEqualTo(IoStatus.OK);
            assertThat(flush()).isEqualTo(IoStatus.OK);
        }
    }

    @Test
    void aBlockThatFailsItsCheckIsAnErrorAndItsNeighboursAreNot() {
        damage(positionOf(11), 0);

        assertThat(read(1)).isEqualTo(-1);
        assertThat(read(0)).isEqualTo(10);
        assertThat(read(2)).isEqualTo(12);

        assertThat(volume.counters().checksumMismatches).hasPositiveValue();
        assertThat(health()).isEqualTo(VolumeStatus.Health.DAMAGED);
    }

    @Test
    void aPartialWriteOverADamagedBlockIsRefusedAndAWholeOneHealsIt() {
        damage(positionOf(11), 4000);

        assertThat(write(BLOCK, 512, 99)).isEqualTo(IoStatus.EIO);
        assertThat(write(BLOCK, BLOCK, 77)).isEqualTo(IoStatus.OK);

        assertThat(read(1)).isEqualTo(77);
    }

    @Test
    void aBlockInTheWrongPlaceFailsItsCheck() {
        byte[] other = disk.deviceBytes(segment(), positionOf(12), BLOCK);
        disk.setDeviceBytes(segment(), positionOf(11), other);
        disk.dropCleanPages();

        assertThat(read(1)).isEqualTo(-1);
    }

    @Test
    void aRecordMissingBelowWhatWasDurableLeavesTheVolumeReadOnly() {
        damage(positionOf(11) - 10, 0);
        restart();

        assertThat(health()).isEqualTo(VolumeStatus.Health.READ_ONLY);
        assertThat(simulated.store().volume(VOLUME).orElseThrow().status().detail())
                .contains("log records 2 to ");
        assertThat(volume.readOnly()).isTrue();
        assertThat(read(0)).isEqualTo(10);
        assertThat(read(1)).as("behind the damage").isZero();
        assertThat(write(0, BLOCK, 5)).isEqualTo(IoStatus.EPERM);

        restart();
        assertThat(health()).as("after one more start").isEqualTo(VolumeStatus.Health.READ_ONLY);
    }

    @Test
    void aTornTailIsNoDamage() {
        assertThat(write(0, BLOCK, 50)).isEqualTo(IoStatus.OK);
        assertThat(flush()).as("which no later record tells").isEqualTo(IoStatus.OK);
        damage(positionOf(50), 4095);
        restart();

        assertThat(health()).isEqualTo(VolumeStatus.Health.OK);
        assertThat(read(0)).isEqualTo(10);
        assertThat(read(3)).isEqualTo(13);
        assertThat(write(0, BLOCK, 51)).isEqualTo(IoStatus.OK);
    }

    @Test
    void aDamagedMapPageIsAnErrorNotAHole() {
        simulated.store().close();
        disk.flipBit("map", positionInMap(crcOf(11)), 7);
        restart();

        assertThat(read(1)).isEqualTo(-1);
        assertThat(read(0)).as("of the same page").isEqualTo(-1);
        assertThat(health()).isEqualTo(VolumeStatus.Health.DAMAGED);
    }

    // ---- the store ----

    private Volume create() {
        simulated.await(simulated.store().createVolume(VOLUME, 1 << 20));
        return simulated.await(simulated.store().open(VOLUME));
    }

    private void restart() {
        simulated.restart();
        volume = simulated.await(simulated.store().open(VOLUME));
    }

    private VolumeStatus.Health health() {
        return simulated.store().volume(VOLUME).orElseThrow().status().health();
    }

    private IoStatus write(long offset, int length, int value) {
        return simulated.write(volume, offset, length, value);
    }

    private IoStatus flush() {
        return simulated.flush(volume);
    }

    /** The value that a block is full of; -1 if it reads as EIO. */
    private int read(int block) {
        ByteBuffer into = ByteBuffer.allocateDirect(BLOCK);
        IoStatus status = simulated.call(volume, (opened, done) -> opened.read((long) block * BLOCK, into, done));
        if (status != IoStatus.OK) {
            assertThat(status).isEqualTo(IoStatus.EIO);
            return -1;
        }
        assertThat(into).isEqualTo(SimulatedStore.filled(BLOCK, into.get(0)));
        return into.get(0);
    }

    // ---- the device ----

    /** The one segment that is in use. */
    private String segment() {
        return "segments/" + disk.list("segments").get(0);
    }

    /** Where on the segment the block stands that is full of a value. */
    private long positionOf(int value) {
        byte[] bytes = disk.deviceBytes(segment(), 0, 1 << 20);
        int run = 0;
        for (int i = 0; i < bytes.length; i++) {
            run = bytes[i] == value ? run + 1 : 0;
            if (run == BLOCK) {
                return i + 1L - BLOCK;
            }
        }
        throw new AssertionError("no block of " + value);
    }

    private static int crcOf(int value) {
        CRC32C crc = new CRC32C();
        crc.update(SimulatedStore.filled(BLOCK, value));
        return (int) crc.getValue();
    }

    /** Where a check value stands in the pages of block maps. */
    private long positionInMap(int check) {
        ByteBuffer map = ByteBuffer.wrap(disk.deviceBytes("map", 0, 1 << 20)).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i <= map.limit() - Integer.BYTES; i++) {
            if (map.getInt(i) == check) {
                return i;
            }
        }
        throw new AssertionError("no map page has the check " + Integer.toHexString(check));
    }

    private void damage(long position, int within) {
        disk.flipBit(segment(), position + within, 3);
        disk.dropCleanPages();
    }
}
