package io.varve.engine.meta;

/**
 * The first 4096 bytes of {@code superblock-a} and {@code superblock-b}. Little-endian. The pages of the tables
 * ({@link TablePageDescriptor}) follow it in the order of their allocation.
 *
 * <pre>
 *      0               8               16              24              32
 *     +---------------+-------+-------+---------------+---------------+
 *     |"VARVESB1"     |version|zero   |compatible     |ro-compatible  |
 *     +---------------+-------+-------+---------------+---------------+
 *  32 |incompatible   |store id, 16 bytes, big-endian |generation     |
 *     +-------+-------+-------------------------------+---------------+
 *  64 |pages  |check  |zero ...
 *     +-------+-------+-----------------------------------------------+
 * 1024|root counters, 64 of 8 bytes, and room for 64 more             |
 *     +---------------------------------------------------------------+
 * 2048|zero ...                                               |crc32c | 4096
 *     +-------------------------------------------------------+-------+
 *
 *   compatible     features that a reader may ignore and a writer too
 *   ro-compatible  features that a reader may ignore and a writer must know
 *   incompatible   features that a reader must know
 *   generation     even in superblock-a, odd in superblock-b
 *   pages          table pages that follow
 *   check          CRC32C over the crc32c fields of all pages in order
 *   crc32c         over bytes 0 to 4091
 * </pre>
 */
final class SuperblockDescriptor {
    static final String FILE_A = "superblock-a";
    static final String FILE_B = "superblock-b";

    static final int HEADER_BYTES = 4096;
    static final int VERSION = 1;
    static final int ROOT_SLOTS = 64;

    /** "VARVESB1" read as a little-endian number. */
    static final long MAGIC = 0x3142_5345_5652_4156L;

    /** Features that this version knows. */
    static final long KNOWN_INCOMPATIBLE = Superblock.FEATURE_CONTAINERS | Superblock.FEATURE_FRAMES;

    static final long KNOWN_READ_ONLY_COMPATIBLE = 0;

    static final int MAGIC_OFFSET = 0;
    static final int VERSION_OFFSET = 8;
    static final int COMPATIBLE_OFFSET = 16;
    static final int READ_ONLY_COMPATIBLE_OFFSET = 24;
    static final int INCOMPATIBLE_OFFSET = 32;
    static final int STORE_OFFSET = 40;
    static final int GENERATION_OFFSET = 56;
    static final int PAGE_COUNT_OFFSET = 64;
    static final int PAGES_CHECK_OFFSET = 68;
    static final int ROOTS_OFFSET = 1024;
    static final int CRC_OFFSET = HEADER_BYTES - Integer.BYTES;

    private SuperblockDescriptor() {}

    /** The file that holds {@code generation}. */
    static String fileOf(long generation) {
        return (generation & 1) == 0 ? FILE_A : FILE_B;
    }

    /** Where table page {@code index} lies in the file. */
    static long pagePosition(int index) {
        return HEADER_BYTES + (long) index * TablePageDescriptor.PAGE_BYTES;
    }
}
