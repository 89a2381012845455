package io.varve.engine;

import java.util.List;
import java.util.Locale;

/**
 * One thing that a check of a store has found.
 *
 * @param severity how bad it is
 * @param where the file or table, and the place in it
 * @param what what is wrong there
 * @param touches ids of the volumes and snapshots that it touches; empty if it touches none
 */
public record Finding(Severity severity, String where, String what, List<String> touches) {
    /** How bad something is, from mild to bad. */
    public enum Severity {
        /** Worth knowing; a crash may leave it, and the store mends it by itself. */
        NOTE,
        /** What the store has counted is not what is there: nothing is lost, but space may not come back. */
        COUNT,
        /** Something cannot be read, or is not what it must be. */
        DAMAGE
    }

    public Finding {
        touches = List.copyOf(touches);
    }

    @Override
    public String toString() {
        String whom = touches.isEmpty() ? "" : " [" + String.join(", ", touches) + "]";
        return severity.name().toLowerCase(Locale.ROOT) + ": " + where + ": " + what + whom;
    }
}
