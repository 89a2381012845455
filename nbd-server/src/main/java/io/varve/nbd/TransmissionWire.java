package io.varve.nbd;

import io.netty.buffer.ByteBuf;

/**
 * Layout and values of the transmission phase (proto.md, "Request message", "Simple reply message", "Structured reply
 * chunk message", "Transmission flags"; extension EXTENDED_HEADERS, "Request message", "Extended reply chunk message").
 * All fields are big-endian.
 *
 * <pre>
 *  request  C  0 │ 4  magic            structured chunk  S  0 │ 4  magic
 *              4 │ 2  command flags                         4 │ 2  flags (DONE)
 *              6 │ 2  command                               6 │ 2  type
 *              8 │ 8  cookie                                8 │ 8  cookie
 *             16 │ 8  offset                               16 │ 4  length of payload
 *             24 │ 4  length                               20 │ …  payload
 *             28 │ …  payload (WRITE)
 *                                      payloads:
 *  extended C  0 │24  as above         OFFSET_DATA          0 │ 8  offset
 *  request    24 │ 8  length                                8 │ …  data
 *             32 │ …  payload          OFFSET_HOLE          0 │ 8  offset
 *                     (PAYLOAD_LEN)                         8 │ 4  length of hole
 *                                      BLOCK_STATUS         0 │ 4  context id
 *  simple   S  0 │ 4  magic                                 4 │ 8n length, flags: 4 each
 *              4 │ 4  error            BLOCK_STATUS_EXT     0 │ 4  context id
 *              8 │ 8  cookie                                4 │ 4  n
 *             16 │ …  data (READ)                           8 │16n length, flags: 8 each
 *                                      ERROR, ERROR_OFFSET  0 │ 4  error
 *  extended S  0 │16  as structured                         4 │ 2  length of message
 *  chunk      16 │ 8  offset requested                      6 │ …  message
 *             24 │ 8  length of payload                     … │ 8  offset (ERROR_OFFSET)
 *             32 │ …  payload
 *                                      payload of an extended BLOCK_STATUS request
 *                                                        C  0 │ 8  length asked about
 *                                                           8 │4n  context ids
 * </pre>
 */
final class TransmissionWire {
    static final int REQUEST_MAGIC = 0x25609513;
    static final int EXTENDED_REQUEST_MAGIC = 0x21e41c71;
    static final int SIMPLE_REPLY_MAGIC = 0x67446698;
    static final int STRUCTURED_REPLY_MAGIC = 0x668e33ef;
    static final int EXTENDED_REPLY_MAGIC = 0x6e8a278c;

    static final int REQUEST_BYTES = 28;
    static final int EXTENDED_REQUEST_BYTES = 32;
    static final int REQUEST_FLAGS = 4;
    static final int REQUEST_COMMAND = 6;
    static final int REQUEST_COOKIE = 8;
    static final int REQUEST_OFFSET = 16;
    static final int REQUEST_LENGTH = 24;

    static final int SIMPLE_REPLY_BYTES = 16;
    static final int CHUNK_HEADER_BYTES = 20;
    static final int EXTENDED_CHUNK_HEADER_BYTES = 32;
    static final int CHUNK_OFFSET_BYTES = 8;
    static final int CHUNK_HOLE_BYTES = 12;
    static final int CHUNK_ERROR_BYTES = 6;

    static final int CHUNK_FLAG_DONE = 1;
    static final int CHUNK_NONE = 0;
    static final int CHUNK_OFFSET_DATA = 1;
    static final int CHUNK_OFFSET_HOLE = 2;
    static final int CHUNK_BLOCK_STATUS = 5;
    static final int CHUNK_BLOCK_STATUS_EXT = 6;
    static final int CHUNK_ERROR = (1 << 15) + 1;
    static final int CHUNK_ERROR_OFFSET = (1 << 15) + 2;

    static final int COMMAND_FLAG_FUA = 1;
    static final int COMMAND_FLAG_NO_HOLE = 1 << 1;
    static final int COMMAND_FLAG_DF = 1 << 2;
    static final int COMMAND_FLAG_REQ_ONE = 1 << 3;
    static final int COMMAND_FLAG_FAST_ZERO = 1 << 4;
    static final int COMMAND_FLAG_PAYLOAD_LEN = 1 << 5;

    /** In front of the context ids of a BLOCK_STATUS request with a payload. */
    static final int FILTER_LENGTH_BYTES = 8;

    private static final int FLAG_HAS_FLAGS = 1;
    private static final int FLAG_READ_ONLY = 1 << 1;
    private static final int FLAG_SEND_FLUSH = 1 << 2;
    private static final int FLAG_SEND_FUA = 1 << 3;
    private static final int FLAG_SEND_TRIM = 1 << 5;
    private static final int FLAG_SEND_WRITE_ZEROES = 1 << 6;
    private static final int FLAG_SEND_DF = 1 << 7;
    private static final int FLAG_CAN_MULTI_CONN = 1 << 8;
    private static final int FLAG_SEND_CACHE = 1 << 10;
    private static final int FLAG_SEND_FAST_ZERO = 1 << 11;
    private static final int FLAG_BLOCK_STATUS_PAYLOAD = 1 << 12;

    private TransmissionWire() {}

    /**
     * What an export offers: everything that writes is left out where it is read-only.
     *
     * @param contexts true if metadata contexts of the export are selected
     */
    static int transmissionFlags(boolean readOnly, ReplyStyle style, boolean contexts) {
        int flags = FLAG_HAS_FLAGS | FLAG_SEND_FLUSH | FLAG_SEND_FUA | FLAG_CAN_MULTI_CONN | FLAG_SEND_CACHE;
        flags |= readOnly ? FLAG_READ_ONLY : FLAG_SEND_TRIM | FLAG_SEND_WRITE_ZEROES | FLAG_SEND_FAST_ZERO;
        flags |= style.hasChunks() ? FLAG_SEND_DF : 0;
        return style == ReplyStyle.EXTENDED && contexts ? flags | FLAG_BLOCK_STATUS_PAYLOAD : flags;
    }

    static void putSimpleReply(ByteBuf to, int error, long cookie) {
        to.writeInt(SIMPLE_REPLY_MAGIC).writeInt(error).writeLong(cookie);
    }

    /**
     * Writes the header of a chunk.
     *
     * @param offset the request's
     */
    static void putChunkHeader(
            ByteBuf to, ReplyStyle style, int flags, int type, long cookie, long offset, int payloadBytes) {
        if (style == ReplyStyle.EXTENDED) {
            to.writeInt(EXTENDED_REPLY_MAGIC).writeShort(flags).writeShort(type);
            to.writeLong(cookie).writeLong(offset).writeLong(payloadBytes);
        } else {
            to.writeInt(STRUCTURED_REPLY_MAGIC).writeShort(flags).writeShort(type);
            to.writeLong(cookie).writeInt(payloadBytes);
        }
    }
}
