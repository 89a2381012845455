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
    private final boolean structuredReplies;
    private final NbdLimits limits;

    RequestRules(Session session, NbdLimits limits) {
        this.volume = session.volume();
        this.readOnly = session.readOnly();
        this.structuredReplies = session.structuredReplies();
        this.limits = limits;
    }

    NbdError check(NbdRequest request) {
        Command command = request.command;
        if (command == null) {
            return NbdError.UNKNOWN_COMMAND;
        }
        if (!command.allows(request.flags, structuredReplies)) {
            return NbdError.UNKNOWN_FLAG;
        }
        if (command.writes() && readOnly) {
            return NbdError.READ_ONLY;
        }
        return switch (command) {
            case DISC -> NbdError.NONE;
            case FLUSH -> request.offset == 0 && request.length == 0 ? NbdError.NONE : NbdError.RESERVED_FIELD;
            case READ, WRITE ->
                request.lengthBytes() > limits.requestBytes() ? NbdError.TOO_LARGE : checkRange(request, command);
            case TRIM, WRITE_ZEROES -> checkRange(request, command);
        };
    }

    private NbdError checkRange(NbdRequest request, Command command) {
        long length = request.lengthBytes();
        long sizeBytes = volume.sizeBytes();
        // An offset over 2^63 is negative here, and the sum is not formed, so that nothing overflows.
        if (request.offset < 0 || request.offset > sizeBytes || length > sizeBytes - request.offset) {
            boolean zeroesOrWrite = command == Command.WRITE || command == Command.WRITE_ZEROES;
            return zeroesOrWrite ? NbdError.WRITE_BEYOND_END : NbdError.BEYOND_END;
        }
        boolean aligned = ((request.offset | length) & (BlockStore.BLOCK_BYTES - 1)) == 0;
        return request.has(TransmissionWire.COMMAND_FLAG_FAST_ZERO) && !aligned ? NbdError.NOT_FAST : NbdError.NONE;
    }
}
