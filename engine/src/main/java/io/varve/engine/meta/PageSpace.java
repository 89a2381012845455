package io.varve.engine.meta;

import static io.varve.engine.meta.SlabDescriptor.SLAB_BYTES;
import static io.varve.engine.meta.SlabDescriptor.UNITS_PER_SLAB;
import static io.varve.engine.meta.SlabDescriptor.cellBytes;
import static io.varve.engine.meta.SlabDescriptor.cellUnits;
import static io.varve.engine.meta.SlabDescriptor.cells;
import static io.varve.engine.meta.SlabDescriptor.kindFor;

import io.varve.engine.StoreException;
import io.varve.engine.StoreException.Kind;
import io.varve.engine.io.DiskException;
import io.varve.engine.io.DiskFile;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives out the space of the file {@code map}, in cells of slabs ({@link SlabDescriptor}), as {@link PagePointer}s.
 * What is allocated is a table of the {@link Superblock} and durable with it.
 *
 * <p>A page freed is free in the next commit's table at once, but its cell is not given out again until the commit
 * after that is durable too: so both generations on disk find their pages untouched. The file must be synced before the
 * commit that first points into it.
 *
 * <p>Used by one thread at a time, off the loops: the file may have to grow.
 */
public final class PageSpace {
    private static final Logger LOG = LoggerFactory.getLogger(PageSpace.class);

    /** The table that says what is allocated; to be named when the superblock is opened. */
    public static final TableSpec TABLE = new TableSpec(1, SlabDescriptor.ROW_BYTES, "slabs");

    /** The file grows by 4 MiB. */
    private static final int GROWTH_SLABS = 64;

    /** Of slabs that may have no blocks, how many are looked at on a full disk for some that have. */
    private static final int MOST_TRIED_SLABS = 4096;

    /** Bytes that a new file is given, so that what is created in an empty store need not let it grow. */
    public static final long FIRST_BYTES = (long) GROWTH_SLABS * SLAB_BYTES;

    /** Every kind may leave one slab half used, and the first slab lacks a cell. */
    private static final int SLACK_SLABS = SlabDescriptor.MAX_KIND + 1;

    private final Superblock superblock;
    private final Table table;
    private final DiskFile file;
    private final FreeCells free;
    private final Quarantine quarantine = new Quarantine();
    private long allocatedBytes;
    private long quarantinedBytes;

    private PageSpace(Superblock superblock, DiskFile file) {
        this.superblock = superblock;
        this.table = superblock.table(TABLE);
        this.file = file;
        this.free = new FreeCells((int) (file.sizeBytes() / SLAB_BYTES));
    }

    /**
     * Opens the space of {@code file} as the superblock's current generation has it. What only its
     * {@link Superblock#previous} has is spared until the next commit.
     *
     * @throws StoreException DAMAGED if the table does not fit the file
     */
    public static PageSpace open(Superblock superblock, DiskFile file) {
        restoreLength(superblock.table(TABLE), file);
        PageSpace space = new PageSpace(superblock, file);
        space.takeAllocated();
        superblock.previous().ifPresent(previous -> space.spare(previous.table(TABLE)));
        if (file.allocatedBytes() < file.sizeBytes()) {
            space.free.stripAll();
        }
        return space;
    }

    /**
     * Gives a file that was cut short its length back. The pages that it has lost fail their checks, and so touch only
     * those whose they are.
     */
    private static void restoreLength(Table slabs, DiskFile file) {
        long needed = 0;
        for (int slab = slabs.nextUsed(0); slab >= 0; slab = slabs.nextUsed(slab + 1)) {
            needed = (slab + 1L) * SLAB_BYTES;
        }
        long found = file.sizeBytes();
        if (found < needed) {
            LOG.error("{} has {} bytes and needs {}: pages behind its end are lost", file.name(), found, needed);
            file.allocate(found, needed - found);
        }
    }

    private void takeAllocated() {
        for (int slab = table.nextUsed(0); slab >= 0; slab = table.nextUsed(slab + 1)) {
            int kind = requireSlab(table, slab);
            for (int cell = 0; cell < cells(kind); cell++) {
                if (isAllocated(table, slab, cell)) {
                    free.take(slab, cell, kind);
                    allocatedBytes += cellBytes(kind);
                }
            }
        }
    }

    private void spare(Table previous) {
        for (int slab = previous.nextUsed(0); slab >= 0; slab = previous.nextUsed(slab + 1)) {
            int kind = requireSlab(previous, slab);
            for (int cell = 0; cell < cells(kind); cell++) {
                if (isAllocated(previous, slab, cell) && !(table.isUsed(slab) && isAllocated(table, slab, cell))) {
                    free.take(slab, cell, kind);
                    quarantine.addFreedByLastCommit(FreeCells.cell(slab, cell));
                    quarantinedBytes += cellBytes(kind);
                }
            }
        }
    }

    private int requireSlab(Table slabs, int slab) {
        int kind = slabs.kind(slab);
        if (slab >= free.slabs()) {
            throw new StoreException(
                    Kind.DAMAGED,
                    file.name() + " has " + file.sizeBytes() + " bytes and pages in use at "
                            + (long) slab * SLAB_BYTES);
        }
        if (kind < 1 || kind > SlabDescriptor.MAX_KIND || (slab == 0 && isAllocated(slabs, 0, 0))) {
            throw new StoreException(Kind.DAMAGED, "slab " + slab + " of " + file.name() + " has impossible contents");
        }
        if (free.kind(slab) != 0 && free.kind(slab) != kind) {
            throw new StoreException(
                    Kind.DAMAGED, "slab " + slab + " of " + file.name() + " changed its kind within one commit");
        }
        return kind;
    }

    /** Bytes of the cell that a page of that pointer is in: what may be written at its place. */
    public static int placeBytes(long pointer) {
        return SlabDescriptor.cellBytes(SlabDescriptor.kindFor(PagePointer.lengthUnits(pointer)));
    }

    /**
     * Gives out space for a page of {@code lengthUnits} (1 to {@link PagePointer#MAX_UNITS}). Grows the file if it must.
     *
     * @throws io.varve.engine.io.DiskException NO_SPACE if nothing was {@linkplain #reserve reserved} and the disk is full
     */
    public long allocate(int lengthUnits) {
        if (lengthUnits < 1 || lengthUnits > PagePointer.MAX_UNITS) {
            throw new IllegalArgumentException(
                    "a page of " + lengthUnits + " units is not in 1.." + PagePointer.MAX_UNITS);
        }
        byte kind = kindFor(lengthUnits);
        long cell = free.take(kind);
        if (cell < 0) {
            grow(1);
            cell = free.take(kind);
        }
        int slab = FreeCells.slabOf(cell);
        if (!table.isUsed(slab)) {
            table.use(slab, kind);
        }
        flip(slab, FreeCells.numberOf(cell));
        allocatedBytes += cellBytes(kind);
        long unitOffset = (long) slab * UNITS_PER_SLAB + (long) FreeCells.numberOf(cell) * cellUnits(kind);
        return PagePointer.of(unitOffset, lengthUnits);
    }

    /**
     * Gives a page back.
     *
     * @throws IllegalStateException if it is not allocated
     */
    public void free(long pointer) {
        if (!isAllocated(pointer)) {
            throw new IllegalStateException("page %x is not allocated".formatted(pointer));
        }
        int slab = slabOf(pointer);
        int kind = table.kind(slab);
        int cell = cellOf(pointer, kind);
        flip(slab, cell);
        if (isEmpty(slab)) {
            table.free(slab);
        }
        allocatedBytes -= cellBytes(kind);
        quarantinedBytes += cellBytes(kind);
        quarantine.add(FreeCells.cell(slab, cell));
    }

    /** True if {@code pointer} is a page that is given out. */
    public boolean isAllocated(long pointer) {
        if (!PagePointer.isPointer(pointer) || PagePointer.unitOffset(pointer) / UNITS_PER_SLAB >= free.slabs()) {
            return false;
        }
        return isAllocated(table, pointer);
    }

    /** True if {@code slabs}, the table of a generation, has {@code pointer} given out. */
    public static boolean isAllocated(Table slabs, long pointer) {
        if (!PagePointer.isPointer(pointer) || PagePointer.unitOffset(pointer) / UNITS_PER_SLAB >= slabs.capacity()) {
            return false;
        }
        int slab = slabOf(pointer);
        int kind = kindFor(PagePointer.lengthUnits(pointer));
        int unitInSlab = (int) (PagePointer.unitOffset(pointer) % UNITS_PER_SLAB);
        return slabs.isUsed(slab)
                && slabs.kind(slab) == kind
                && unitInSlab % cellUnits(kind) == 0
                && unitInSlab / cellUnits(kind) < cells(kind)
                && isAllocated(slabs, slab, cellOf(pointer, kind));
    }

    /** Called with the unit at which a page that is given out begins, and the bytes of its cell. */
    @FunctionalInterface
    public interface CellVisitor {
        void cell(long unitOffset, int cellBytes);
    }

    /** Goes through all that {@code slabs}, the table of a generation, has given out. Slabs of no known kind are skipped. */
    public static void forEachAllocated(Table slabs, CellVisitor visitor) {
        for (int slab = slabs.nextUsed(0); slab >= 0; slab = slabs.nextUsed(slab + 1)) {
            int kind = slabs.kind(slab);
            for (int cell = 0; kind >= 1 && kind <= SlabDescriptor.MAX_KIND && cell < cells(kind); cell++) {
                if (isAllocated(slabs, slab, cell)) {
                    visitor.cell((long) slab * UNITS_PER_SLAB + (long) cell * cellUnits(kind), cellBytes(kind));
                }
            }
        }
    }

    /**
     * Grows the file and the table so that pages of {@code bytes} in all, each counted in whole units, can be allocated
     * and committed without meeting a full disk, whatever their lengths.
     *
     * @throws io.varve.engine.io.DiskException NO_SPACE if the disk is too full for that
     */
    public void reserve(long bytes) {
        // The worst are pages of 5 units: they take cells of 9, of which a slab has 28.
        long slabs = (bytes * 64 / 35 + SLAB_BYTES - 1) / SLAB_BYTES + SLACK_SLABS;
        int missing = Math.toIntExact(slabs) - free.vacantSlabs();
        if (missing > 0) {
            grow(missing);
        }
    }

    /** To be called after each durable commit of the superblock: lets go of what no generation on disk has. */
    public void committed() {
        quarantine.committed(cell -> {
            quarantinedBytes -= cellBytes(free.kind(FreeCells.slabOf(cell)));
            free.release(cell);
        });
    }

    public long fileBytes() {
        return (long) free.slabs() * SLAB_BYTES;
    }

    /** Bytes of all cells given out. */
    public long allocatedBytes() {
        return allocatedBytes;
    }

    /** Bytes of the file that are neither given out nor waiting for commits, and that have blocks on disk for sure. */
    public long freeBytes() {
        return fileBytes() - allocatedBytes - quarantinedBytes - (long) free.bareSlabs() * SLAB_BYTES;
    }

    /** Bytes of cells that were freed and wait for commits before they can be given out again. */
    public long quarantinedBytes() {
        return quarantinedBytes;
    }

    /**
     * Gives blocks of the file that nothing is in back to the file system, but for about {@code keptBytes}. They are allocated
     * anew when they are needed, before anything is written there; after a reopen, if the file has holes, that goes for all
     * that nothing is in.
     */
    public void giveBack(long keptBytes) {
        int surplus = Math.toIntExact(Math.max(0, free.vacantSlabs() - keptBytes / SLAB_BYTES));
        while (surplus > 0) {
            FreeCells.Run run = free.lastVacant(surplus);
            free.strip(run);
            surplus -= run.count();
            try {
                file.punch((long) run.first() * SLAB_BYTES, (long) run.count() * SLAB_BYTES);
            } catch (DiskException e) {
                LOG.warn("unused space of {} is not given back: {}", file.name(), e.getMessage());
            }
        }
    }

    private void grow(int slabs) {
        int missing = slabs - refill(slabs);
        if (missing > 0) {
            extend(missing);
        }
    }

    /** Allocates what was given back, up to so many slabs; answers how many there were. */
    private int refill(int slabs) {
        int done = 0;
        for (FreeCells.Run run = free.firstBare(slabs); run.count() > 0; run = free.firstBare(slabs - done)) {
            if (!fill(run)) {
                return done + refillOneByOne(slabs - done);
            }
            done += run.count();
        }
        return done;
    }

    /** On a full disk: of slabs that may have no blocks, those that have some can be allocated even so. */
    private int refillOneByOne(int slabs) {
        int done = 0;
        int tried = 0;
        for (int slab = free.nextBare(0);
                slab >= 0 && done < slabs && tried < MOST_TRIED_SLABS;
                slab = free.nextBare(slab + 1)) {
            done += fill(new FreeCells.Run(slab, 1)) ? 1 : 0;
            tried++;
        }
        return done;
    }

    /** Allocates bare slabs; false if the disk has no room for them. */
    private boolean fill(FreeCells.Run run) {
        int end = run.first() + run.count();
        try {
            superblock.reserve(table.pagesMissingFor(end));
            file.allocate((long) run.first() * SLAB_BYTES, (long) run.count() * SLAB_BYTES);
        } catch (DiskException e) {
            if (e.kind() != DiskException.Kind.NO_SPACE) {
                throw e;
            }
            return false;
        }
        table.ensureCapacity(end);
        free.fill(run);
        return true;
    }

    private void extend(int slabs) {
        int steps = (slabs + GROWTH_SLABS - 1) / GROWTH_SLABS;
        int total = Math.addExact(free.slabs(), Math.multiplyExact(steps, GROWTH_SLABS));
        superblock.reserve(table.pagesMissingFor(total));
        file.allocate(fileBytes(), (long) (total - free.slabs()) * SLAB_BYTES);
        table.ensureCapacity(total);
        free.grow(total);
    }

    private void flip(int slab, int cell) {
        int offset = SlabDescriptor.wordOffset(cell);
        table.putLong(slab, offset, table.getLong(slab, offset) ^ 1L << cell);
    }

    private boolean isEmpty(int slab) {
        long any = 0;
        for (int word = 0; word < SlabDescriptor.BITMAP_WORDS; word++) {
            any |= table.getLong(slab, SlabDescriptor.BITMAP_OFFSET + word * Long.BYTES);
        }
        return any == 0;
    }

    private static boolean isAllocated(Table slabs, int slab, int cell) {
        return (slabs.getLong(slab, SlabDescriptor.wordOffset(cell)) >>> cell & 1) != 0;
    }

    private static int slabOf(long pointer) {
        return (int) (PagePointer.unitOffset(pointer) / UNITS_PER_SLAB);
    }

    private static int cellOf(long pointer, int kind) {
        return (int) (PagePointer.unitOffset(pointer) % UNITS_PER_SLAB) / cellUnits(kind);
    }
}
