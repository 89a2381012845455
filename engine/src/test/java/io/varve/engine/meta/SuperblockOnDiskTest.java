package io.varve.engine.meta;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.io.Disk;
import io.varve.engine.io.DiskFile;
import io.varve.engine.io.RealDisk;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The superblock and the page space in a real directory, where reads of the device want aligned memory. */
class SuperblockOnDiskTest {
    private static final TableSpec ROWS = new TableSpec(9, 200, "rows");

    @TempDir
    Path directory;

    @Test
    void whatIsCommittedIsFoundByTheNextOpening() {
        List<Long> pages = new ArrayList<>();
        try (Disk disk = RealDisk.open(directory);
                DiskFile map = disk.open("map", Disk.Mode.CREATE);
                Superblock superblock = Superblock.create(disk, new UUID(1, 2), PageSpace.TABLE, ROWS)) {
            PageSpace space = PageSpace.open(superblock, map);
            for (int commit = 0; commit < 5; commit++) {
                for (int i = 0; i < 500; i++) {
                    pages.add(space.allocate(1 + i % PagePointer.MAX_UNITS));
                    superblock.table(ROWS).putInt(superblock.table(ROWS).allocate((byte) 1), 1, i);
                }
                map.sync();
                superblock.commit();
                space.committed();
            }
        }
        try (Disk disk = RealDisk.open(directory);
                DiskFile map = disk.open("map", Disk.Mode.EXISTING);
                Superblock superblock = Superblock.open(disk, PageSpace.TABLE, ROWS)) {
            assertThat(superblock.generation()).isEqualTo(6);
            assertThat(superblock.previous()).isPresent();
            assertThat(superblock.table(ROWS).usedRows()).isEqualTo(2500);
            assertThat(superblock.table(ROWS).getInt(2499, 1)).isEqualTo(499);
            assertThat(pages).allMatch(PageSpace.open(superblock, map)::isAllocated);
        }
    }
}
