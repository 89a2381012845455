package io.varve.engine.store;

import io.varve.engine.Finding;
import io.varve.engine.ScrubStatus;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.LongAdder;

/** What the scrub has found damaged, each place once. Accountant only, but for {@link #known}. */
final class ScrubDamage {
    /**
     * A place: an address of a block, or the pointer of a map page.
     *
     * @param isPage which of the two
     */
    record Place(boolean isPage, long where) {}

    private record Damage(Finding finding, Set<Long> volumes, long pass) {}

    private final Map<Place, Damage> damaged = new LinkedHashMap<>();
    private volatile List<Finding> known = List.of();
    private final LongAdder found = new LongAdder();
    private final LongAdder healed = new LongAdder();

    /** Any thread. */
    List<Finding> known() {
        return known;
    }

    long found() {
        return found.sum();
    }

    long healed() {
        return healed.sum();
    }

    /**
     * Notes damage; true if it is news.
     *
     * @param volumes numbers of the volumes that it touches
     */
    boolean add(Place place, Finding finding, Set<Long> volumes, long pass) {
        Damage before = damaged.get(place);
        if (before == null && damaged.size() >= ScrubStatus.MAX_NAMED) {
            return false;
        }
        damaged.put(place, new Damage(finding, Set.copyOf(volumes), pass));
        if (before == null) {
            found.increment();
        }
        tell();
        return before == null;
    }

    /** A pass is over: forgets what it did not find any more; answers the volumes that nothing touches now. */
    Set<Long> endPass(long pass) {
        Set<Long> well = new HashSet<>();
        for (Iterator<Damage> all = damaged.values().iterator(); all.hasNext(); ) {
            Damage damage = all.next();
            if (damage.pass() < pass) {
                all.remove();
                healed.increment();
                well.addAll(damage.volumes());
            }
        }
        damaged.values().forEach(damage -> well.removeAll(damage.volumes()));
        tell();
        return well;
    }

    private void tell() {
        List<Finding> all = new ArrayList<>();
        damaged.values().forEach(damage -> all.add(damage.finding()));
        known = List.copyOf(all);
    }
}
