package io.varve.api.control;

import java.util.Locale;
import java.util.Set;

/** How far the life of an instance has come, as its hypervisor tells; EC2's states and their order. */
public enum InstanceState {
    PENDING,
    RUNNING,
    STOPPING,
    STOPPED,
    SHUTTING_DOWN,
    TERMINATED;

    /** What a hypervisor that tells only beginnings and ends may leave out is left out: running can become stopped. */
    private Set<InstanceState> next() {
        return switch (this) {
            case PENDING -> Set.of(RUNNING, SHUTTING_DOWN, TERMINATED);
            case RUNNING -> Set.of(STOPPING, STOPPED, SHUTTING_DOWN, TERMINATED);
            case STOPPING -> Set.of(STOPPED, SHUTTING_DOWN, TERMINATED);
            case STOPPED -> Set.of(PENDING, RUNNING, SHUTTING_DOWN, TERMINATED);
            case SHUTTING_DOWN -> Set.of(TERMINATED);
            case TERMINATED -> Set.of();
        };
    }

    boolean canBecome(InstanceState other) {
        return next().contains(other);
    }

    /** Volumes are attached to what lives or will live. */
    boolean takesVolumes() {
        return this == PENDING || this == RUNNING || this == STOPPED;
    }

    /** The state in EC2's words. */
    public String word() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** The state that EC2 calls so. */
    public static InstanceState of(String word) {
        return valueOf(word.toUpperCase(Locale.ROOT).replace('-', '_'));
    }
}
