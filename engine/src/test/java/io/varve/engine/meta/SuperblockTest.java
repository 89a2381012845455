package io.varve.engine.meta;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.varve.engine.StoreException;
import io.varve.engine.io.DiskException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;

class SuperblockTest {
    private static final TableSpec VOLUMES = new TableSpec(7, 100, "volumes");
    private static final TableSpec SEGMENTS = new TableSpec(8, 24, "segments");
    private static final UUID STORE = new UUID(0x0102030405060708L, 0x090a0b0c0d0e0f10L);

    private final MemoryDisk disk = new MemoryDisk();

    private Superblock create() {
        return Superblock.create(disk, STORE, VOLUMES, SEGMENTS);
    }

    private Superblock open() {
        return Superblock.open(disk, VOLUMES, SEGMENTS);
    }

    @Test
    void rowsAndRootsComeBackAfterACommit() {
        byte[] name = {1, 2, 3, 4, 5};
        try (Superblock superblock = create()) {
            Table volumes = superblock.table(VOLUMES);
            for (int i = 0; i < 500; i++) {
                assertThat(volumes.allocate((byte) 3)).isEqualTo(i);
                volumes.putLong(i, 1, i * 1_000_003L);
                volumes.putInt(i, 9, -i);
                volumes.putShort(i, 13, (short) -i);
                volumes.putByte(i, 15, (byte) i);
                volumes.putBytes(i, 95, name);
            }
            superblock.setRoot(63, -5);
            assertThat(superblock.commit()).isEqualTo(2);
        }
        try (Superblock superblock = open()) {
            Table volumes = superblock.table(VOLUMES);
            assertThat(superblock.store()).isEqualTo(STORE);
            assertThat(superblock.generation()).isEqualTo(2);
            assertThat(superblock.getRoot(63)).isEqualTo(-5);
            assertThat(superblock.damage()).isEmpty();
            assertThat(volumes.usedRows()).isEqualTo(500);
            for (int i = 0; i < 500; i++) {
                byte[] bytes = new byte[5];
                volumes.getBytes(i, 95, bytes);
                assertThat(volumes.kind(i)).isEqualTo((byte) 3);
                assertThat(volumes.getLong(i, 1)).isEqualTo(i * 1_000_003L);
                assertThat(volumes.getInt(i, 9)).isEqualTo(-i);
                assertThat(volumes.getShort(i, 13)).isEqualTo((short) -i);
                assertThat(volumes.getByte(i, 15)).isEqualTo((byte) i);
                assertThat(bytes).isEqualTo(name);
            }
            assertThat(volumes.nextUsed(500)).isEqualTo(-1);
        }
    }

    @Test
    void theLowestFreeRowIsTakenFirstAndIsAllZeroes() {
        try (Superblock superblock = create()) {
            Table segments = superblock.table(SEGMENTS);
            for (int i = 0; i < 400; i++) {
                segments.putLong(segments.allocate((byte) 1), 8, -1);
            }
            segments.free(300);
            segments.free(20);

            assertThat(segments.nextUsed(20)).isEqualTo(21);
            assertThat(segments.allocate((byte) 1)).isEqualTo(20);
            assertThat(segments.getLong(20, 8)).isZero();
            assertThat(segments.allocate((byte) 1)).isEqualTo(300);
            assertThat(segments.allocate((byte) 1)).isEqualTo(400);
        }
    }

    @Test
    void rowsAndFieldsOutOfRangeAreRefused() {
        try (Superblock superblock = create()) {
            Table segments = superblock.table(SEGMENTS);
            int row = segments.allocate((byte) 1);

            assertThatThrownBy(() -> segments.getLong(row, 17)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> segments.putByte(row, 0, (byte) 1)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> segments.getLong(segments.capacity(), 8))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> segments.getLong(-1, 8)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> segments.putLong(row + 1, 8, 1)).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> segments.free(row + 1)).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> segments.use(row, (byte) 1)).isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void theGenerationBeforeIsOfferedAsItWas() {
        try (Superblock superblock = create()) {
            Table segments = superblock.table(SEGMENTS);
            for (int i = 0; i < 1000; i++) {
                segments.allocate((byte) 1);
            }
            superblock.setRoot(0, 5);
            superblock.commit();
            segments.putLong(500, 8, 77);
            superblock.setRoot(0, 6);
            superblock.commit();
        }
        try (Superblock superblock = open()) {
            SuperblockImage previous = superblock.previous().orElseThrow();
            Table before = previous.table(SEGMENTS);
            assertThat(previous.generation()).isEqualTo(2);
            assertThat(previous.getRoot(0)).isEqualTo(5);
            assertThat(before.getLong(500, 8)).isZero();
            assertThat(superblock.table(SEGMENTS).getLong(500, 8)).isEqualTo(77);
            assertThatThrownBy(() -> before.putLong(500, 8, 1)).isInstanceOf(IllegalStateException.class);

            superblock.forgetPrevious();

            assertThat(superblock.previous()).isEmpty();
            assertThatThrownBy(() -> before.getLong(500, 8)).isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void aDamagedCopyIsPassedOverNamedAndMadeWholeByTheNextCommits() {
        try (Superblock superblock = create()) {
            for (int i = 0; i < 1000; i++) {
                superblock.table(SEGMENTS).allocate((byte) 1);
            }
            superblock.commit();
            superblock.setRoot(0, 3);
            superblock.commit();
        }
        disk.contents("superblock-b")[5000] ^= 1;

        try (Superblock superblock = open()) {
            assertThat(superblock.generation()).isEqualTo(2);
            assertThat(superblock.previous()).isEmpty();
            assertThat(superblock.damage()).hasValue("superblock-b has a damaged page 0");
            assertThat(superblock.commit()).isEqualTo(3);
        }
        try (Superblock superblock = open()) {
            assertThat(superblock.generation()).isEqualTo(3);
            assertThat(superblock.previous()).isPresent();
            assertThat(superblock.table(SEGMENTS).usedRows()).isEqualTo(1000);
        }
    }

    @Test
    void aMissingCopyIsMadeAnew() {
        create().close();
        disk.delete("superblock-b");

        try (Superblock superblock = open()) {
            assertThat(superblock.generation()).isZero();
            assertThat(superblock.damage()).hasValue("superblock-b is missing");
            superblock.table(SEGMENTS).allocate((byte) 1);
            superblock.commit();
        }
        try (Superblock superblock = open()) {
            assertThat(superblock.generation()).isEqualTo(1);
            assertThat(superblock.table(SEGMENTS).usedRows()).isEqualTo(1);
        }
    }

    @Test
    void withBothCopiesDamagedTheStoreIsRefusedAndUnchanged() {
        create().close();
        disk.contents("superblock-a")[0] ^= 1;
        disk.contents("superblock-b")[100] ^= 1;
        byte[] a = disk.contents("superblock-a").clone();

        assertThatThrownBy(this::open)
                .isInstanceOfSatisfying(
                        StoreException.class, e -> assertThat(e.kind()).isEqualTo(StoreException.Kind.DAMAGED))
                .hasMessageContaining("superblock-a does not begin with VARVESB1")
                .hasMessageContaining("superblock-b has a header with check value");
        assertThat(disk.contents("superblock-a")).isEqualTo(a);
    }

    @Test
    void unknownFeaturesAreRespectedByTheirKind() {
        create().close();
        patchHeader("superblock-b", SuperblockDescriptor.COMPATIBLE_OFFSET, 1L << 40);
        try (Superblock superblock = open()) {
            superblock.commit();
            superblock.commit();
        }
        assertThat(header("superblock-b").getLong(SuperblockDescriptor.COMPATIBLE_OFFSET))
                .isEqualTo(1L << 40);

        patchHeader("superblock-b", SuperblockDescriptor.READ_ONLY_COMPATIBLE_OFFSET, 2);
        try (Superblock superblock = open()) {
            assertThat(superblock.unknownReadOnlyFeatures()).isEqualTo(2);
            assertThatThrownBy(superblock::commit).isInstanceOf(StoreException.class);
        }

        patchHeader("superblock-b", SuperblockDescriptor.INCOMPATIBLE_OFFSET, 4);
        assertThatThrownBy(this::open)
                .isInstanceOfSatisfying(
                        StoreException.class, e -> assertThat(e.kind()).isEqualTo(StoreException.Kind.NEWER_FORMAT));
    }

    @Test
    void aNewerVersionIsRefused() {
        create().close();
        patchHeader("superblock-a", SuperblockDescriptor.VERSION_OFFSET, 2);

        assertThatThrownBy(this::open)
                .isInstanceOfSatisfying(
                        StoreException.class, e -> assertThat(e.kind()).isEqualTo(StoreException.Kind.NEWER_FORMAT))
                .hasMessageContaining("superblock-a has format version 2");
    }

    @Test
    void theDrawingOfTheHeaderIsTrue() {
        try (Superblock superblock = create()) {
            superblock.setRoot(2, 42);
            superblock.commit();
        }
        byte[] bytes = disk.contents("superblock-a");
        ByteBuffer header = header("superblock-a");
        assertThat(new String(Arrays.copyOf(bytes, 8), StandardCharsets.US_ASCII))
                .isEqualTo("VARVESB1");
        assertThat(header.getInt(8)).isEqualTo(1);
        assertThat(Arrays.copyOfRange(bytes, 40, 56))
                .isEqualTo(new byte[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16});
        assertThat(header.getLong(56)).isEqualTo(2);
        assertThat(header.getLong(1024 + 16)).isEqualTo(42);
    }

    @Test
    void aFullDiskIsMetBeforeTheCommitBeginsAndTheCommitMayBeTriedAgain() {
        try (Superblock superblock = create()) {
            superblock.reserve(10);
            disk.freeBytes = 0;
            Table segments = superblock.table(SEGMENTS);
            segments.ensureCapacity(10 * 169);
            superblock.commit();
            segments.ensureCapacity(200 * 169);
            assertThatThrownBy(superblock::commit).isInstanceOf(DiskException.class);

            disk.freeBytes = 10 << 20;
            assertThat(superblock.commit()).isEqualTo(3);
        }
    }

    @Test
    void afterAFailedCommitAllLaterOnesAreRefused() {
        try (Superblock superblock = create()) {
            disk.losePowerAfter(0);
            superblock.setRoot(0, 1);
            assertThatThrownBy(superblock::commit).isInstanceOf(MemoryDisk.PowerLoss.class);
            disk.losePowerAfter(100);

            assertThatThrownBy(superblock::commit).isInstanceOf(StoreException.class);
        }
    }

    @Test
    void aStoreIsNotCreatedOverAnother() {
        create().close();
        assertThatThrownBy(this::create).isInstanceOf(StoreException.class);
    }

    private ByteBuffer header(String name) {
        return ByteBuffer.wrap(disk.contents(name)).order(ByteOrder.LITTLE_ENDIAN);
    }

    private void patchHeader(String name, int offset, long value) {
        ByteBuffer header = header(name);
        header.putLong(offset, value);
        CRC32C crc = new CRC32C();
        crc.update(disk.contents(name), 0, SuperblockDescriptor.CRC_OFFSET);
        header.putInt(SuperblockDescriptor.CRC_OFFSET, (int) crc.getValue());
    }
}
