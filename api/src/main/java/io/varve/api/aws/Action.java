package io.varve.api.aws;

import io.varve.api.access.Role;

/**
 * What a request asks for.
 *
 * @param name in the service's words, such as CreateVolume
 * @param needs the role that it takes; READ for what changes nothing, and for what is not there at all
 * @param changes true if it goes into the audit log
 */
public record Action(String name, Role needs, boolean changes) {
    /** An action that only looks. */
    public static Action reading(String name) {
        return new Action(name, Role.READ, false);
    }

    /** An action that changes something. */
    public static Action changing(String name) {
        return new Action(name, Role.OPERATE, true);
    }
}
