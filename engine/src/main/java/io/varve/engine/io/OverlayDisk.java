package io.varve.engine.io;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * A directory as it would be after changes that are kept in memory only: what is below it is never changed. So a
 * damaged store can be opened and recovered without touching it. Thread-safe. Closing it keeps the changes, so that it
 * can be used again; {@link #closeBase} ends that.
 */
public final class OverlayDisk implements Disk {
    private final Disk base;
    private final Map<String, OverlayContent> files = new HashMap<>();
    private final Set<String> deleted = new HashSet<>();
    private final Set<String> directories = new HashSet<>();

    /** A directory over {@code base}, which nothing else uses meanwhile. */
    public OverlayDisk(Disk base) {
        this.base = base;
    }

    /** The base is locked by whoever made this. */
    @Override
    public boolean tryLock() {
        return true;
    }

    @Override
    public synchronized DiskFile open(String name, Mode mode) {
        boolean exists = exists(name);
        if (exists != (mode == Mode.EXISTING)) {
            throw new DiskException(DiskException.Kind.NAME, name + (exists ? " exists already" : " does not exist"));
        }
        OverlayContent content = files.get(name);
        if (content == null) {
            DiskFile below = exists ? base.open(name, Mode.EXISTING) : null;
            content = new OverlayContent(name, below);
            files.put(name, content);
        }
        return new OverlayFile(content);
    }

    @Override
    public synchronized boolean exists(String name) {
        return files.containsKey(name) || directories.contains(name) || !deleted.contains(name) && base.exists(name);
    }

    @Override
    public synchronized List<String> list(String directory) {
        String prefix = directory.isEmpty() ? "" : directory + "/";
        TreeSet<String> names = new TreeSet<>();
        if (!directories.contains(directory)) {
            base.list(directory).stream()
                    .filter(name -> !deleted.contains(prefix + name))
                    .forEach(names::add);
        }
        for (String name : files.keySet()) {
            if (name.startsWith(prefix) && name.indexOf('/', prefix.length()) < 0) {
                names.add(name.substring(prefix.length()));
            }
        }
        return new ArrayList<>(names);
    }

    @Override
    public synchronized void createDirectory(String name) {
        if (!base.exists(name)) {
            directories.add(name);
        }
    }

    @Override
    public synchronized void delete(String name) {
        OverlayContent content = files.remove(name);
        if (content == null && !exists(name)) {
            throw new DiskException(DiskException.Kind.NAME, name + " does not exist");
        }
        deleted.add(name);
    }

    @Override
    public synchronized void rename(String from, String to) {
        try (DiskFile opened = open(from, Mode.EXISTING)) {
            OverlayContent content = files.remove(opened.name());
            if (content != null) {
                files.put(to, content);
            }
        }
        deleted.add(from);
    }

    @Override
    public void syncDirectory(String directory) {}

    @Override
    public long freeBytes() {
        return Long.MAX_VALUE / 4;
    }

    @Override
    public long totalBytes() {
        return Long.MAX_VALUE / 4;
    }

    @Override
    public void close() {}

    /** Forgets the changes and closes what is below. */
    public synchronized void closeBase() {
        files.clear();
        base.close();
    }
}
