package io.varve.engine.io;

import java.util.List;

/**
 * The directory that a store lives in. Names are relative, with {@code /} between a directory and a file in it. Every
 * method may wait for storage and is called off the loops. All failures are {@link DiskException}s.
 */
public interface Disk extends AutoCloseable {
    /** How a file is opened. */
    enum Mode {
        /** It must not exist yet. Its name is durable only after {@link #syncDirectory}. */
        CREATE,
        /** It must exist. */
        EXISTING
    }

    /** Takes the lock that keeps a second process out; false if another one holds it. Held until {@link #close}. */
    boolean tryLock();

    DiskFile open(String name, Mode mode);

    boolean exists(String name);

    /** The names of the files in {@code directory} ("" for the top), sorted, without that prefix. */
    List<String> list(String directory);

    /** Creates a directory; no effect if it exists. */
    void createDirectory(String name);

    void delete(String name);

    void rename(String from, String to);

    /** Makes the names in {@code directory} ("" for the top) durable. */
    void syncDirectory(String directory);

    /** Bytes that this process may still allocate. */
    long freeBytes();

    /** Bytes of the whole file system. */
    long totalBytes();

    /** Closes every file and gives the lock back. Syncs nothing. */
    @Override
    void close();
}
