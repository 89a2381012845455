package io.varve.engine.io;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;

/**
 * A directory of a Linux file system.
 *
 * <p>Thread-safe. What a {@link DiskFile} offers as asynchronous runs on {@link DiskThreads}. The process's lock is the
 * file {@code lock}, which {@link #list} leaves out.
 */
public final class RealDisk implements Disk {
    private static final String LOCK = "lock";
    private static final int DIRECTORY_PERMISSIONS = 0700;

    private final Path directory;
    private final String prefix;
    private final FileStore fileStore;
    private final DescriptorCache descriptors;
    private final Set<RealDiskFile> files = ConcurrentHashMap.newKeySet();
    private final AtomicLong syncs = new AtomicLong();
    private final DiskThreads threads = new DiskThreads();

    private volatile boolean readsWithoutWaiting = true;
    private volatile boolean readsDirectly = true;
    private final boolean readOnly;
    private int lockDescriptor = -1;

    private RealDisk(Path directory, int descriptorLimit, boolean readOnly) {
        this.directory = directory;
        this.prefix = directory + "/";
        this.fileStore = fileStore(directory);
        this.descriptors = new DescriptorCache(descriptorLimit);
        this.readOnly = readOnly;
    }

    /**
     * Opens an existing directory, after trying what the store needs of it: native calls, reading, writing, fallocate
     * and punching holes.
     *
     * @throws DiskException {@code ACCESS} if the native library does not work or the directory cannot be read or
     *     written, {@code IO} if its file system lacks fallocate or holes, {@code NAME} if it does not exist
     */
    public static RealDisk open(Path directory) {
        DirectoryTrial.requireNativeLibrary();
        long quarter = Posix.descriptorLimit() / 4;
        return open(directory, (int) Math.min(Integer.MAX_VALUE, quarter));
    }

    /**
     * Opens an existing directory for looking only: nothing in it is changed, and whatever would is refused.
     *
     * @throws DiskException {@code ACCESS} if it cannot be read, {@code NAME} if it does not exist
     */
    public static RealDisk openReadOnly(Path directory) {
        DirectoryTrial.requireNativeLibrary();
        DirectoryTrial.requireReadable(directory);
        return new RealDisk(directory.toAbsolutePath(), (int) Math.min(1024, Posix.descriptorLimit() / 4), true);
    }

    /** Opens a directory with at most {@code descriptorLimit} files of it open. */
    static RealDisk open(Path directory, int descriptorLimit) {
        DirectoryTrial.requireNativeLibrary();
        DirectoryTrial.requireReadable(directory);
        DirectoryTrial.requireWritable(directory.toAbsolutePath());
        return new RealDisk(directory.toAbsolutePath(), descriptorLimit, false);
    }

    private static FileStore fileStore(Path directory) {
        try {
            return Files.getFileStore(directory);
        } catch (IOException e) {
            throw new DiskException(DiskException.Kind.ACCESS, "file system of " + directory + ": " + e);
        }
    }

    // ---- names ----

    @Override
    public synchronized boolean tryLock() {
        if (lockDescriptor >= 0) {
            return true;
        }
        int fd = readOnly ? openPath(LOCK, Posix.O_RDONLY) : openPath(LOCK, Posix.O_RDWR | Posix.O_CREAT);
        if (fd < 0 && readOnly && !exists(LOCK)) {
            return true; // whoever opens the store makes it first
        }
        if (fd < 0) {
            throw Posix.failure("open", prefix + LOCK);
        }
        if (Posix.C.flock(fd, Posix.LOCK_EX | Posix.LOCK_NB) == 0) {
            lockDescriptor = fd;
            return true;
        }
        DiskException failure = Posix.failure("lock", prefix + LOCK);
        boolean heldElsewhere = Posix.errno() == Posix.EAGAIN;
        Posix.C.close(fd);
        if (heldElsewhere) {
            return false;
        }
        throw failure;
    }

    @Override
    public DiskFile open(String name, Mode mode) {
        RealDiskFile file = new RealDiskFile(this, name);
        if (mode == Mode.CREATE) {
            requireWritable(name);
            int fd = openPath(name, Posix.O_RDWR | Posix.O_CREAT | Posix.O_EXCL);
            if (fd < 0) {
                throw Posix.failure("create", prefix + name);
            }
            // Through the cache from here on, which knows the bound.
            Posix.C.close(fd);
        }
        files.add(file);
        try {
            descriptors.open(file.descriptor());
        } catch (DiskException e) {
            close(file);
            throw e;
        }
        return file;
    }

    @Override
    public boolean exists(String name) {
        return Files.exists(directory.resolve(name), LinkOption.NOFOLLOW_LINKS);
    }

    @Override
    public List<String> list(String name) {
        try (Stream<Path> entries = Files.list(directory.resolve(name))) {
            return entries.filter(entry -> Files.isRegularFile(entry, LinkOption.NOFOLLOW_LINKS))
                    .map(entry -> entry.getFileName().toString())
                    .filter(entry -> !(name.isEmpty() && entry.equals(LOCK)))
                    .sorted()
                    .toList();
        } catch (IOException | UncheckedIOException e) {
            DiskException.Kind kind =
                    Files.exists(directory.resolve(name)) ? DiskException.Kind.IO : DiskException.Kind.NAME;
            throw new DiskException(kind, "list of " + prefix + name + " failed: " + e);
        }
    }

    @Override
    public void createDirectory(String name) {
        requireWritable(name);
        if (Posix.C.mkdir(prefix + name, DIRECTORY_PERMISSIONS) != 0 && Posix.errno() != Posix.EEXIST) {
            throw Posix.failure("create directory", prefix + name);
        }
    }

    /** Deletes a file and closes every {@link DiskFile} of it, which could not be opened again by name. */
    @Override
    public void delete(String name) {
        requireWritable(name);
        synchronized (descriptors) {
            if (Posix.C.unlink(prefix + name) != 0) {
                throw Posix.failure("delete", prefix + name);
            }
            closeAll(name);
        }
    }

    /** Renames a file, open or not. A file that had the new name is deleted as by {@link #delete}. */
    @Override
    public void rename(String from, String to) {
        requireWritable(from);
        synchronized (descriptors) {
            if (Posix.C.rename(prefix + from, prefix + to) != 0) {
                throw Posix.failure("rename", prefix + from + " to " + to);
            }
            closeAll(to);
            for (RealDiskFile file : files) {
                if (file.name().equals(from)) {
                    file.descriptor().renamed(to);
                }
            }
        }
    }

    private void closeAll(String name) {
        for (RealDiskFile file : files) {
            if (file.name().equals(name)) {
                close(file);
            }
        }
    }

    @Override
    public void syncDirectory(String name) {
        int fd = openPath(name, Posix.O_RDONLY | Posix.O_DIRECTORY);
        if (fd < 0) {
            throw Posix.failure("open directory", prefix + name);
        }
        try {
            countSync();
            int result;
            do {
                result = Posix.C.fsync(fd);
            } while (result != 0 && Posix.interrupted());
            if (result != 0) {
                throw Posix.failure("sync of directory", prefix + name);
            }
        } finally {
            Posix.C.close(fd);
        }
    }

    private void requireWritable(String name) {
        if (readOnly) {
            throw new DiskException(DiskException.Kind.ACCESS, prefix + name + " is open for reading only");
        }
    }

    /** How files are opened. */
    int openFlags() {
        return readOnly ? Posix.O_RDONLY : Posix.O_RDWR;
    }

    // ---- space ----

    @Override
    public long freeBytes() {
        try {
            return fileStore.getUsableSpace();
        } catch (IOException e) {
            throw new DiskException(DiskException.Kind.IO, "free space of " + directory + ": " + e);
        }
    }

    @Override
    public long totalBytes() {
        try {
            return fileStore.getTotalSpace();
        } catch (IOException e) {
            throw new DiskException(DiskException.Kind.IO, "size of the file system of " + directory + ": " + e);
        }
    }

    /** Syncs issued so far, of files and directories. */
    public long syncs() {
        return syncs.get();
    }

    /** True until the file system has refused a read that does not wait; then every one is answered WOULD_BLOCK. */
    public boolean readsWithoutWaiting() {
        return readsWithoutWaiting;
    }

    /** True until the file system has refused O_DIRECT; then device reads drop the page cache instead. */
    public boolean readsDirectly() {
        return readsDirectly;
    }

    /**
     * Closes everything. Operations under way end first; those still queued fail. If storage hangs for half a minute
     * the lock is kept until the process ends, because writes may still arrive.
     */
    @Override
    public synchronized void close() {
        files.forEach(this::close);
        boolean drained = threads.close();
        if (drained && lockDescriptor >= 0) {
            Posix.C.close(lockDescriptor);
            lockDescriptor = -1;
        }
    }

    // ---- for the files ----

    /** Opens a name; negative with {@link Posix#errno()} set on failure. */
    int openPath(String name, int flags) {
        return Posix.open(prefix + name, flags);
    }

    void close(RealDiskFile file) {
        files.remove(file);
        descriptors.close(file.descriptor());
    }

    DescriptorCache descriptors() {
        return descriptors;
    }

    DiskThreads threads() {
        return threads;
    }

    void countSync() {
        syncs.getAndIncrement();
    }

    void cannotReadWithoutWaiting() {
        readsWithoutWaiting = false;
    }

    void cannotReadDirectly() {
        readsDirectly = false;
    }
}
