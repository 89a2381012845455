package io.varve.engine.meta;

import static io.varve.engine.meta.SlabDescriptor.BITMAP_WORDS;
import static io.varve.engine.meta.SlabDescriptor.MAX_KIND;
import static io.varve.engine.meta.SlabDescriptor.cells;

import java.util.Arrays;
import java.util.BitSet;

/**
 * Which cells of which slabs can be given out now. A cell is named by its slab and its number there as
 * {@code slab << 8 | cell}. A slab has a kind (the size of its cells) as long as any of them is not free, and takes a
 * new kind when it is needed again. Slabs of which nothing is given out are <em>vacant</em>, or <em>bare</em> if they may
 * have no blocks on disk: these have to be filled first.
 *
 * <p>Cells are given out in rising order within a slab, and a slab is gone through to its end before the next is
 * begun, which is one with a quarter of its cells free, else a wholly free one, else any: so what is allocated together
 * lies together, and the slabs of a kind are three quarters full before more of the file is used.
 */
final class FreeCells {
    private static final int VACANT = 0;
    private static final int NONE = -1;

    private final BitSet vacant = new BitSet();
    private final BitSet bare = new BitSet();
    private final BitSet[] roomy = bitSets();
    private final BitSet[] tight = bitSets();
    private final int[] currentSlab = new int[MAX_KIND + 1];
    private final int[] nextCell = new int[MAX_KIND + 1];
    private int slabs;
    private byte[] kinds = new byte[0];
    private short[] freeCounts = new short[0];
    private long[] taken = new long[0];

    FreeCells(int slabs) {
        Arrays.fill(currentSlab, NONE);
        grow(slabs);
    }

    private static BitSet[] bitSets() {
        BitSet[] sets = new BitSet[MAX_KIND + 1];
        Arrays.setAll(sets, kind -> new BitSet());
        return sets;
    }

    static int slabOf(long cell) {
        return (int) (cell >>> 8);
    }

    static int numberOf(long cell) {
        return (int) (cell & 0xFF);
    }

    static long cell(int slab, int number) {
        return (long) slab << 8 | number;
    }

    int slabs() {
        return slabs;
    }

    int vacantSlabs() {
        return vacant.cardinality();
    }

    int bareSlabs() {
        return bare.cardinality();
    }

    /** The first bare slab from {@code slab} on, or -1. */
    int nextBare(int slab) {
        return bare.nextSetBit(slab);
    }

    /** Neighbouring slabs. */
    record Run(int first, int count) {}

    /** The first bare slabs that are neighbours, at most so many; none if there are none. */
    Run firstBare(int most) {
        int first = bare.nextSetBit(0);
        return first < 0 ? new Run(0, 0) : new Run(first, Math.min(most, bare.nextClearBit(first) - first));
    }

    /** The last vacant slabs that are neighbours, at most so many; none if there are none. */
    Run lastVacant(int most) {
        int last = vacant.length() - 1;
        int count = Math.min(most, last - vacant.previousClearBit(last));
        return new Run(last + 1 - count, count);
    }

    /** Bare slabs have got blocks. */
    void fill(Run run) {
        bare.clear(run.first(), run.first() + run.count());
        vacant.set(run.first(), run.first() + run.count());
    }

    /** Vacant slabs lose their blocks. */
    void strip(Run run) {
        vacant.clear(run.first(), run.first() + run.count());
        bare.set(run.first(), run.first() + run.count());
    }

    /** Takes all vacant slabs for bare ones. */
    void stripAll() {
        bare.or(vacant);
        vacant.clear();
    }

    /** The kind of a slab, 0 if all its cells are free. */
    int kind(int slab) {
        return kinds[slab];
    }

    /** Adds vacant slabs up to {@code total}. */
    void grow(int total) {
        if (total > kinds.length) {
            int capacity = Math.max(total, kinds.length + kinds.length / 2);
            kinds = Arrays.copyOf(kinds, capacity);
            freeCounts = Arrays.copyOf(freeCounts, capacity);
            taken = Arrays.copyOf(taken, capacity * BITMAP_WORDS);
        }
        vacant.set(slabs, total);
        slabs = total;
    }

    /** Takes the next cell of this kind; -1 if there is none. */
    long take(int kind) {
        int slab = currentSlab[kind];
        int number = slab == NONE ? NONE : firstFree(slab, nextCell[kind]);
        if (number == NONE) {
            slab = nextSlab(kind);
            if (slab == NONE) {
                return NONE;
            }
            currentSlab[kind] = slab;
            number = firstFree(slab, 0);
        }
        nextCell[kind] = number + 1;
        take(slab, number);
        return cell(slab, number);
    }

    /** Takes this very cell, which must be free, in a slab that is vacant or of this kind. */
    void take(int slab, int number, int kind) {
        if (kinds[slab] == VACANT) {
            settle(slab, kind);
        }
        if (kinds[slab] != kind || isTaken(slab, number)) {
            throw new IllegalStateException("cell " + number + " of slab " + slab + " is not free");
        }
        take(slab, number);
    }

    void release(long cell) {
        int slab = slabOf(cell);
        int kind = kinds[slab];
        taken[word(slab, numberOf(cell))] &= ~bit(numberOf(cell));
        freeCounts[slab]++;
        if (freeCounts[slab] == usableCells(slab, kind)) {
            vacate(slab, kind);
        } else {
            file(slab, kind);
        }
    }

    private int nextSlab(int kind) {
        int slab = roomy[kind].nextSetBit(0);
        if (slab == NONE) {
            slab = vacant.nextSetBit(0);
            if (slab != NONE) {
                settle(slab, kind);
            } else {
                slab = tight[kind].nextSetBit(0);
            }
        }
        return slab;
    }

    private void settle(int slab, int kind) {
        vacant.clear(slab);
        kinds[slab] = (byte) kind;
        freeCounts[slab] = (short) usableCells(slab, kind);
        if (slab == 0) {
            taken[0] = 1;
        }
        file(slab, kind);
    }

    private void vacate(int slab, int kind) {
        roomy[kind].clear(slab);
        tight[kind].clear(slab);
        if (currentSlab[kind] == slab) {
            currentSlab[kind] = NONE;
        }
        Arrays.fill(taken, slab * BITMAP_WORDS, (slab + 1) * BITMAP_WORDS, 0);
        kinds[slab] = VACANT;
        vacant.set(slab);
    }

    private void take(int slab, int number) {
        taken[word(slab, number)] |= bit(number);
        freeCounts[slab]--;
        file(slab, kinds[slab]);
    }

    private void file(int slab, int kind) {
        int free = freeCounts[slab];
        boolean isRoomy = 4 * free >= cells(kind);
        roomy[kind].set(slab, isRoomy);
        tight[kind].set(slab, !isRoomy && free > 0);
    }

    private int firstFree(int slab, int from) {
        int cells = cells(kinds[slab]);
        for (int number = from; number < cells; number = (number | (Long.SIZE - 1)) + 1) {
            long free = ~taken[word(slab, number)] >>> number;
            if (free != 0) {
                int found = number + Long.numberOfTrailingZeros(free);
                return found < cells ? found : NONE;
            }
        }
        return NONE;
    }

    private boolean isTaken(int slab, int number) {
        return (taken[word(slab, number)] & bit(number)) != 0;
    }

    /** The first cell of the file is never given out: a pointer to it could be taken for a hole. */
    private static int usableCells(int slab, int kind) {
        return slab == 0 ? cells(kind) - 1 : cells(kind);
    }

    private static int word(int slab, int number) {
        return slab * BITMAP_WORDS + number / Long.SIZE;
    }

    private static long bit(int number) {
        return 1L << number;
    }
}
