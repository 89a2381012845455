package io.varve.engine.check;

import io.varve.engine.Finding;
import io.varve.engine.Finding.Severity;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Collects what a check finds, up to a limit. One thread. */
public final class Findings {
    /** A store that is damaged all over fills no more memory than this many. */
    static final int MAX_FINDINGS = 10_000;

    private final List<Finding> all = new ArrayList<>();
    private final Set<String> damaged = new LinkedHashSet<>();
    private long leftOut;
    private boolean incomplete;

    /** Worth knowing, and no damage. */
    public void note(String where, String what) {
        add(Severity.NOTE, where, what, List.of());
    }

    /** A count that is not what is there. */
    public void count(String where, String what, Collection<String> touches) {
        add(Severity.COUNT, where, what, touches);
    }

    /** Damage, and the ids of those whom it touches. */
    public void damage(String where, String what, Collection<String> touches) {
        damaged.addAll(touches);
        add(Severity.DAMAGE, where, what, touches);
    }

    /** Part of a map cannot be read: from now on, what is missing in a count proves nothing. */
    public void countsAreIncomplete() {
        incomplete = true;
    }

    boolean areCountsIncomplete() {
        return incomplete;
    }

    /** Adds what was found about an older generation that was not found about the newest. */
    public void addOlder(long generation, Findings older) {
        for (Finding finding : older.all()) {
            if (!all.contains(finding)) {
                add(
                        finding.severity(),
                        "older generation " + generation + ": " + finding.where(),
                        finding.what(),
                        finding.touches());
            }
        }
    }

    /** True if damage was found that touches this volume or snapshot. */
    public boolean isDamaged(String id) {
        return damaged.contains(id);
    }

    private void add(Severity severity, String where, String what, Collection<String> touches) {
        if (all.size() == MAX_FINDINGS) {
            leftOut++;
        } else {
            all.add(new Finding(severity, where, what, List.copyOf(touches)));
        }
    }

    /** Everything found, in order. */
    public List<Finding> all() {
        List<Finding> found = new ArrayList<>(all);
        if (leftOut > 0) {
            found.add(new Finding(Severity.DAMAGE, "the store", leftOut + " more findings are left out", List.of()));
        }
        return found;
    }
}
