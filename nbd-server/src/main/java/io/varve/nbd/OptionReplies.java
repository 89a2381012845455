package io.varve.nbd;

import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.Set;

/** Writes the server's side of the handshake (proto.md, "Option reply types"). */
final class OptionReplies {
    /** Smaller requests work, to the byte; these are the ones that are not read, changed and written again. */
    private static final int PREFERRED_BYTES = 4096;

    private OptionReplies() {}

    static void greeting(ByteBuf to) {
        to.writeLong(HandshakeWire.GREETING_MAGIC).writeLong(HandshakeWire.OPTION_MAGIC);
        to.writeShort(HandshakeWire.FLAG_FIXED_NEWSTYLE | HandshakeWire.FLAG_NO_ZEROES);
    }

    static void ack(ByteBuf to, int option) {
        header(to, option, HandshakeWire.REP_ACK, 0);
    }

    static void error(ByteBuf to, int option, int type, String message) {
        byte[] text = message.getBytes(StandardCharsets.UTF_8);
        header(to, option, type, text.length);
        to.writeBytes(text);
    }

    static void server(ByteBuf to, ExportResolver.Listing listing) {
        byte[] name = listing.name().getBytes(StandardCharsets.UTF_8);
        byte[] description = listing.description().getBytes(StandardCharsets.UTF_8);
        header(to, HandshakeWire.OPT_LIST, HandshakeWire.REP_SERVER, 4 + name.length + description.length);
        to.writeInt(name.length).writeBytes(name).writeBytes(description);
    }

    /** One context of LIST_META_CONTEXT or SET_META_CONTEXT; the final ACK follows behind the last. */
    static void context(ByteBuf to, int option, int id, String name) {
        byte[] text = name.getBytes(StandardCharsets.UTF_8);
        header(to, option, HandshakeWire.REP_META_CONTEXT, Integer.BYTES + text.length);
        to.writeInt(id).writeBytes(text);
    }

    /**
     * Answers INFO or GO: the size and flags always, of the rest what was asked for.
     *
     * @param sizeBytes the size that the client may count on
     * @param flags transmission flags
     */
    static void infos(ByteBuf to, ExportRequest request, Export export, long sizeBytes, int flags, NbdLimits limits) {
        Set<Integer> wanted = request.infos();
        if (wanted.contains(HandshakeWire.INFO_NAME)) {
            text(to, request.option(), HandshakeWire.INFO_NAME, export.name());
        }
        if (wanted.contains(HandshakeWire.INFO_DESCRIPTION)
                && !export.description().isEmpty()) {
            text(to, request.option(), HandshakeWire.INFO_DESCRIPTION, export.description());
        }
        if (wanted.contains(HandshakeWire.INFO_BLOCK_SIZE)) {
            header(to, request.option(), HandshakeWire.REP_INFO, 14);
            to.writeShort(HandshakeWire.INFO_BLOCK_SIZE).writeInt(1).writeInt(PREFERRED_BYTES);
            to.writeInt(limits.requestBytes());
        }
        header(to, request.option(), HandshakeWire.REP_INFO, 12);
        to.writeShort(HandshakeWire.INFO_EXPORT).writeLong(sizeBytes).writeShort(flags);
        ack(to, request.option());
    }

    /** Answers EXPORT_NAME. */
    static void opening(ByteBuf to, long sizeBytes, int flags, boolean noZeroes) {
        to.writeLong(sizeBytes).writeShort(flags);
        if (!noZeroes) {
            to.writeZero(HandshakeWire.OPENING_PADDING_BYTES);
        }
    }

    private static void text(ByteBuf to, int option, int info, String value) {
        byte[] text = value.getBytes(StandardCharsets.UTF_8);
        header(to, option, HandshakeWire.REP_INFO, 2 + text.length);
        to.writeShort(info).writeBytes(text);
    }

    private static void header(ByteBuf to, int option, int type, int dataBytes) {
        to.writeLong(HandshakeWire.REPLY_MAGIC).writeInt(option).writeInt(type).writeInt(dataBytes);
    }
}
