package io.varve.api.portable;

import java.util.HexFormat;

/**
 * Layout of the portable file of a snapshot: a header, records in the order of their offsets, and a record that says
 * that this is the end. Big-endian.
 *
 * <pre>
 *   header, 128 bytes
 *    0        8          12   16            24             56            88            96          128
 *   +--------+----------+----+-------------+--------------+-------------+-------------+-----------+
 *   | magic  | version  | 0  | size, bytes | snapshot id  | base id or  | taken at,   | digest    |
 *   |        |          |    | of volume   | ASCII, NULs  | NULs        | ms of epoch |           |
 *   +--------+----------+----+-------------+--------------+-------------+-------------+-----------+
 *
 *   record, 64 bytes and its payload
 *    0      1       2   4          8          16         24    32          64
 *   +------+-------+---+----------+----------+----------+-----+-----------+---------------+
 *   | type | codec | 0 | payload, | offset,  | length,  |  0  | digest    | payload       |
 *   |      |       |   | bytes    | bytes    | bytes    |     |           |               |
 *   +------+-------+---+----------+----------+----------+-----+-----------+---------------+
 * </pre>
 *
 * <p>The digest is the SHA-256 of the digest before it (none before the header), of what stands in front of it in the
 * header or record, and of the payload. So each record is checked as it comes, the last digest is that of the whole
 * file, and a transfer goes on behind any record whose end and digest are known.
 *
 * <p>What no record covers reads as zeroes in a full file, and as in the base in an incremental one.
 */
final class PortableDescriptor {
    static final long MAGIC = 0x5641525645534e50L; // VARVESNP
    static final int VERSION = 1;
    static final int HEADER_BYTES = 128;
    static final int ID_BYTES = 32;
    static final int VERSION_OFFSET = 8;
    static final int SIZE_OFFSET = 16;
    static final int SNAPSHOT_OFFSET = 24;
    static final int BASE_OFFSET = 56;
    static final int TAKEN_OFFSET = 88;
    static final int HEADER_DIGEST_OFFSET = 96;

    static final int RECORD_BYTES = 64;
    static final int CODEC_OFFSET = 1;
    static final int PAYLOAD_BYTES_OFFSET = 4;
    static final int OFFSET_OFFSET = 8;
    static final int LENGTH_OFFSET = 16;
    static final int RECORD_DIGEST_OFFSET = 32;

    static final int DIGEST_BYTES = 32;

    /** Bytes of the volume follow. */
    static final byte DATA = 1;
    /** The range reads as zeroes; there is no payload. */
    static final byte ZEROES = 2;
    /** Nothing follows. */
    static final byte END = 3;

    static final byte PLAIN = 0;
    static final byte LZ4 = 1;

    /** The most bytes of a volume in one record: what a reader has to have room for. */
    static final int MOST_DATA_BYTES = 256 << 10;

    static final HexFormat HEX = HexFormat.of();

    private PortableDescriptor() {}
}
