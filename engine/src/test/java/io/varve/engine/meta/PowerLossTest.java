package io.varve.engine.meta;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.io.Disk;
import io.varve.engine.io.DiskFile;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/**
 * Power is lost at every operation of a history of checkpoints, each of which frees pages of the map, writes others and
 * commits. What is found afterwards is the last generation or the one that was being committed, whole, with all the
 * pages that it and the generation before it point at.
 */
class PowerLossTest {
    private static final TableSpec ROWS = new TableSpec(9, 200, "rows");
    private static final int CHECKPOINTS = 12;

    /** What a generation holds. */
    private record Contents(Map<Long, Long> pages, Map<Integer, Long> rows) {
        Contents copy() {
            return new Contents(new HashMap<>(pages), new HashMap<>(rows));
        }
    }

    /** A store and, beside it, what every generation of it holds. */
    private static final class History {
        final MemoryDisk disk;
        final SplittableRandom random;
        final Map<Long, Contents> generations = new HashMap<>();
        Contents now = new Contents(new HashMap<>(), new HashMap<>());
        long durableGeneration = -1;

        History(MemoryDisk disk, long seed) {
            this.disk = disk;
            this.random = new SplittableRandom(seed);
        }

        void create() {
            generations.put(0L, now.copy());
            generations.put(1L, now.copy());
            disk.open("map", Disk.Mode.CREATE).close();
            try (Superblock superblock = Superblock.create(disk, new UUID(1, 2), PageSpace.TABLE, ROWS)) {
                durableGeneration = superblock.generation();
            }
        }

        void checkpoint(int count) {
            try (DiskFile map = disk.open("map", Disk.Mode.EXISTING);
                    Superblock superblock = Superblock.open(disk, PageSpace.TABLE, ROWS)) {
                PageSpace space = PageSpace.open(superblock, map);
                superblock.forgetPrevious();
                for (int i = 0; i < count; i++) {
                    change(superblock, space, map);
                    generations.put(superblock.generation() + 1, now.copy());
                    durableGeneration = superblock.commit();
                    space.committed();
                }
            }
        }

        private void change(Superblock superblock, PageSpace space, DiskFile map) {
            space.reserve(400 * PagePointer.UNIT_BYTES);
            List<Long> pages = new ArrayList<>(now.pages.keySet());
            pages.sort(null);
            for (long page : pages) {
                if (random.nextInt(3) == 0) {
                    space.free(page);
                    now.pages.remove(page);
                }
            }
            for (int i = random.nextInt(20); i > 0; i--) {
                long page = space.allocate(random.nextInt(1, PagePointer.MAX_UNITS + 1));
                long stamp = random.nextLong();
                map.write(PagePointer.positionBytes(page), stamped(page, stamp));
                now.pages.put(page, stamp);
            }
            map.sync();
            Table rows = superblock.table(ROWS);
            for (int i = random.nextInt(30); i > 0; i--) {
                int row = rows.allocate((byte) 1);
                rows.putLong(row, 190, superblock.generation());
                now.rows.put(row, superblock.generation());
            }
            for (int row = rows.nextUsed(0); row >= 0; row = rows.nextUsed(row + 1)) {
                if (random.nextInt(8) == 0) {
                    rows.free(row);
                    now.rows.remove(row);
                }
            }
        }

        /** Opens what the loss left, on {@code after}, and answers the generation found. */
        long requireWhole(MemoryDisk after) {
            try (DiskFile map = after.open("map", Disk.Mode.EXISTING);
                    Superblock superblock = Superblock.open(after, PageSpace.TABLE, ROWS)) {
                long found = superblock.generation();
                assertThat(found).isBetween(durableGeneration, durableGeneration + 1);
                requireContents(found, superblock.table(ROWS), map);
                superblock.previous().ifPresent(image -> requireContents(image.generation(), image.table(ROWS), map));
                PageSpace space = PageSpace.open(superblock, map);
                Contents contents = generation(found);
                long bytes = 0;
                for (long page : contents.pages.keySet()) {
                    assertThat(space.isAllocated(page)).isTrue();
                    bytes += SlabDescriptor.cellBytes(SlabDescriptor.kindFor(PagePointer.lengthUnits(page)));
                }
                assertThat(space.allocatedBytes()).isEqualTo(bytes);
                return found;
            }
        }

        private Contents generation(long number) {
            Contents contents = generations.get(number);
            assertThat(contents).as("generation %d", number).isNotNull();
            return contents;
        }

        private void requireContents(long number, Table table, DiskFile map) {
            Contents contents = generation(number);
            Map<Integer, Long> rows = new HashMap<>();
            for (int row = table.nextUsed(0); row >= 0; row = table.nextUsed(row + 1)) {
                rows.put(row, table.getLong(row, 190));
            }
            assertThat(rows).isEqualTo(contents.rows);
            contents.pages.forEach((page, stamp) -> {
                ByteBuffer bytes = ByteBuffer.allocateDirect(PagePointer.lengthBytes(page));
                map.read(PagePointer.positionBytes(page), bytes);
                assertThat(bytes).isEqualTo(stamped(page, stamp));
            });
        }

        private static ByteBuffer stamped(long page, long stamp) {
            ByteBuffer bytes = ByteBuffer.allocateDirect(PagePointer.lengthBytes(page));
            while (bytes.hasRemaining()) {
                bytes.putLong(stamp);
            }
            return bytes.flip();
        }
    }

    @Test
    void aLossAtAnyOperationLeavesTheLastGenerationOrTheNext() {
        int nextFound = 0;
        for (long seed = 0; seed < 6; seed++) {
            int operations = operationsOf(seed);
            for (int lost = 0; lost < operations; lost++) {
                MemoryDisk disk = new MemoryDisk();
                History history = new History(disk, seed);
                disk.losePowerAfter(lost);
                try {
                    run(history);
                    throw new AssertionError("power was not lost at operation " + lost);
                } catch (MemoryDisk.PowerLoss expected) {
                    nextFound += requireSurvival(history, seed * 10_000 + lost) ? 1 : 0;
                }
            }
        }
        assertThat(nextFound).as("commits cut short that were found whole").isPositive();
    }

    /** True if the generation found is the one whose commit was cut short. */
    private static boolean requireSurvival(History history, long seed) {
        MemoryDisk after = history.disk.afterPowerLoss(new SplittableRandom(seed));
        if (!Superblock.exists(after)) {
            assertThat(history.durableGeneration).isNegative();
            return false;
        }
        history.durableGeneration = Math.max(0, history.durableGeneration);
        long found = history.requireWhole(after);
        History next = new History(after, seed);
        next.generations.put(found, history.generation(found));
        next.now = history.generation(found).copy();
        next.checkpoint(1);
        assertThat(next.requireWhole(after)).isEqualTo(found + 1);
        return found > history.durableGeneration;
    }

    private static int operationsOf(long seed) {
        History history = new History(new MemoryDisk(), seed);
        run(history);
        return history.disk.operations();
    }

    private static void run(History history) {
        history.create();
        history.checkpoint(CHECKPOINTS / 2);
        history.checkpoint(CHECKPOINTS / 2);
    }
}
