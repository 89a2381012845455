package io.varve.engine;

/**
 * How well a volume is.
 *
 * @param health the state
 * @param detail one line for the operator; empty when all is well
 */
public record VolumeStatus(Health health, String detail) {
    /** Nothing is wrong. */
    public static final VolumeStatus OK = new VolumeStatus(Health.OK, "");

    /** States of health, from good to bad. */
    public enum Health {
        /** Reads and writes. */
        OK,
        /** Reads and writes; some blocks failed their check and read as EIO until they are overwritten. */
        DAMAGED,
        /** Damage in the log was found at recovery: readable, not writable. */
        READ_ONLY,
        /** A write or a sync of the log failed: refuses writes until the volume is reopened through recovery. */
        FAILED
    }
}
