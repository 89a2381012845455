package io.varve.engine.io;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What a simulated file holds: on the device, and in the page cache above it.
 *
 * <p>A page that is in the cache is either dirty or lost. Lost is what a failed sync makes of a dirty page: clean in
 * the kernel's eyes, never written, and what a cached read still shows. Pages of 4 KiB reach the device by sectors of
 * 512 bytes. Changes of size and allocation are done in memory at once and undone, latest first, by a power loss.
 */
final class SimulatedContent {
    static final int PAGE = 4096;
    private static final int SECTOR = 512;
    private static final int OLDER_VERSIONS = 4;

    /** What a power loss does to unsynced writes. */
    enum Survival {
        ALL,
        NONE,
        SOME
    }

    private static final class CachedPage {
        byte[] bytes;
        boolean dirty;

        /** What the page held after earlier writes since the last sync, oldest first; each may be on the device. */
        final List<byte[]> older = new ArrayList<>();

        CachedPage(byte[] bytes) {
            this.bytes = bytes;
        }
    }

    /** An unsynced change of size and allocation, and what it takes to undo it. */
    private record Change(long sizeBefore, BitSet added, BitSet removed, Map<Long, byte[]> removedPages) {}

    private final SplittableRandom random;
    private final TreeMap<Long, byte[]> device = new TreeMap<>();
    private final TreeMap<Long, CachedPage> cache = new TreeMap<>();
    private final BitSet allocated = new BitSet();
    private final List<Change> unsyncedChanges = new ArrayList<>();
    private long sizeBytes;

    String name;

    /** Deleted or replaced: files of it are closed. */
    boolean unlinked;

    SimulatedContent(String name, SplittableRandom random) {
        this.name = name;
        this.random = random;
    }

    long sizeBytes() {
        return sizeBytes;
    }

    long allocatedBytes() {
        return (long) allocated.cardinality() * PAGE;
    }

    /** How many bytes of blocks the range lacks. */
    long unallocatedBytes(long position, long length) {
        int from = Math.toIntExact(position / PAGE);
        int to = Math.toIntExact((position + length + PAGE - 1) / PAGE);
        return (long) (to - from - allocated.get(from, to).cardinality()) * PAGE;
    }

    // ---- writing ----

    void write(long position, byte[] bytes, int length) {
        if (length == 0) {
            return;
        }
        allocate(position, length);
        int done = 0;
        while (done < length) {
            long index = (position + done) / PAGE;
            int offset = (int) ((position + done) % PAGE);
            int count = Math.min(PAGE - offset, length - done);
            System.arraycopy(bytes, done, dirtyPage(index).bytes, offset, count);
            done += count;
        }
    }

    private CachedPage dirtyPage(long index) {
        CachedPage page =
                cache.computeIfAbsent(index, i -> new CachedPage(devicePage(i).clone()));
        if (page.dirty) {
            if (page.older.size() == OLDER_VERSIONS) {
                page.older.remove(random.nextInt(OLDER_VERSIONS));
            }
            page.older.add(page.bytes.clone());
        }
        page.dirty = true;
        return page;
    }

    void allocate(long position, long length) {
        int from = Math.toIntExact(position / PAGE);
        int to = Math.toIntExact((position + length + PAGE - 1) / PAGE);
        BitSet added = new BitSet();
        added.set(from, to);
        added.andNot(allocated);
        if (added.isEmpty() && position + length <= sizeBytes) {
            return;
        }
        unsyncedChanges.add(new Change(sizeBytes, added, new BitSet(), Map.of()));
        allocated.or(added);
        sizeBytes = Math.max(sizeBytes, position + length);
    }

    void punch(long position, long length) {
        long end = position + length;
        long fromPage = (position + PAGE - 1) / PAGE;
        long toPage = end / PAGE;
        if (fromPage >= toPage) {
            zero(position, end);
            return;
        }
        zero(position, fromPage * PAGE);
        zero(toPage * PAGE, end);
        remove(fromPage, toPage, sizeBytes);
    }

    void truncate(long newSize) {
        long fromPage = (newSize + PAGE - 1) / PAGE;
        if (newSize < sizeBytes) {
            zero(newSize, fromPage * PAGE);
        }
        remove(fromPage, Math.max(fromPage, allocated.length()), newSize);
    }

    /** Zeroes parts of pages, where they have blocks. */
    private void zero(long from, long end) {
        long to = Math.min(end, sizeBytes);
        for (long start = from; start < to; start = (start / PAGE + 1) * PAGE) {
            int length = (int) Math.min(to - start, PAGE - start % PAGE);
            if (unallocatedBytes(start, length) == 0) {
                write(start, new byte[length], length);
            }
        }
    }

    /** Gives the blocks of whole pages back; whether what was dirty in them had reached the device is chance. */
    private void remove(long fromPage, long toPage, long newSize) {
        Map<Long, CachedPage> cached = cache.subMap(fromPage, toPage);
        if (random.nextBoolean()) {
            cached.forEach((index, page) -> {
                if (page.dirty) {
                    device.put(index, page.bytes);
                }
            });
        }
        cached.clear();
        Map<Long, byte[]> onDevice = device.subMap(fromPage, toPage);
        BitSet removed = new BitSet();
        removed.set(Math.toIntExact(fromPage), Math.toIntExact(toPage));
        removed.and(allocated);
        unsyncedChanges.add(new Change(sizeBytes, new BitSet(), removed, new TreeMap<>(onDevice)));
        onDevice.clear();
        allocated.andNot(removed);
        sizeBytes = newSize;
    }

    // ---- reading ----

    void read(long position, byte[] destination) {
        read(position, destination, false);
    }

    /** What the device answers after it was given what is dirty. */
    void readDevice(long position, byte[] destination) {
        read(position, destination, true);
    }

    private void read(long position, byte[] destination, boolean pastLostPages) {
        int end = (int) Math.max(0, Math.min(destination.length, sizeBytes - position));
        Arrays.fill(destination, end, destination.length, (byte) 0);
        int done = 0;
        while (done < end) {
            long index = (position + done) / PAGE;
            int offset = (int) ((position + done) % PAGE);
            int count = Math.min(PAGE - offset, end - done);
            CachedPage page = cache.get(index);
            byte[] bytes = page == null || pastLostPages && !page.dirty ? devicePage(index) : page.bytes;
            System.arraycopy(bytes, offset, destination, done, count);
            done += count;
        }
    }

    private byte[] devicePage(long index) {
        byte @Nullable [] page = device.get(index);
        return page == null ? new byte[PAGE] : page;
    }

    // ---- durability ----

    void sync() {
        cache.forEach((index, page) -> {
            if (page.dirty) {
                device.put(index, page.bytes);
            }
        });
        cache.values().removeIf(page -> page.dirty);
        unsyncedChanges.clear();
    }

    /** A sync that the device refused: the kernel calls the pages clean all the same. */
    void loseDirtyPages() {
        cache.values().forEach(page -> {
            page.dirty = false;
            page.older.clear();
        });
    }

    /** Forgets clean pages, so that a cached read shows what the device holds. */
    void dropCleanPages() {
        cache.values().removeIf(page -> !page.dirty);
    }

    /** Loses the cache. What of it had reached the device before is chance where {@code survival} leaves room. */
    void losePower(Survival survival) {
        cache.forEach((index, page) -> {
            if (page.dirty) {
                survive(index, page, survival);
            }
        });
        cache.clear();
        int kept = switch (survival) {
            case ALL -> unsyncedChanges.size();
            case NONE -> 0;
            case SOME -> random.nextInt(unsyncedChanges.size() + 1);
        };
        while (unsyncedChanges.size() > kept) {
            undo(unsyncedChanges.remove(unsyncedChanges.size() - 1));
        }
        unsyncedChanges.clear();
        clearTail();
    }

    private void survive(long index, CachedPage page, Survival survival) {
        Survival chance = survival == Survival.SOME ? Survival.values()[random.nextInt(3)] : survival;
        switch (chance) {
            case ALL -> device.put(index, page.bytes);
            case NONE -> {}
            case SOME -> device.put(index, torn(index, page));
        }
    }

    /** Some version of the page, and over it some sectors of a later one. */
    private byte[] torn(long index, CachedPage page) {
        List<byte[]> versions = new ArrayList<>();
        versions.add(devicePage(index));
        versions.addAll(page.older);
        versions.add(page.bytes);
        int base = random.nextInt(versions.size() - 1);
        byte[] result = versions.get(base).clone();
        byte[] top = versions.get(random.nextInt(base + 1, versions.size()));
        for (int offset = 0; offset < PAGE; offset += SECTOR) {
            if (random.nextBoolean()) {
                System.arraycopy(top, offset, result, offset, SECTOR);
            }
        }
        return result;
    }

    private void undo(Change change) {
        change.added.stream().forEach(index -> device.remove((long) index));
        allocated.andNot(change.added);
        allocated.or(change.removed);
        device.putAll(change.removedPages);
        sizeBytes = change.sizeBefore;
    }

    /** Bytes beyond the end must not come to light when the file grows again. */
    private void clearTail() {
        long last = sizeBytes / PAGE;
        byte[] page = device.get(last);
        if (page != null) {
            byte[] cleared = Arrays.copyOf(page, (int) (sizeBytes % PAGE));
            device.put(last, Arrays.copyOf(cleared, PAGE));
        }
        device.tailMap(last, false).clear();
    }

    // ---- what a test does to the device ----

    byte[] deviceBytes(long position, int length) {
        byte[] bytes = new byte[length];
        int count;
        for (int done = 0; done < length; done += count) {
            int offset = (int) ((position + done) % PAGE);
            count = Math.min(PAGE - offset, length - done);
            byte[] page = device.get((position + done) / PAGE);
            if (page != null) {
                System.arraycopy(page, offset, bytes, done, count);
            }
        }
        return bytes;
    }

    void setDeviceBytes(long position, byte[] bytes) {
        for (int i = 0; i < bytes.length; i++) {
            device.computeIfAbsent((position + i) / PAGE, index -> new byte[PAGE])[(int) ((position + i) % PAGE)] =
                    bytes[i];
        }
    }
}
