package io.varve.engine.meta;

import static io.varve.engine.meta.SuperblockDescriptor.*;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.UUID;
import java.util.zip.CRC32C;

/**
 * What stands in a superblock's header besides the root counters.
 *
 * @param pageCount table pages that follow the header
 * @param pagesCheck CRC32C over the check values of these pages
 */
record SuperblockHeader(
        int version,
        long compatible,
        long readOnlyCompatible,
        long incompatible,
        UUID store,
        long generation,
        int pageCount,
        int pagesCheck) {

    static SuperblockHeader first(UUID store, long generation) {
        return new SuperblockHeader(VERSION, 0, 0, 0, store, generation, 0, 0);
    }

    SuperblockHeader next(int pages, int check) {
        return new SuperblockHeader(
                version, compatible, readOnlyCompatible, incompatible, store, generation + 1, pages, check);
    }

    SuperblockHeader withIncompatible(long feature) {
        return new SuperblockHeader(
                version,
                compatible,
                readOnlyCompatible,
                incompatible | feature,
                store,
                generation,
                pageCount,
                pagesCheck);
    }

    /** True if this version of Varve must not open the store at all. */
    boolean isNewerFormat() {
        return version != VERSION || (incompatible & ~KNOWN_INCOMPATIBLE) != 0;
    }

    long unknownReadOnlyCompatible() {
        return readOnlyCompatible & ~KNOWN_READ_ONLY_COMPATIBLE;
    }

    /** Puts the header and the roots into the first 4096 bytes of a buffer. */
    void encode(ByteBuffer page, long[] roots) {
        page.order(ByteOrder.LITTLE_ENDIAN);
        for (int offset = 0; offset < HEADER_BYTES; offset += Long.BYTES) {
            page.putLong(offset, 0);
        }
        page.putLong(MAGIC_OFFSET, MAGIC);
        page.putInt(VERSION_OFFSET, version);
        page.putLong(COMPATIBLE_OFFSET, compatible);
        page.putLong(READ_ONLY_COMPATIBLE_OFFSET, readOnlyCompatible);
        page.putLong(INCOMPATIBLE_OFFSET, incompatible);
        page.putLong(STORE_OFFSET, Long.reverseBytes(store.getMostSignificantBits()));
        page.putLong(STORE_OFFSET + Long.BYTES, Long.reverseBytes(store.getLeastSignificantBits()));
        page.putLong(GENERATION_OFFSET, generation);
        page.putInt(PAGE_COUNT_OFFSET, pageCount);
        page.putInt(PAGES_CHECK_OFFSET, pagesCheck);
        for (int slot = 0; slot < ROOT_SLOTS; slot++) {
            page.putLong(ROOTS_OFFSET + slot * Long.BYTES, roots[slot]);
        }
        page.putInt(CRC_OFFSET, crc(page));
    }

    /** Reads the header at the start of a buffer. Does not judge version and features. */
    static SuperblockHeader decode(ByteBuffer page) throws DamagedCopyException {
        page.order(ByteOrder.LITTLE_ENDIAN);
        if (page.getLong(MAGIC_OFFSET) != MAGIC) {
            throw new DamagedCopyException("does not begin with VARVESB1");
        }
        int expected = page.getInt(CRC_OFFSET);
        int found = crc(page);
        if (expected != found) {
            throw new DamagedCopyException(
                    "has a header with check value %08x where %08x is due".formatted(found, expected));
        }
        UUID store = new UUID(
                Long.reverseBytes(page.getLong(STORE_OFFSET)),
                Long.reverseBytes(page.getLong(STORE_OFFSET + Long.BYTES)));
        return new SuperblockHeader(
                page.getInt(VERSION_OFFSET),
                page.getLong(COMPATIBLE_OFFSET),
                page.getLong(READ_ONLY_COMPATIBLE_OFFSET),
                page.getLong(INCOMPATIBLE_OFFSET),
                store,
                page.getLong(GENERATION_OFFSET),
                page.getInt(PAGE_COUNT_OFFSET),
                page.getInt(PAGES_CHECK_OFFSET));
    }

    static long[] decodeRoots(ByteBuffer page) {
        long[] roots = new long[ROOT_SLOTS];
        for (int slot = 0; slot < ROOT_SLOTS; slot++) {
            roots[slot] = page.getLong(ROOTS_OFFSET + slot * Long.BYTES);
        }
        return roots;
    }

    private static int crc(ByteBuffer page) {
        CRC32C crc = new CRC32C();
        crc.update(page.duplicate().limit(CRC_OFFSET).position(0));
        return (int) crc.getValue();
    }
}
