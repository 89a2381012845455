package io.varve.engine.io;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The names of a simulated disk, as the running system sees them and as they are on the device. A change is certain
 * only once a directory that it touches was synced; of the others a power loss keeps some, in their order.
 */
final class SimulatedNames {
    /** A file is made ({@code from} is null), deleted ({@code to} is null) or renamed. */
    private record Change(@Nullable String from, @Nullable String to, SimulatedContent content) {
        boolean touches(String directory) {
            return from != null && directoryOf(from).equals(directory)
                    || to != null && directoryOf(to).equals(directory);
        }

        void apply(Map<String, SimulatedContent> names) {
            boolean there = from == null || names.remove(from) != null;
            if (there && to != null) {
                names.put(to, content);
            }
        }
    }

    private final TreeMap<String, SimulatedContent> current = new TreeMap<>();
    private final TreeMap<String, SimulatedContent> durable = new TreeMap<>();
    private final List<Change> unsynced = new ArrayList<>();
    private final Set<String> directories = new TreeSet<>(Set.of(""));
    private final Set<String> unsyncedDirectories = new TreeSet<>();

    static String directoryOf(String name) {
        int slash = name.lastIndexOf('/');
        return slash < 0 ? "" : name.substring(0, slash);
    }

    @Nullable
    SimulatedContent get(String name) {
        return current.get(name);
    }

    Iterable<SimulatedContent> contents() {
        return current.values();
    }

    long allocatedBytes(String prefix) {
        return current.entrySet().stream()
                .filter(name -> name.getKey().startsWith(prefix))
                .mapToLong(name -> name.getValue().allocatedBytes())
                .sum();
    }

    boolean hasDirectory(String name) {
        return directories.contains(name);
    }

    List<String> list(String directory) {
        return current.keySet().stream()
                .filter(name -> directoryOf(name).equals(directory))
                .map(name -> name.substring(name.lastIndexOf('/') + 1))
                .toList();
    }

    void createDirectory(String name) {
        if (directories.add(name)) {
            unsyncedDirectories.add(name);
        }
    }

    void create(String name, SimulatedContent content) {
        change(new Change(null, name, content));
    }

    void delete(String name) {
        SimulatedContent content = current.get(name);
        content.unlinked = true;
        change(new Change(name, null, content));
    }

    void rename(String from, String to) {
        SimulatedContent content = current.get(from);
        SimulatedContent replaced = current.get(to);
        if (replaced != null) {
            replaced.unlinked = true;
        }
        content.name = to;
        change(new Change(from, to, content));
    }

    private void change(Change change) {
        change.apply(current);
        unsynced.add(change);
    }

    void sync(String directory) {
        unsynced.removeIf(change -> {
            boolean synced = change.touches(directory);
            if (synced) {
                change.apply(durable);
            }
            return synced;
        });
        unsyncedDirectories.removeIf(name -> directoryOf(name).equals(directory));
    }

    void losePower(SimulatedContent.Survival survival, SplittableRandom random) {
        if (survival != SimulatedContent.Survival.ALL) {
            boolean some = survival == SimulatedContent.Survival.SOME;
            // A journal keeps the first so many; a file system without one keeps any.
            boolean journal = random.nextBoolean();
            int kept = some ? random.nextInt(unsynced.size() + 1) : 0;
            for (int i = 0; i < unsynced.size(); i++) {
                if (journal ? i < kept : some && random.nextBoolean()) {
                    unsynced.get(i).apply(durable);
                }
            }
            unsyncedDirectories.removeIf(name -> some && random.nextBoolean());
            directories.removeAll(unsyncedDirectories);
        } else {
            unsynced.forEach(change -> change.apply(durable));
        }
        unsynced.clear();
        unsyncedDirectories.clear();
        durable.keySet().removeIf(name -> !directories.contains(directoryOf(name)));
        current.clear();
        current.putAll(durable);
        current.forEach((name, content) -> {
            content.name = name;
            content.unlinked = false;
        });
    }
}
