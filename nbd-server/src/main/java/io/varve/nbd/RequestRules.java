package io.varve.nbd;

import io.varve.engine.BlockStore;
import io.varve.engine.Volume;

/**
 * Says which requests are refused, and why (proto.md, "Request types", "Size constraints", "Error values"). What
 * passes makes sense to the engine.
 */
final class RequestRules {
    private final Volume volume;
    private final boolean readOnly;
    private final ReplyStyle style;
    private final int contexts;
    private final NbdLimits limits;

    RequestRules(Session session, NbdLimits limits) {
        this.volume = session.volume();
        this.readOnly = session.readOnly();
        this.style = session.style();
        this.contexts = session.contexts().size();
        this.limits = limits;
    }

    NbdError check(NbdRequest request) {
        Command command = request.command;
        if (command == null) {
            return NbdError.UNKNOWN_COMMAND;
        }
        if (!command.allows(request.flags, style)) {
            return NbdError.UNKNOWN_FLAG;
        }
        if (command.writes() && readOnly) {
            return NbdError.READ_ONLY;
        }
        return switch (command) {
            case DISC -> NbdError.NONE;
            case FLUSH -> request.offset == 0 && request.length == 0 ? NbdError.NONE : NbdError.RESERVED_FIELD;
            case READ -> isLong(request) ? readTooLong() : checkRange(request, command);
            case WRITE -> checkWrite(request);
            case TRIM, WRITE_ZEROES, CACHE -> checkRange(request, command);
            case BLOCK_STATUS -> checkStatus(request);
        };
    }

    private boolean isLong(NbdRequest request) {
        return request.length < 0 || request.length > limits.requestBytes();
    }

    /** Only a client that knows chunks knows this error (proto.md, NBD_CMD_READ). */
    private NbdError readTooLong() {
        return style.hasChunks() ? NbdError.READ_TOO_LONG : NbdError.TOO_LARGE;
    }

    private NbdError checkWrite(NbdRequest request) {
        if (style == ReplyStyle.EXTENDED && !request.has(TransmissionWire.COMMAND_FLAG_PAYLOAD_LEN)) {
            return NbdError.NO_PAYLOAD;
        }
        return isLong(request) ? NbdError.TOO_LARGE : checkRange(request, Command.WRITE);
    }

    private NbdError checkStatus(NbdRequest request) {
        if (contexts == 0) {
            return NbdError.NO_CONTEXT;
        }
        if (!request.has(TransmissionWire.COMMAND_FLAG_PAYLOAD_LEN)) {
            return request.length == 0 ? NbdError.EMPTY_RANGE : checkRange(request, Command.BLOCK_STATUS);
        }
        long longest = TransmissionWire.FILTER_LENGTH_BYTES + (long) contexts * Integer.BYTES;
        boolean fits = request.length > TransmissionWire.FILTER_LENGTH_BYTES
                && request.length <= longest
                && request.length % Integer.BYTES == 0;
        return fits ? NbdError.NONE : NbdError.BAD_FILTER;
    }

    private NbdError checkRange(NbdRequest request, Command command) {
        if (!isInside(request.offset, request.length)) {
            boolean zeroesOrWrite = command == Command.WRITE || command == Command.WRITE_ZEROES;
            return zeroesOrWrite ? NbdError.WRITE_BEYOND_END : NbdError.BEYOND_END;
        }
        boolean aligned = ((request.offset | request.length) & (BlockStore.BLOCK_BYTES - 1)) == 0;
        return request.has(TransmissionWire.COMMAND_FLAG_FAST_ZERO) && !aligned ? NbdError.NOT_FAST : NbdError.NONE;
    }

    /** True for a range within the volume as it is now. */
    boolean isInside(long offset, long length) {
        long sizeBytes = volume.sizeBytes();
        // What is over 2^63 is negative here, and the sum is not formed, so that nothing overflows.
        return offset >= 0 && length >= 0 && offset <= sizeBytes && length <= sizeBytes - offset;
    }
}
