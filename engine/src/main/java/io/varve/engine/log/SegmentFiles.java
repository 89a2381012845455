package io.varve.engine.log;

import io.varve.engine.StoreException;
import io.varve.engine.io.Disk;
import io.varve.engine.io.DiskException;
import io.varve.engine.io.DiskFile;
import io.varve.engine.meta.Table;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The files of the directory {@code segments}: made, recycled, deleted. {@link #take}, {@link #create}
 * and {@link #discard} may be called by any thread and wait for storage; everything else is the accountant's.
 *
 * <p>A file that checkpoint N frees is reused once N+1 is durable, because until then the superblock of N−1 may still
 * need what is in it, and once every read has ended that may have looked up something in it.
 */
final class SegmentFiles {
    /** The directory of segment files. */
    static final String DIRECTORY = "segments";

    private static final int PAGE_BYTES = 4096;
    private static final int FILLED_PARTS = 16;
    private static final int ZERO_STEP_BYTES = 1 << 20;

    private final Disk disk;
    private final Table table;
    private final AtomicLong nextFile = new AtomicLong(1);
    private final Deque<Free> pool = new ArrayDeque<>();
    private long poolLimitBytes = 512L << 20;
    private final Map<Long, Integer> freeRows = new HashMap<>();
    private List<Free> freedByThisCommit = new ArrayList<>();
    private List<Freed> freedBefore = new ArrayList<>();

    /** A file without a segment. */
    record Free(long number, long capacityBytes, DiskFile file) {}

    /** Files that a commit freed, and when the last read that may have looked them up has ended. */
    private record Freed(List<Free> files, CompletableFuture<?> readsEnded) {}

    SegmentFiles(Disk disk, Table table) {
        this.disk = disk;
        this.table = table;
        numbers().forEach(number -> nextFile.accumulateAndGet(number + 1, Math::max));
    }

    static String name(long number) {
        return String.format("%s/%016x", DIRECTORY, number);
    }

    private static OptionalLong parseNumber(String name) {
        try {
            return OptionalLong.of(Long.parseLong(name, 16));
        } catch (NumberFormatException e) {
            return OptionalLong.empty();
        }
    }

    DiskFile open(long number) {
        return disk.open(name(number), Disk.Mode.EXISTING);
    }

    /**
     * Opens a file that the table names. One that is gone fails when it is used, not here: others are not concerned.
     */
    DiskFile openNamed(long number) {
        return exists(number) ? open(number) : new MissingFile(name(number));
    }

    boolean exists(long number) {
        return disk.exists(name(number));
    }

    /** Takes over a row of kind FREE. */
    void adoptFree(int row) {
        long number = table.getLong(row, SegmentRow.FILE);
        if (!exists(number)) {
            table.free(row);
            return;
        }
        freeRows.put(number, row);
        Free file = new Free(number, table.getLong(row, SegmentRow.CAPACITY), open(number));
        freedBefore.add(new Freed(List.of(file), CompletableFuture.completedFuture(null)));
    }

    // ---- any thread ----

    /**
     * A recycled file if there is one, else a new one with its blocks allocated.
     *
     * @param capacityBytes 1 MiB times a power of four
     * @param zeroed write the whole file beforehand if it is new, so that small synced writes find written blocks
     * @throws StoreException NO_SPACE or IO
     */
    Free take(long capacityBytes, boolean zeroed) {
        Free free = takePooled(capacityBytes);
        return free == null ? create(capacityBytes, zeroed) : free;
    }

    private @Nullable Free takePooled(long capacityBytes) {
        synchronized (pool) {
            for (Iterator<Free> files = pool.iterator(); files.hasNext(); ) {
                Free file = files.next();
                if (file.capacityBytes() == capacityBytes) {
                    files.remove();
                    return file;
                }
            }
            return null;
        }
    }

    /**
     * A recycled file that so many bytes fill nearly, since a file whose pages the kernel has costs far less to write;
     * else a new one of just that size.
     */
    Free takeFilledBy(long bytes) {
        synchronized (pool) {
            for (Iterator<Free> candidates = pool.iterator(); candidates.hasNext(); ) {
                Free file = candidates.next();
                if (bytes <= file.capacityBytes() && isFilledBy(bytes, file.capacityBytes())) {
                    candidates.remove();
                    return file;
                }
            }
        }
        return create(wholePages(bytes), false);
    }

    /** True if so few bytes are left over that a file is better kept as it is than cut. */
    static boolean isFilledBy(long bytes, long capacityBytes) {
        return bytes * FILLED_PARTS >= capacityBytes * (FILLED_PARTS - 1);
    }

    /** The largest file that {@link #takeFilledBy} gives for so many bytes. */
    static long mostBytesFor(long bytes) {
        return wholePages(bytes + bytes / (FILLED_PARTS - 1));
    }

    static long wholePages(long bytes) {
        return (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    }

    /** A new file with its blocks allocated. */
    Free create(long capacityBytes, boolean zeroed) {
        long number = nextFile.getAndIncrement();
        DiskFile file = null;
        try {
            file = disk.open(name(number), Disk.Mode.CREATE);
            file.allocate(0, capacityBytes);
            if (zeroed) {
                ByteBuffer zeroes = ByteBuffer.allocateDirect(ZERO_STEP_BYTES);
                for (long at = 0; at < capacityBytes; at += ZERO_STEP_BYTES) {
                    file.write(at, zeroes);
                }
            }
            file.sync();
            disk.syncDirectory(DIRECTORY);
            return new Free(number, capacityBytes, file);
        } catch (DiskException e) {
            if (file != null) {
                file.close();
                disk.delete(name(number));
            }
            throw new StoreException(
                    e.kind() == DiskException.Kind.NO_SPACE ? StoreException.Kind.NO_SPACE : StoreException.Kind.IO,
                    "cannot make a segment of " + capacityBytes + " bytes: " + e.getMessage(),
                    e);
        }
    }

    /** Deletes a file that no row names but perhaps that of a free one, which then goes at the next opening. */
    void discard(Free file) {
        file.file().close();
        disk.delete(name(file.number()));
    }

    // ---- accountant ----

    /** The row for what a file holds from now on. */
    int rowFor(long number, byte kind) {
        Integer freeRow = freeRows.remove(number);
        int row = freeRow == null ? table.allocate(kind) : freeRow;
        table.putKind(row, kind);
        return row;
    }

    /** Nothing is left in a file: gives it a row of its own as a free one. Part of preparing a commit. */
    void free(Free file) {
        if (file.file() instanceof MissingFile) {
            return;
        }
        int row = table.allocate(SegmentRow.FREE);
        table.putLong(row, SegmentRow.FILE, file.number());
        table.putLong(row, SegmentRow.CAPACITY, file.capacityBytes());
        freeRows.put(file.number(), row);
        freedByThisCommit.add(file);
    }

    /** Takes a file that recovery found to be in use out of those that are free. */
    @Nullable
    DiskFile takeBack(long number) {
        for (Freed freed : freedBefore) {
            for (Free free : freed.files()) {
                if (free.number() == number) {
                    freedBefore.remove(freed);
                    List<Free> others = new ArrayList<>(freed.files());
                    others.remove(free);
                    freedBefore.add(new Freed(others, freed.readsEnded()));
                    return free.file();
                }
            }
        }
        return null;
    }

    /** True if the coming commit frees files. */
    boolean frees() {
        return !freedByThisCommit.isEmpty();
    }

    /**
     * A commit is durable: what the ones before freed may be reused, or goes.
     *
     * @param readsEnded done when the reads have ended that may have looked up what this commit freed
     */
    void committed(CompletableFuture<?> readsEnded) {
        List<Freed> waiting = new ArrayList<>();
        for (Freed freed : freedBefore) {
            if (freed.readsEnded().isDone()) {
                freed.files().forEach(this::recycle);
            } else {
                waiting.add(freed);
            }
        }
        if (!freedByThisCommit.isEmpty()) {
            waiting.add(new Freed(freedByThisCommit, readsEnded));
            freedByThisCommit = new ArrayList<>();
        }
        freedBefore = waiting;
    }

    private void recycle(Free file) {
        boolean usual = Long.bitCount(file.capacityBytes()) == 1 && file.capacityBytes() >= SegmentCapacity.LEAST_BYTES;
        if (usual && pooledBytes() + file.capacityBytes() <= poolLimitBytes) {
            synchronized (pool) {
                pool.add(file);
            }
        } else {
            delete(file);
        }
    }

    /** Sets how many bytes may wait for reuse; what is too much goes. */
    void limitPool(long bytes) {
        poolLimitBytes = bytes;
        while (pooledBytes() > bytes) {
            Free oldest;
            synchronized (pool) {
                oldest = pool.poll();
            }
            if (oldest != null) {
                delete(oldest);
            }
        }
    }

    private void delete(Free file) {
        Integer row = freeRows.remove(file.number());
        if (row != null) {
            table.free(row);
        }
        discard(file);
    }

    private long pooledBytes() {
        synchronized (pool) {
            return pool.stream().mapToLong(Free::capacityBytes).sum();
        }
    }

    /** True while a commit would make files reusable or give them back. */
    boolean hasFreed() {
        return !freedByThisCommit.isEmpty()
                || freedBefore.stream().anyMatch(freed -> freed.readsEnded().isDone());
    }

    /** True while files wait for reads to end. */
    boolean waitsForReads() {
        return freedBefore.stream().anyMatch(freed -> !freed.readsEnded().isDone());
    }

    /** Bytes of files that wait for reuse. */
    long recyclableBytes() {
        long waiting = freedByThisCommit.stream().mapToLong(Free::capacityBytes).sum();
        for (Freed freed : freedBefore) {
            waiting += freed.files().stream().mapToLong(Free::capacityBytes).sum();
        }
        return pooledBytes() + waiting;
    }

    // ---- after a crash ----

    /** The numbers of all files that there are. */
    List<Long> numbers() {
        List<Long> numbers = new ArrayList<>();
        for (String name : disk.list(DIRECTORY)) {
            parseNumber(name).ifPresent(numbers::add);
        }
        return numbers;
    }

    long sizeBytes(long number) {
        try (DiskFile opened = open(number)) {
            return opened.sizeBytes();
        }
    }

    /** Deletes files that neither {@code inUse} nor the rows of free files name. */
    void deleteStrays(Set<Long> inUse) {
        Set<Long> known = new HashSet<>(freeRows.keySet());
        known.addAll(inUse);
        for (String name : disk.list(DIRECTORY)) {
            OptionalLong number = parseNumber(name);
            if (number.isPresent() && !known.contains(number.getAsLong())) {
                disk.delete(DIRECTORY + "/" + name);
            }
        }
    }
}
