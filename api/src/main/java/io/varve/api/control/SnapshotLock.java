package io.varve.api.control;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * What keeps a snapshot from being deleted (EC2's LockSnapshot).
 *
 * @param mode whether it can be taken off
 * @param createdAt when it was put on, or last put on anew
 * @param startedAt since when its duration counts: when it was put on or last made longer
 * @param coolOffHours how long it can still be taken off in compliance mode; 0 for not at all
 * @param expiresAt when it ends by itself
 */
public record SnapshotLock(Mode mode, Instant createdAt, Instant startedAt, int coolOffHours, Instant expiresAt) {
    /** Whether a lock can be taken off. */
    public enum Mode {
        /** At any time. */
        GOVERNANCE,
        /** Only while it cools off; after that it can only be made longer. */
        COMPLIANCE
    }

    /**
     * What somebody wants a lock to be.
     *
     * @param durationDays how long it holds, from 1 to 36,500; or else {@code expiresAt}
     * @param expiresAt until when it holds
     */
    public record Request(Mode mode, int coolOffHours, Optional<Integer> durationDays, Optional<Instant> expiresAt) {}

    private static final Duration LEAST = Duration.ofDays(1);
    private static final Duration MOST = Duration.ofDays(36_500);

    /**
     * The lock that is asked for, in place of another.
     *
     * @throws RequestException INVALID_PARAMETER_COMBINATION, INVALID_PARAMETER_VALUE, OPERATION_NOT_PERMITTED
     */
    static SnapshotLock replace(Optional<SnapshotLock> old, Request request, Instant now) {
        if (request.durationDays().isPresent() == request.expiresAt().isPresent()) {
            throw new RequestException(
                    ErrorCode.INVALID_PARAMETER_COMBINATION,
                    "one of durationDays and expirationTime is needed, not both");
        }
        if (request.mode() == Mode.GOVERNANCE && request.coolOffHours() > 0) {
            throw new RequestException(
                    ErrorCode.INVALID_PARAMETER_COMBINATION, "coolOffHours goes with the mode compliance only");
        }
        Instant expiresAt = request.expiresAt()
                .orElseGet(() -> now.plus(Duration.ofDays(request.durationDays().orElse(0))));
        if (expiresAt.isBefore(now.plus(LEAST)) || expiresAt.isAfter(now.plus(MOST))) {
            throw new RequestException(
                    ErrorCode.INVALID_PARAMETER_VALUE,
                    "expirationTime %s is refused: it is from one day to 36,500 days from now".formatted(expiresAt));
        }
        Optional<SnapshotLock> firm = old.filter(lock -> lock.isFirm(now));
        return firm.isPresent()
                ? firm.get().prolonged(request, expiresAt, now)
                : new SnapshotLock(request.mode(), now, now, request.coolOffHours(), expiresAt);
    }

    /** A lock in compliance mode that has cooled off only ever becomes longer. */
    private SnapshotLock prolonged(Request request, Instant newExpiry, Instant now) {
        if (request.mode() != mode || newExpiry.isBefore(expiresAt) || request.coolOffHours() > 0) {
            throw new RequestException(
                    ErrorCode.OPERATION_NOT_PERMITTED,
                    "the lock in compliance mode has cooled off: it can only be made longer than until " + expiresAt);
        }
        return new SnapshotLock(mode, createdAt, now, coolOffHours, newExpiry);
    }

    /** In the words of EC2: {@code governance}, {@code compliance-cooloff}, {@code compliance} or {@code expired}. */
    public String state(Instant now) {
        if (!holds(now)) {
            return "expired";
        }
        if (mode == Mode.GOVERNANCE) {
            return "governance";
        }
        return isFirm(now) ? "compliance" : "compliance-cooloff";
    }

    /** Until when it can be taken off in compliance mode. */
    public Optional<Instant> coolOffUntil() {
        return coolOffHours == 0 ? Optional.empty() : Optional.of(createdAt.plus(Duration.ofHours(coolOffHours)));
    }

    boolean holds(Instant now) {
        return now.isBefore(expiresAt);
    }

    /** True if nobody can take it off. */
    boolean isFirm(Instant now) {
        return mode == Mode.COMPLIANCE
                && holds(now)
                && coolOffUntil().filter(now::isBefore).isEmpty();
    }
}
