package io.varve.nbd;

import io.netty.buffer.ByteBuf;
import io.varve.engine.Completion;
import io.varve.engine.IoStatus;
import io.varve.engine.ReadReport;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * One request of a connection, from its header to its reply. Requests are used again and again by their connection, and
 * are their own completion, so that a request allocates nothing. Used on the volume's loop only.
 */
final class NbdRequest implements Completion {
    private final Owner owner;

    /** Null for a command that we do not know. */
    @Nullable
    Command command;

    int flags;
    long cookie;
    long offset;
    /** As on the wire, unsigned: of the payload, or of what the command acts on. */
    long length;

    /** Set before the engine is asked: the request only has its payload read past and is then answered. */
    NbdError error = NbdError.NONE;

    /** True once its memory is charged. */
    boolean admitted;

    /** Bytes of memory that are charged for it. */
    long chargedBytes;

    /** Holds the memory of {@link #data}, or the whole reply. */
    @Nullable
    ByteBuf buffer;

    /**
     * The buffer is the one that the request was received in: others may hold it too, and it is charged as received.
     */
    boolean received;

    /** The payload as the client sent it. */
    @Nullable
    ByteBuffer data;

    /** What a READ that may be answered in several chunks found. */
    final ReadReport report = new ReadReport();

    /** True from header to reply; a completion outside of it is the engine's mistake. */
    boolean active;

    /** Who answers the request and has it again afterwards. */
    interface Owner {
        void completed(NbdRequest request, NbdError error);

        /** A buffer that came from the socket was held by this request last, and is gone. */
        default void receivedFreed(int bytes) {}
    }

    NbdRequest(Owner owner) {
        this.owner = owner;
    }

    boolean has(int flag) {
        return (flags & flag) != 0;
    }

    /** True if {@link #length} bytes follow the header. */
    boolean hasPayload(ReplyStyle style) {
        boolean carries = style == ReplyStyle.EXTENDED
                ? has(TransmissionWire.COMMAND_FLAG_PAYLOAD_LEN)
                : command == Command.WRITE;
        return carries && length != 0;
    }

    /** The length of a payload that the rules let pass. */
    int payloadBytes() {
        return (int) length;
    }

    /** Lets go of the buffer. */
    void releaseBuffer() {
        if (buffer != null) {
            int capacity = buffer.capacity();
            if (buffer.release() && received) {
                owner.receivedFreed(capacity);
            }
            buffer = null;
        }
        received = false;
        data = null;
    }

    @Override
    public void completed(IoStatus status) {
        end(NbdError.of(status));
    }

    /** The request is over; it is answered with this. */
    void end(NbdError error) {
        owner.completed(this, error);
    }
}
