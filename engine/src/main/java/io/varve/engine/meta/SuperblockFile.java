package io.varve.engine.meta;

import static io.varve.engine.meta.SuperblockDescriptor.HEADER_BYTES;
import static io.varve.engine.meta.SuperblockDescriptor.pagePosition;
import static io.varve.engine.meta.TablePageDescriptor.PAGE_BYTES;

import io.varve.engine.io.Disk;
import io.varve.engine.io.DiskFile;
import java.nio.ByteBuffer;
import java.util.BitSet;
import net.openhft.chronicle.core.Jvm;
import net.openhft.chronicle.core.UnsafeMemory;
import org.jspecify.annotations.Nullable;

/**
 * One of the two files of the superblock. It remembers which pages it holds in an older form than memory does, so that
 * a commit rewrites these and no others.
 */
final class SuperblockFile {
    /** Files grow by this, so that not every new page costs an allocation: 256 KiB. */
    private static final int GROWTH_PAGES = 64;

    private static final int STAGING_PAGES = 64;
    private static final UnsafeMemory MEMORY = UnsafeMemory.MEMORY;

    private final Disk disk;
    private final String name;
    private final BitSet stale = new BitSet();
    private final ByteBuffer staging =
            ByteBuffer.allocateDirect((STAGING_PAGES + 1) * PAGE_BYTES).alignedSlice(PAGE_BYTES);
    private final long stagingAddress = Jvm.address(staging);
    private @Nullable DiskFile file;
    private boolean nameIsDurable = true;

    SuperblockFile(Disk disk, String name) {
        this.disk = disk;
        this.name = name;
    }

    String name() {
        return name;
    }

    /**
     * Reads the whole generation that the device holds in this file.
     *
     * @throws io.varve.engine.io.DiskException if the device does not say what it holds
     */
    SuperblockImage read(TableSpec... specs) throws DamagedCopyException {
        if (!disk.exists(name)) {
            throw new DamagedCopyException("is missing");
        }
        DiskFile from = openExisting();
        from.readDevice(0, staging.limit(HEADER_BYTES).position(0));
        SuperblockHeader header = SuperblockHeader.decode(staging);
        long[] roots = SuperblockHeader.decodeRoots(staging);
        TablePages pages = new TablePages();
        SuperblockImage image = new SuperblockImage(header, roots, pages, specs);
        if (header.isNewerFormat()) {
            return image;
        }
        boolean whole = false;
        try {
            if (!SuperblockDescriptor.fileOf(header.generation()).equals(name)) {
                throw new DamagedCopyException(
                        "holds generation " + header.generation() + ", which belongs into the other file");
            }
            readPages(from, header, pages);
            image.distribute();
            whole = true;
            return image;
        } finally {
            if (!whole) {
                image.close();
            }
        }
    }

    private void readPages(DiskFile from, SuperblockHeader header, TablePages pages) throws DamagedCopyException {
        int count = header.pageCount();
        if (count < 0 || pagePosition(count) > from.sizeBytes()) {
            throw new DamagedCopyException(
                    "names " + Integer.toUnsignedString(count) + " pages and has " + from.sizeBytes() + " bytes");
        }
        for (int first = 0; first < count; first += STAGING_PAGES) {
            int run = Math.min(STAGING_PAGES, count - first);
            from.readDevice(pagePosition(first), staging.limit(run * PAGE_BYTES).position(0));
            for (int i = 0; i < run; i++) {
                long page = pages.address(pages.append());
                MEMORY.copyMemory(stagingAddress + (long) i * PAGE_BYTES, page, (long) PAGE_BYTES);
                if (pages.computeCrc(first + i) != TablePageDescriptor.crc(page)) {
                    throw new DamagedCopyException("has a damaged page " + (first + i));
                }
            }
        }
        if (pages.checkOfAll() != header.pagesCheck()) {
            throw new DamagedCopyException("mixes pages of two generations, as a write cut short leaves it");
        }
    }

    /** Notes that this file has these pages in an older form, or not at all. */
    void addStale(BitSet pages) {
        stale.or(pages);
    }

    void addStale(int page) {
        stale.set(page);
    }

    /** Allocates room for {@code pages} pages. */
    void ensureRoom(int pages) {
        DiskFile to = writable();
        long size = to.sizeBytes();
        long needed = pagePosition(pages);
        if (needed > size) {
            long grown = pagePosition((pages + GROWTH_PAGES - 1) / GROWTH_PAGES * GROWTH_PAGES);
            to.allocate(size, grown - size);
        }
    }

    /** Writes {@code image} over what this file holds, in place, and makes it durable. */
    void write(SuperblockImage image) {
        DiskFile to = writable();
        for (int first = stale.nextSetBit(0); first >= 0; ) {
            int end = Math.min(stale.nextClearBit(first), first + STAGING_PAGES);
            for (int page = first; page < end; page++) {
                long staged = stagingAddress + (long) (page - first) * PAGE_BYTES;
                MEMORY.copyMemory(image.pages().address(page), staged, (long) PAGE_BYTES);
            }
            to.write(
                    pagePosition(first),
                    staging.limit((end - first) * PAGE_BYTES).position(0));
            first = stale.nextSetBit(end);
        }
        image.header().encode(staging.clear(), image.roots());
        to.write(0, staging.limit(HEADER_BYTES).position(0));
        to.sync();
        if (!nameIsDurable) {
            disk.syncDirectory("");
            nameIsDurable = true;
        }
        stale.clear();
    }

    void sync() {
        writable().sync();
    }

    void close() {
        if (file != null) {
            file.close();
            file = null;
        }
    }

    private DiskFile openExisting() {
        DiskFile opened = file;
        if (opened == null) {
            opened = disk.open(name, Disk.Mode.EXISTING);
            file = opened;
        }
        return opened;
    }

    private DiskFile writable() {
        if (file == null && !disk.exists(name)) {
            file = disk.open(name, Disk.Mode.CREATE);
            nameIsDurable = false;
        }
        return openExisting();
    }
}
