package io.varve.nbd;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Takes the client's side of the transmission phase apart (proto.md, "Request message"). Hot path: a payload that lies
 * whole in the received buffer is not copied, a long one that does not is received in place through
 * {@link PayloadReceiver}. Used on the connection's loop only.
 */
final class RequestDecoder {
    /** What the next byte belongs to. */
    private enum Part {
        HEADER,
        /** The request waits for the memory that it takes. */
        ADMISSION,
        PAYLOAD,
        REFUSED_PAYLOAD,
        /** Nothing that follows is looked at: the client said goodbye, or talks nonsense. */
        END
    }

    /** What becomes of the requests. */
    interface Sink {
        /** False if no further request may be taken in now: its bytes are left where they are. */
        boolean mayTake();

        /** A header is there. Fills in {@link NbdRequest#error} if the request is refused. */
        NbdRequest begin(int flags, int command, long cookie, long offset, long length);

        /**
         * A request wants to go in, with all the memory that it takes. May still fill in {@link NbdRequest#error}.
         *
         * @param received its payload is in a buffer that was received, and takes no more memory
         * @return false if it has to wait; it is asked again at the next {@link #decode}
         */
        boolean admit(NbdRequest request, boolean received);

        /** The request and its payload are there. */
        void perform(NbdRequest request);

        /** The connection ends without this request having been performed. */
        void abandon(NbdRequest request);

        /** The client takes its leave. */
        void goodbye();

        /** The client broke the protocol in a way that leaves no sense in what follows. */
        void violation(String what);
    }

    private final Sink sink;
    private final NbdLimits limits;
    private final PayloadReceiver receiver;
    private final ByteBufAllocator allocator;
    private final ReplyStyle style;
    private final int magic;
    private final ByteBuf split;
    private Part part = Part.HEADER;
    private @Nullable NbdRequest current;
    private long refusedBytes;
    private long takenBytes;
    private long begunRequests;

    RequestDecoder(
            Sink sink, ReplyStyle style, NbdLimits limits, PayloadReceiver receiver, ByteBufAllocator allocator) {
        this.sink = sink;
        this.style = style;
        this.limits = limits;
        this.receiver = receiver;
        this.allocator = allocator;
        magic = style == ReplyStyle.EXTENDED ? TransmissionWire.EXTENDED_REQUEST_MAGIC : TransmissionWire.REQUEST_MAGIC;
        split = allocator.heapBuffer(style.requestBytes(), style.requestBytes());
    }

    /**
     * Decodes what is there; bytes stay in {@code in} only if the sink may not take a request.
     *
     * @return true if anything went in
     */
    boolean decode(ByteBuf in) {
        int before = in.readableBytes();
        boolean waited = waits();
        if (part == Part.END) {
            in.skipBytes(before);
        }
        boolean going = true;
        while (going && (in.isReadable() || waits())) {
            going = switch (part) {
                case HEADER -> header(in);
                case ADMISSION -> admission(in);
                case PAYLOAD -> payload(in);
                case REFUSED_PAYLOAD -> refusedPayload(in);
                // A close may have taken the buffer away; the rest is skipped the next time.
                case END -> false;
            };
        }
        int taken = before - in.readableBytes();
        takenBytes += taken;
        return taken > 0 || (waited && !waits());
    }

    /** True if a request waits for the memory that it takes. */
    boolean waits() {
        return part == Part.ADMISSION;
    }

    /** Takes note of payload bytes that were received in their place. */
    void landed(int bytes) {
        takenBytes += bytes;
        NbdRequest request = current;
        if (request == null || request.buffer == null) {
            return;
        }
        request.buffer.writerIndex(request.buffer.writerIndex() + bytes);
        completePayload(request, request.buffer);
    }

    /** True between the first and the last byte of a request. */
    boolean midMessage() {
        return part != Part.END && (current != null || split.isReadable());
    }

    /** All bytes so far: a client that stands still leaves it unchanged. */
    long takenBytes() {
        return takenBytes;
    }

    /** Requests so far, with the one that is not there whole yet. */
    long begunRequests() {
        return begunRequests;
    }

    /** Takes no further request, forgets one that is not there whole, and ignores what comes. */
    void end() {
        part = Part.END;
        receiver.expectHeader();
        if (current != null) {
            NbdRequest unfinished = current;
            current = null;
            sink.abandon(unfinished);
        }
    }

    /** Lets go of everything; nothing may be called afterwards. */
    void close() {
        end();
        split.release();
    }

    private boolean header(ByteBuf in) {
        if (!sink.mayTake()) {
            return false;
        }
        if (!split.isReadable() && in.readableBytes() >= style.requestBytes()) {
            int at = in.readerIndex();
            in.skipBytes(style.requestBytes());
            return begin(in, at, in);
        }
        in.readBytes(split, Math.min(split.writableBytes(), in.readableBytes()));
        if (split.isWritable()) {
            return true;
        }
        split.clear();
        return begin(split, 0, in);
    }

    private boolean begin(ByteBuf header, int at, ByteBuf in) {
        int received = header.getInt(at);
        if (received != magic) {
            part = Part.END;
            sink.violation("request magic 0x" + Integer.toHexString(received));
            return true;
        }
        begunRequests++;
        NbdRequest request = sink.begin(
                header.getUnsignedShort(at + TransmissionWire.REQUEST_FLAGS),
                header.getUnsignedShort(at + TransmissionWire.REQUEST_COMMAND),
                header.getLong(at + TransmissionWire.REQUEST_COOKIE),
                header.getLong(at + TransmissionWire.REQUEST_OFFSET),
                length(header, at + TransmissionWire.REQUEST_LENGTH));
        if (request.command == Command.DISC) {
            part = Part.END;
            sink.abandon(request);
            sink.goodbye();
            return true;
        }
        current = request;
        part = Part.ADMISSION;
        return admission(in);
    }

    private boolean admission(ByteBuf in) {
        NbdRequest request = current;
        if (request == null) {
            throw new IllegalStateException("no request waits");
        }
        boolean payload = request.hasPayload(style);
        boolean received = payload && request.error == NbdError.NONE && isHere(request, in);
        if (!sink.admit(request, received)) {
            return false;
        }
        current = null;
        part = Part.HEADER;
        if (!payload) {
            sink.perform(request);
        } else if (request.error != NbdError.NONE) {
            beginRefused(request);
        } else if (received) {
            keep(request, in);
        } else {
            beginOwnBuffer(request, in);
        }
        return true;
    }

    private long length(ByteBuf header, int at) {
        return style == ReplyStyle.EXTENDED ? header.getLong(at) : header.getUnsignedInt(at);
    }

    /** A payload pins the whole buffer that it was received in: not worth it where that is nearly empty. */
    private static boolean isHere(NbdRequest request, ByteBuf in) {
        return in.readableBytes() >= request.length && in.isDirect() && in.writerIndex() >= in.capacity() >> 2;
    }

    private void keep(NbdRequest request, ByteBuf in) {
        int at = in.readerIndex();
        ByteBuffer whole = in.internalNioBuffer(at, request.payloadBytes());
        request.data = whole.slice(whole.position(), request.payloadBytes());
        request.buffer = in.retain();
        request.received = true;
        in.skipBytes(request.payloadBytes());
        sink.perform(request);
    }

    private void beginOwnBuffer(NbdRequest request, ByteBuf in) {
        try {
            request.buffer = allocator.directBuffer(request.payloadBytes(), request.payloadBytes());
        } catch (OutOfMemoryError full) {
            request.error = NbdError.NO_MEMORY;
            beginRefused(request);
            return;
        }
        current = request;
        part = Part.PAYLOAD;
        if (request.length - in.readableBytes() >= PayloadReceiver.DIRECT_BYTES) {
            receiver.expectPayload(request.buffer);
        }
        // With nothing left to read here the loop above would not come to it.
        if (in.isReadable()) {
            payload(in);
        }
    }

    private boolean payload(ByteBuf in) {
        NbdRequest request = current;
        if (request == null || request.buffer == null) {
            throw new IllegalStateException("payload without a request");
        }
        ByteBuf buffer = request.buffer;
        in.readBytes(buffer, Math.min(buffer.writableBytes(), in.readableBytes()));
        completePayload(request, buffer);
        return true;
    }

    private void completePayload(NbdRequest request, ByteBuf buffer) {
        if (buffer.isWritable()) {
            return;
        }
        current = null;
        part = Part.HEADER;
        receiver.expectHeader();
        request.data = buffer.internalNioBuffer(0, request.payloadBytes());
        sink.perform(request);
    }

    private void beginRefused(NbdRequest request) {
        // With extended headers a client knows the maximum, and one that goes over it is closed (extension
        // EXTENDED_HEADERS, "Request message"); older clients get the benefit of the doubt.
        long longest = style == ReplyStyle.EXTENDED ? limits.requestBytes() : limits.discardBytes();
        if (request.length < 0 || request.length > longest) {
            part = Part.END;
            sink.abandon(request);
            sink.violation("a payload of " + Long.toUnsignedString(request.length) + " bytes");
            return;
        }
        current = request;
        refusedBytes = request.length;
        part = Part.REFUSED_PAYLOAD;
    }

    private boolean refusedPayload(ByteBuf in) {
        int skipped = (int) Math.min(refusedBytes, in.readableBytes());
        in.skipBytes(skipped);
        refusedBytes -= skipped;
        NbdRequest request = current;
        if (refusedBytes == 0 && request != null) {
            current = null;
            part = Part.HEADER;
            sink.perform(request);
        }
        return true;
    }
}
