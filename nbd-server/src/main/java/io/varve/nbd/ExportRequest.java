package io.varve.nbd;

import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/**
 * What a client asks for with EXPORT_NAME, INFO or GO (proto.md, "Option types").
 *
 * @param option which of them
 * @param name the export; empty for the default one
 * @param infos the information requested; kinds that we do not know are among them and are ignored
 */
record ExportRequest(int option, String name, Set<Integer> infos) {
    private static final int FIXED_BYTES = 6;

    static ExportRequest byName(ByteBuf data, int length) {
        return new ExportRequest(HandshakeWire.OPT_EXPORT_NAME, text(data, length), Set.of());
    }

    /** Reads the data of INFO and GO whole; empty if its lengths contradict each other. */
    static Optional<ExportRequest> parse(int option, ByteBuf data) {
        if (data.readableBytes() < FIXED_BYTES) {
            return Optional.empty();
        }
        long nameBytes = data.readUnsignedInt();
        if (nameBytes > data.readableBytes() - 2) {
            return Optional.empty();
        }
        String name = text(data, (int) nameBytes);
        int count = data.readUnsignedShort();
        if (data.readableBytes() != 2 * count) {
            return Optional.empty();
        }
        Set<Integer> infos = new HashSet<>();
        for (int i = 0; i < count; i++) {
            infos.add(data.readUnsignedShort());
        }
        return Optional.of(new ExportRequest(option, name, infos));
    }

    /** The name's length in bytes, as the limit on names means it. */
    static long nameBytes(ByteBuf data) {
        return data.readableBytes() < FIXED_BYTES ? 0 : data.getUnsignedInt(data.readerIndex());
    }

    boolean opens() {
        return option != HandshakeWire.OPT_INFO;
    }

    private static String text(ByteBuf data, int length) {
        return data.readCharSequence(length, StandardCharsets.UTF_8).toString();
    }
}
