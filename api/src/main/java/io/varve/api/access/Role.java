package io.varve.api.access;

import java.util.Locale;
import java.util.Optional;

/** What a caller may do; each role includes those before it. */
public enum Role {
    /** Look at everything but secrets. */
    READ,
    /** Read, and change volumes, snapshots, images and instances. */
    OPERATE,
    /** Operate, and say who else may: access keys, API tokens, retention rules. */
    ADMINISTER;

    /** The role with this name in lower case, if there is one. */
    public static Optional<Role> named(String text) {
        for (Role role : values()) {
            if (role.text().equals(text)) {
                return Optional.of(role);
            }
        }
        return Optional.empty();
    }

    /** True if this role is enough for what needs {@code needed}. */
    public boolean suffices(Role needed) {
        return compareTo(needed) >= 0;
    }

    /** As it is written in the API. */
    public String text() {
        return name().toLowerCase(Locale.ROOT);
    }
}
