package io.varve.engine.store;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which snapshots with rows were taken together, as long as none of them was deleted. A group with fewer rows than
 * members is being taken, stands partly in logs still, or was cut by a crash. Guarded by its own monitor.
 */
final class SnapshotGroups {
    private final Map<Long, List<SnapshotRow>> groups = new HashMap<>();
    private final Set<Long> beingTaken = new HashSet<>();

    void began(long group) {
        beingTaken.add(group);
    }

    void ended(long group) {
        beingTaken.remove(group);
    }

    void add(SnapshotRow row) {
        groups.computeIfAbsent(row.group(), group -> new ArrayList<>()).add(row);
    }

    void forget(long group) {
        groups.remove(group);
    }

    /** The rows of a group. */
    List<SnapshotRow> members(long group) {
        return List.copyOf(groups.getOrDefault(group, List.of()));
    }

    /** True if every member of the group has a row. */
    boolean isComplete(long group) {
        return isComplete(members(group));
    }

    private static boolean isComplete(List<SnapshotRow> members) {
        return !members.isEmpty() && members.size() == members.get(0).groupMembers();
    }

    List<List<SnapshotRow>> complete() {
        return groups.values().stream().filter(SnapshotGroups::isComplete).toList();
    }

    /** Groups without some of their members that nobody is taking at the moment. */
    List<List<SnapshotRow>> incomplete() {
        return groups.entrySet().stream()
                .filter(entry -> !isComplete(entry.getValue()) && !beingTaken.contains(entry.getKey()))
                .map(entry -> List.copyOf(entry.getValue()))
                .toList();
    }
}
