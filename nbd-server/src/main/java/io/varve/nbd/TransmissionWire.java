package io.varve.nbd;

import io.netty.buffer.ByteBuf;

/**
 * Layout and values of the transmission phase (proto.md, "Request message", "Simple reply message", "Structured reply
 * chunk message", "Transmission flags"). All fields are big-endian.
 *
 * <pre>
 *  request  C  0 │ 4  magic            structured chunk  S  0 │ 4  magic
 *              4 │ 2  command flags                         4 │ 2  flags (DONE)
 *              6 │ 2  command                               6 │ 2  type
 *              8 │ 8  cookie                                8 │ 8  cookie
 *             16 │ 8  offset                               16 │ 4  length of payload
 *             24 │ 4  length                               20 │ …  payload
 *             28 │ …  payload (WRITE)
 *                                      payload of OFFSET_DATA   0 │ 8  offset
 *  simple   S  0 │ 4  magic                                     8 │ …  data
 *              4 │ 4  error
 *              8 │ 8  cookie           payload of ERROR         0 │ 4  error
 *             16 │ …  data (READ)                               4 │ 2  length of message
 *                                                               6 │ …  message
 * </pre>
 */
final class TransmissionWire {
    static final int REQUEST_MAGIC = 0x25609513;
    static final int SIMPLE_REPLY_MAGIC = 0x67446698;
    static final int STRUCTURED_REPLY_MAGIC = 0x668e33ef;

    static final int REQUEST_BYTES = 28;
    static final int REQUEST_FLAGS = 4;
    static final int REQUEST_COMMAND = 6;
    static final int REQUEST_COOKIE = 8;
    static final int REQUEST_OFFSET = 16;
    static final int REQUEST_LENGTH = 24;

    static final int SIMPLE_REPLY_BYTES = 16;
    static final int CHUNK_HEADER_BYTES = 20;
    static final int CHUNK_OFFSET_BYTES = 8;
    static final int CHUNK_ERROR_BYTES = 6;

    static final int CHUNK_FLAG_DONE = 1;
    static final int CHUNK_NONE = 0;
    static final int CHUNK_OFFSET_DATA = 1;
    static final int CHUNK_ERROR = (1 << 15) + 1;

    static final int COMMAND_FLAG_FUA = 1;
    static final int COMMAND_FLAG_NO_HOLE = 1 << 1;
    static final int COMMAND_FLAG_DF = 1 << 2;
    static final int COMMAND_FLAG_FAST_ZERO = 1 << 4;

    private static final int FLAG_HAS_FLAGS = 1;
    private static final int FLAG_READ_ONLY = 1 << 1;
    private static final int FLAG_SEND_FLUSH = 1 << 2;
    private static final int FLAG_SEND_FUA = 1 << 3;
    private static final int FLAG_SEND_TRIM = 1 << 5;
    private static final int FLAG_SEND_WRITE_ZEROES = 1 << 6;
    private static final int FLAG_SEND_DF = 1 << 7;
    private static final int FLAG_CAN_MULTI_CONN = 1 << 8;
    private static final int FLAG_SEND_FAST_ZERO = 1 << 11;

    private TransmissionWire() {}

    /** What an export offers: everything that writes is left out where it is read-only. */
    static int transmissionFlags(boolean readOnly, boolean structuredReplies) {
        int flags = FLAG_HAS_FLAGS | FLAG_SEND_FLUSH | FLAG_SEND_FUA | FLAG_CAN_MULTI_CONN;
        flags |= readOnly ? FLAG_READ_ONLY : FLAG_SEND_TRIM | FLAG_SEND_WRITE_ZEROES | FLAG_SEND_FAST_ZERO;
        return structuredReplies ? flags | FLAG_SEND_DF : flags;
    }

    static void putSimpleReply(ByteBuf to, int error, long cookie) {
        to.writeInt(SIMPLE_REPLY_MAGIC).writeInt(error).writeLong(cookie);
    }

    static void putChunkHeader(ByteBuf to, int type, long cookie, int payloadBytes) {
        to.writeInt(STRUCTURED_REPLY_MAGIC).writeShort(CHUNK_FLAG_DONE).writeShort(type);
        to.writeLong(cookie).writeInt(payloadBytes);
    }
}
