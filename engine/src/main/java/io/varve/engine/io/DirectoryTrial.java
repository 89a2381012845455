package io.varve.engine.io;

import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Tries, before a store is opened, what it needs of its surroundings: native calls, and a directory whose file system
 * allocates blocks and punches holes. Leaves nothing behind.
 */
final class DirectoryTrial {
    private static final int TRIED_BYTES = 8192;

    private DirectoryTrial() {}

    /** @throws DiskException ACCESS if the C library cannot be called */
    static void requireNativeLibrary() {
        try {
            if (Posix.C.close(-1) == 0) {
                throw new DiskException(DiskException.Kind.ACCESS, "the C library answers close(-1) with success");
            }
        } catch (LinkageError e) {
            throw new DiskException(
                    DiskException.Kind.ACCESS,
                    "the C library cannot be called: " + e + ". It needs jnr-ffi on the class path and a directory for"
                            + " temporary files that is not mounted noexec (-Djava.io.tmpdir=DIR)");
        }
    }

    /** @throws DiskException NAME if there is no such directory, ACCESS if it cannot be read */
    static void requireReadable(Path directory) {
        if (!Files.isDirectory(directory)) {
            throw new DiskException(DiskException.Kind.NAME, directory + " is not a directory");
        }
        if (!Files.isReadable(directory)) {
            throw new DiskException(DiskException.Kind.ACCESS, directory + " cannot be read by this user");
        }
    }

    /**
     * Tries it with a file that is gone from the directory before it is used. A full disk passes: it must not keep a
     * store from opening.
     *
     * @throws DiskException ACCESS if it cannot be written, IO if the file system lacks fallocate or holes
     */
    static void requireWritable(Path directory) {
        String probe = directory + "/probe-" + ProcessHandle.current().pid() + "-" + System.nanoTime();
        int fd = Posix.open(probe, Posix.O_RDWR | Posix.O_CREAT | Posix.O_EXCL);
        if (fd < 0) {
            DiskException failure = Posix.failure("create", probe);
            if (failure.kind() == DiskException.Kind.NO_SPACE) {
                return;
            }
            throw failure.kind() == DiskException.Kind.ACCESS
                    ? new DiskException(DiskException.Kind.ACCESS, directory + " cannot be written: " + failure)
                    : failure;
        }
        Posix.C.unlink(probe);
        try {
            requireHoles(fd, probe);
        } finally {
            Posix.C.close(fd);
        }
    }

    private static void requireHoles(int fd, String probe) {
        int holes = Posix.FALLOC_FL_KEEP_SIZE | Posix.FALLOC_FL_PUNCH_HOLE;
        if (Posix.C.fallocate(fd, 0, 0, TRIED_BYTES) != 0 || Posix.C.fallocate(fd, holes, 0, TRIED_BYTES) != 0) {
            DiskException failure = Posix.failure("fallocate", probe);
            if (failure.kind() != DiskException.Kind.NO_SPACE) {
                throw new DiskException(
                        failure.kind(),
                        failure.getMessage() + ". The store needs a file system that allocates and punches holes,"
                                + " as ext4 and xfs do");
            }
        }
    }
}
