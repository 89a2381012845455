package io.varve.engine.meta;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.varve.engine.io.Disk;
import io.varve.engine.io.DiskException;
import io.varve.engine.io.DiskFile;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PageSpaceTest {
    private final SplittableRandom random = new SplittableRandom(3);
    private final MemoryDisk disk = new MemoryDisk();
    private final DiskFile file = disk.open("map", Disk.Mode.CREATE);
    private Superblock superblock = Superblock.create(disk, new UUID(1, 2), PageSpace.TABLE);
    private PageSpace space = PageSpace.open(superblock, file);

    @AfterEach
    void close() {
        superblock.close();
    }

    private void commit() {
        superblock.commit();
        space.committed();
    }

    private void reopen() {
        superblock.close();
        superblock = Superblock.open(disk, PageSpace.TABLE);
        space = PageSpace.open(superblock, file);
        superblock.forgetPrevious();
    }

    private List<Long> allocate(int count, int lengthUnits) {
        List<Long> pages = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            pages.add(space.allocate(lengthUnits));
        }
        return pages;
    }

    @Test
    void pagesOfEveryLengthStandApartAndNeverAtTheBeginning() {
        Set<Long> units = new HashSet<>();
        for (int i = 0; i < 20_000; i++) {
            int length = random.nextInt(1, PagePointer.MAX_UNITS + 1);
            long page = space.allocate(length);

            assertThat(PagePointer.isPointer(page)).isTrue();
            assertThat(PagePointer.lengthUnits(page)).isEqualTo(length);
            for (int unit = 0; unit < length; unit++) {
                assertThat(units.add(PagePointer.unitOffset(page) + unit)).isTrue();
            }
        }
        assertThat(units).doesNotContain(0L);
        assertThat(PagePointer.positionBytes(space.allocate(26))).isLessThan(file.sizeBytes());
    }

    @Test
    void pagesAllocatedTogetherLieTogether() {
        List<Long> pages = allocate(100, 9);

        for (int i = 1; i < 27; i++) {
            assertThat(PagePointer.unitOffset(pages.get(i))).isEqualTo(PagePointer.unitOffset(pages.get(i - 1)) + 9);
        }
    }

    @Test
    void aFreedCellIsGivenOutAgainOnlyAfterTwoCommits() {
        space.reserve(1 << 20);
        List<Long> pages = allocate(64 * 9 - 1, 26);
        commit();
        long freed = pages.get(17);
        space.free(freed);

        long size = space.fileBytes();
        assertThat(everyPageUntilTheFileGrows(26, size)).doesNotContain(freed);
        commit();
        assertThat(everyPageUntilTheFileGrows(26, space.fileBytes())).doesNotContain(freed);
        commit();
        assertThat(everyPageUntilTheFileGrows(26, space.fileBytes())).contains(freed);
    }

    private List<Long> everyPageUntilTheFileGrows(int lengthUnits, long size) {
        List<Long> pages = new ArrayList<>();
        while (space.fileBytes() == size) {
            pages.add(space.allocate(lengthUnits));
        }
        return pages;
    }

    @Test
    void whatTheLastCommitFreedIsSparedAfterAReopenUntilTheNext() {
        List<Long> pages = allocate(300, 1);
        commit();
        space.free(pages.get(5));
        commit();

        reopen();

        assertThat(space.isAllocated(pages.get(5))).isFalse();
        assertThat(everyPageUntilTheFileGrows(1, space.fileBytes())).doesNotContain(pages.get(5));
        commit();
        assertThat(everyPageUntilTheFileGrows(1, space.fileBytes())).contains(pages.get(5));
    }

    @Test
    void anEmptySlabTakesPagesOfAnotherLengthAfterTwoCommits() {
        List<Long> pages = allocate(256 * 64 - 1, 1);
        commit();
        pages.forEach(space::free);
        assertThat(space.allocatedBytes()).isZero();
        assertThat(space.freeBytes()).isLessThanOrEqualTo(PagePointer.UNIT_BYTES);
        commit();
        assertThat(superblock.table(PageSpace.TABLE).usedRows()).isZero();
        commit();

        long size = space.fileBytes();
        allocate(64 * 9 - 1, 26);
        assertThat(space.fileBytes()).isEqualTo(size);
    }

    @Test
    void whatIsNotAllocatedCannotBeFreed() {
        long page = space.allocate(3);
        space.free(page);

        for (long wrong : new long[] {
            page,
            0,
            1,
            PagePointer.of(4, 3),
            PagePointer.of(5, 3),
            PagePointer.of(1L << 40, 3),
            -1,
            PagePointer.of(4, 27)
        }) {
            assertThatThrownBy(() -> space.free(wrong)).isInstanceOf(IllegalStateException.class);
        }
        long other = space.allocate(3);
        assertThatThrownBy(() -> space.free(PagePointer.of(PagePointer.unitOffset(other), 5)))
                .isInstanceOf(IllegalStateException.class);
        space.free(other);
    }

    @Test
    void reservedSpaceIsThereWhateverTheLengths() {
        for (int round = 0; round < 300; round++) {
            long bytes = random.nextLong(1, 3 << 20);
            disk.freeBytes = Long.MAX_VALUE;
            space.reserve(bytes);
            disk.freeBytes = 0;
            List<Long> pages = new ArrayList<>();
            int bound = random.nextInt(1, 27);
            for (long used = 0; ; ) {
                int length = round % 2 == 0 ? bound : random.nextInt(1, bound + 1);
                used += (long) length * PagePointer.UNIT_BYTES;
                if (used > bytes) {
                    break;
                }
                pages.add(space.allocate(length));
            }
            superblock.commit();
            space.committed();
            pages.stream().filter(page -> random.nextInt(4) > 0).forEach(space::free);
        }
    }

    @Test
    void aFullDiskIsToldAndNothingIsLost() {
        disk.freeBytes = 0;
        assertThatThrownBy(() -> space.reserve(1)).isInstanceOf(DiskException.class);
        assertThatThrownBy(() -> space.allocate(1)).isInstanceOf(DiskException.class);

        disk.freeBytes = 8 << 20;
        space.free(space.allocate(1));
        commit();
    }

    @Test
    void theCountsAgreeWithTheBitmapsThroughAnyHistory() {
        List<Long> pages = new ArrayList<>();
        for (int round = 0; round < 200; round++) {
            for (int i = random.nextInt(400); i > 0; i--) {
                pages.add(space.allocate(1 + (int) Math.pow(26, random.nextDouble()) % 26));
            }
            for (int i = random.nextInt(350); i > 0 && !pages.isEmpty(); i--) {
                space.free(pages.remove(random.nextInt(pages.size())));
            }
            if (random.nextInt(3) > 0) {
                commit();
            }
            if (random.nextInt(10) == 0) {
                commit();
                reopen();
            }
            assertThat(space.allocatedBytes()).isEqualTo(recount(pages));
            assertThat(pages).allMatch(space::isAllocated);
        }
        // Slabs stay half full, so the file does not outgrow what it holds without bound.
        assertThat(space.fileBytes()).isLessThan(4 * space.allocatedBytes() + (8 << 20));
    }

    private long recount(List<Long> pages) {
        Table table = superblock.table(PageSpace.TABLE);
        long bits = 0;
        long bytes = 0;
        for (int slab = table.nextUsed(0); slab >= 0; slab = table.nextUsed(slab + 1)) {
            int cells = 0;
            for (int offset = 8; offset < 40; offset += 8) {
                cells += Long.bitCount(table.getLong(slab, offset));
            }
            bits += cells;
            bytes += (long) cells * SlabDescriptor.cellBytes(table.kind(slab));
        }
        assertThat(bits).isEqualTo(pages.size());
        return bytes;
    }
}
