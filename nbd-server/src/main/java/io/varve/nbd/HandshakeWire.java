package io.varve.nbd;

/**
 * Layout and values of the handshake phase (proto.md, "Newstyle negotiation", "Fixed newstyle negotiation", "Option
 * types", "Option reply types"). All fields are big-endian.
 *
 * <pre>
 *  greeting      S  0 │ 8  NBDMAGIC         reply  S  0 │ 8  reply magic
 *                   8 │ 8  IHAVEOPT                   8 │ 4  option answered
 *                  16 │ 2  handshake flags           12 │ 4  reply type
 *  client flags  C  0 │ 4                            16 │ 4  length of data
 *                                                    20 │ …  data
 *  option        C  0 │ 8  IHAVEOPT
 *                   8 │ 4  option           old-fashioned opening (EXPORT_NAME)
 *                  12 │ 4  length of data          S  0 │ 8  size of the export
 *                  16 │ …  data                       8 │ 2  transmission flags
 *                                                    10 │ 124 zeroes, unless NO_ZEROES
 * </pre>
 */
final class HandshakeWire {
    static final long GREETING_MAGIC = 0x4e42444d41474943L;
    static final long OPTION_MAGIC = 0x49484156454F5054L;
    static final long REPLY_MAGIC = 0x3e889045565a9L;

    static final int GREETING_BYTES = 18;
    static final int CLIENT_FLAGS_BYTES = 4;
    static final int OPTION_HEADER_BYTES = 16;
    static final int REPLY_HEADER_BYTES = 20;
    static final int OPENING_BYTES = 10;
    static final int OPENING_PADDING_BYTES = 124;

    /** Handshake flags, and the client's answer to them: the bits have the same places. */
    static final int FLAG_FIXED_NEWSTYLE = 1;

    static final int FLAG_NO_ZEROES = 1 << 1;

    static final int OPT_EXPORT_NAME = 1;
    static final int OPT_ABORT = 2;
    static final int OPT_LIST = 3;
    static final int OPT_STARTTLS = 5;
    static final int OPT_INFO = 6;
    static final int OPT_GO = 7;
    static final int OPT_STRUCTURED_REPLY = 8;
    static final int OPT_LIST_META_CONTEXT = 9;
    static final int OPT_SET_META_CONTEXT = 10;
    static final int OPT_EXTENDED_HEADERS = 11;

    static final int REP_ACK = 1;
    static final int REP_SERVER = 2;
    static final int REP_INFO = 3;
    static final int REP_META_CONTEXT = 4;
    static final int REP_ERR_UNSUP = 0x8000_0001;
    static final int REP_ERR_POLICY = 0x8000_0002;
    static final int REP_ERR_INVALID = 0x8000_0003;
    static final int REP_ERR_TLS_REQD = 0x8000_0005;
    static final int REP_ERR_UNKNOWN = 0x8000_0006;
    static final int REP_ERR_SHUTDOWN = 0x8000_0007;
    static final int REP_ERR_TOO_BIG = 0x8000_0009;
    static final int REP_ERR_EXT_HEADER_REQD = 0x8000_000A;

    static final int INFO_EXPORT = 0;
    static final int INFO_NAME = 1;
    static final int INFO_DESCRIPTION = 2;
    static final int INFO_BLOCK_SIZE = 3;

    private HandshakeWire() {}
}
