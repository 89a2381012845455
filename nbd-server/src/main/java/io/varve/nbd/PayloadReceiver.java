package io.varve.nbd;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.util.UncheckedBooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Gives a channel the buffers that it receives into. As a rule they follow the traffic in size, from 8 KiB to 512 KiB,
 * as far as its connection may hold so much, so that a queue of small writes comes in one read; while a large payload
 * is due, the socket is read straight into that payload's own buffer. One per channel; after the channel is set up,
 * used on the channel's loop only.
 */
final class PayloadReceiver implements RecvByteBufAllocator {
    /** A rest shorter than this is cheaper copied, with whatever follows it, than read on its own. */
    static final int DIRECT_BYTES = 64 << 10;

    /**
     * After a large payload another one is likely: only its header is received apart from it, so that little of it
     * must be copied.
     */
    private static final int HEADER_READ_BYTES = 512;

    static final int MIN_BYTES = 8 << 10;
    private static final int MAX_BYTES = 512 << 10;

    private static final int HANDSHAKE_BYTES = 1 << 10;

    /** What the TLS handler may keep of a record that is not there whole: it keeps the buffer. */
    private static final int MAX_ENCRYPTED_BYTES = 64 << 10;

    /** How much a channel may receive. */
    interface Allowance {
        /** A handshake has little to say. */
        Allowance HANDSHAKE = new Allowance() {
            @Override
            public int receivable(int wantedBytes) {
                return HANDSHAKE_BYTES;
            }

            @Override
            public boolean mayReceive() {
                return true;
            }
        };

        /** At most so much in one read. */
        int receivable(int wantedBytes);

        /** False if nothing more may be read from the socket now. */
        boolean mayReceive();
    }

    private final RecvByteBufAllocator adaptive = new AdaptiveRecvByteBufAllocator(MIN_BYTES, MIN_BYTES, MAX_BYTES);
    private Allowance allowance = Allowance.HANDSHAKE;
    private @Nullable ByteBuf payload;
    private @Nullable ByteBuf lent;
    private boolean headerNext;
    private boolean encrypted;

    @Override
    public ExtendedHandle newHandle() {
        return new PayloadHandle((ExtendedHandle) adaptive.newHandle());
    }

    /** What is received from now on is not what the client says: nothing can be received in its place. */
    void encrypted() {
        encrypted = true;
    }

    /** From now on this says how much may be received. */
    void allow(Allowance connection) {
        allowance = connection;
    }

    /** From now on bytes are received into the free part of {@code target}, until {@link #expectHeader}. */
    void expectPayload(ByteBuf target) {
        payload = encrypted ? null : target;
    }

    /** The payload is complete. */
    void expectHeader() {
        headerNext = payload != null;
        payload = null;
    }

    /** True if {@code received} is a part of the payload that is due, received in its place. */
    @SuppressWarnings("ReferenceEquality") // the very buffer that was lent, not one with the same bytes
    boolean landed(ByteBuf received) {
        boolean inPlace = received == lent;
        lent = null;
        return inPlace;
    }

    private ByteBuf allocate(ByteBufAllocator allocator, ExtendedHandle regular) {
        if (payload != null) {
            lent = payload.retainedSlice(payload.writerIndex(), payload.writableBytes())
                    .clear();
            return lent;
        }
        lent = null;
        if (headerNext) {
            headerNext = false;
            return allocator.ioBuffer(HEADER_READ_BYTES, HEADER_READ_BYTES);
        }
        int most = encrypted ? MAX_ENCRYPTED_BYTES : MAX_BYTES;
        return allocator.ioBuffer(allowance.receivable(Math.min(regular.guess(), most)));
    }

    private final class PayloadHandle extends DelegatingHandle implements ExtendedHandle {
        private final ExtendedHandle regular;

        PayloadHandle(ExtendedHandle regular) {
            super(regular);
            this.regular = regular;
        }

        @Override
        public ByteBuf allocate(ByteBufAllocator allocator) {
            return PayloadReceiver.this.allocate(allocator, regular);
        }

        @Override
        public boolean continueReading(UncheckedBooleanSupplier maybeMoreData) {
            return allowance.mayReceive() && regular.continueReading(maybeMoreData);
        }
    }
}
