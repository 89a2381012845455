package io.varve.engine.io;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import jnr.ffi.LibraryLoader;
import jnr.ffi.Runtime;
import jnr.ffi.annotations.Encoding;
import net.openhft.chronicle.core.Jvm;

/**
 * The system calls of Linux that Java's own file classes do not offer or spoil: a {@code FileChannel} is closed under
 * every user of it when one of them is interrupted, and knows no RWF_NOWAIT, no fallocate and no fdatasync.
 *
 * <p>Calls follow the manual pages: a negative result is a failure and {@link #errno()} says which one. The functions
 * of the data path take primitives only, for which jffi makes stubs that cost nanoseconds. Callable from any thread.
 */
final class Posix {
    static final int ENOENT = 2;
    static final int EINTR = 4;
    static final int EAGAIN = 11;
    static final int EACCES = 13;
    static final int EEXIST = 17;
    static final int EINVAL = 22;
    static final int ENFILE = 23;
    static final int EMFILE = 24;
    static final int ENOSPC = 28;
    static final int EROFS = 30;
    static final int ENOSYS = 38;
    static final int EOPNOTSUPP = 95;
    static final int EDQUOT = 122;

    private static final boolean ARM = "aarch64".equals(System.getProperty("os.arch"));

    static final int O_RDONLY = 0;
    static final int O_RDWR = 2;
    static final int O_CREAT = 0x40;
    static final int O_EXCL = 0x80;
    static final int O_CLOEXEC = 0x80000;
    static final int O_DIRECT = ARM ? 0x10000 : 0x4000;
    static final int O_DIRECTORY = ARM ? 0x4000 : 0x10000;

    static final int SEEK_END = 2;
    static final int RWF_NOWAIT = 8;
    static final int FALLOC_FL_KEEP_SIZE = 1;
    static final int FALLOC_FL_PUNCH_HOLE = 2;
    static final int POSIX_FADV_DONTNEED = 4;

    /** Wait for write-back under way, start it for what is dirty, and wait for that. */
    static final int SYNC_FILE_RANGE_ALL = 1 | 2 | 4;

    static final int LOCK_EX = 2;
    static final int LOCK_NB = 4;
    static final int RLIMIT_NOFILE = 7;

    /** No less than {@code struct stat} has, and where st_blocks is in it, on x86-64 and aarch64 alike. */
    private static final int STAT_BYTES = 256;

    private static final int STAT_BLOCKS = 64;
    private static final int STAT_BLOCK_BYTES = 512;

    /** The C library. Public because jnr-ffi implements it in another class loader. */
    @Encoding("UTF-8")
    public interface LibC {
        int open(String path, int flags, int mode);

        int close(int fd);

        int unlink(String path);

        int rename(String from, String to);

        int mkdir(String path, int mode);

        long pread(int fd, long buffer, long length, long position);

        long preadv2(int fd, long iovec, int count, long position, int flags);

        long pwrite(int fd, long buffer, long length, long position);

        long pwritev(int fd, long iovec, int count, long position);

        int fdatasync(int fd);

        int fsync(int fd);

        int fallocate(int fd, int mode, long position, long length);

        int ftruncate(int fd, long length);

        long lseek(int fd, long offset, int whence);

        int posix_fadvise(int fd, long position, long length, int advice);

        int sync_file_range(int fd, long position, long length, int flags);

        int flock(int fd, int operation);

        int getrlimit(int resource, long limits);

        int fstat(int fd, long stat);

        int nice(int increment);
    }

    static final LibC C = LibraryLoader.create(LibC.class).failImmediately().load("c");

    private static final Runtime RUNTIME = Runtime.getRuntime(C);

    private static final int FILE_PERMISSIONS = 0600;

    private Posix() {}

    /** Opens or creates a file, not to be inherited by other programs; negative if that failed. */
    static int open(String path, int flags) {
        int fd;
        do {
            fd = C.open(path, flags | O_CLOEXEC, FILE_PERMISSIONS);
        } while (fd < 0 && interrupted());
        return fd;
    }

    /** Why the last call of this thread failed. */
    static int errno() {
        return RUNTIME.getLastError();
    }

    /** True when the last call of this thread failed because a signal came first: call again. */
    static boolean interrupted() {
        return errno() == EINTR;
    }

    /** The most file descriptors that this process may have open. */
    static long descriptorLimit() {
        ByteBuffer limits = ByteBuffer.allocateDirect(16).order(ByteOrder.LITTLE_ENDIAN);
        if (C.getrlimit(RLIMIT_NOFILE, Jvm.address(limits)) != 0) {
            throw failure("getrlimit", "RLIMIT_NOFILE");
        }
        long soft = limits.getLong(0);
        return soft < 0 ? Long.MAX_VALUE : soft;
    }

    /** Bytes of blocks that a file has; negative if the call fails. */
    static long allocatedBytes(int fd) {
        ByteBuffer stat = ByteBuffer.allocateDirect(STAT_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        if (C.fstat(fd, Jvm.address(stat)) != 0) {
            return -1;
        }
        return stat.getLong(STAT_BLOCKS) * STAT_BLOCK_BYTES;
    }

    /** The exception for a call that just failed with {@link #errno()}. */
    static DiskException failure(String call, String file) {
        int errno = errno();
        return new DiskException(kind(errno), call + " of " + file + " failed: " + describe(errno));
    }

    /** The same for a call on a range of a file. */
    static DiskException failure(String call, String file, long position, long length) {
        int errno = errno();
        return new DiskException(
                kind(errno),
                call + " of " + file + " at " + position + ", " + length + " bytes, failed: " + describe(errno));
    }

    private static DiskException.Kind kind(int errno) {
        return switch (errno) {
            case ENOSPC, EDQUOT -> DiskException.Kind.NO_SPACE;
            case ENOENT, EEXIST -> DiskException.Kind.NAME;
            case 1, EACCES, EROFS -> DiskException.Kind.ACCESS;
            default -> DiskException.Kind.IO;
        };
    }

    private static String describe(int errno) {
        return switch (errno) {
            case 1 -> "EPERM, not permitted";
            case ENOENT -> "ENOENT, no such file or directory";
            case EINTR -> "EINTR, interrupted by a signal";
            case 5 -> "EIO, the device failed";
            case 9 -> "EBADF, not an open file";
            case EAGAIN -> "EAGAIN, it would wait";
            case 12 -> "ENOMEM, the kernel is out of memory";
            case EACCES -> "EACCES, access denied";
            case 14 -> "EFAULT, bad memory address";
            case 16 -> "EBUSY, in use";
            case EEXIST -> "EEXIST, exists already";
            case 20 -> "ENOTDIR, not a directory";
            case 21 -> "EISDIR, a directory";
            case EINVAL -> "EINVAL, invalid argument";
            case ENFILE -> "ENFILE, the system has too many open files";
            case EMFILE -> "EMFILE, this process has too many open files";
            case 27 -> "EFBIG, larger than the file system or a limit allows";
            case ENOSPC -> "ENOSPC, no space left";
            case EROFS -> "EROFS, the file system is read-only";
            case 36 -> "ENAMETOOLONG, name too long";
            case ENOSYS -> "ENOSYS, unknown to this kernel";
            case 39 -> "ENOTEMPTY, directory not empty";
            case EOPNOTSUPP -> "EOPNOTSUPP, not supported by this file system";
            case 116 -> "ESTALE, the file is gone from its server";
            case EDQUOT -> "EDQUOT, quota used up";
            default -> "errno " + errno;
        };
    }
}
