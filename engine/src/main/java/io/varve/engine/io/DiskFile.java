package io.varve.engine.io;

import java.nio.ByteBuffer;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * One open file. Positions and lengths are bytes. All buffers are direct; their position and limit say which bytes are
 * meant and are left as they are. Failures are {@link DiskException}s.
 *
 * <p>Writes go to the page cache: the bytes are the kernel's when the call returns and stable only after a sync that
 * began later. Once a sync of a file has failed every later one of it fails too, because the kernel reports a lost
 * write only once. Different threads may use one file at the same time.
 */
public interface DiskFile extends AutoCloseable {
    /** What {@link #tryRead} answers when the bytes are not in the page cache. */
    int WOULD_BLOCK = -11;

    /** Told how an asynchronous operation ended: {@code null} for success. */
    @FunctionalInterface
    interface Callback {
        void completed(@Nullable DiskException failure);
    }

    String name();

    long sizeBytes();

    /** Bytes of blocks that the file has on disk: less than its size if there are holes in it. */
    long allocatedBytes();

    // ---- for loops: no waiting for the device ----

    /** Writes all of {@code vector} at {@code position} into the page cache, where blocks are allocated already. */
    void write(long position, IoVector vector);

    /**
     * Reads as many of the buffer's bytes as the page cache has without waiting.
     *
     * @return the number of bytes read, possibly short, or {@link #WOULD_BLOCK}
     */
    int tryRead(long position, ByteBuffer destination);

    /** Reads all of the buffer's bytes (zeroes beyond the end of the file), then calls back on {@code executor}. */
    void readAsync(long position, ByteBuffer destination, Executor executor, Callback callback);

    /** Makes all earlier writes and the file's size durable (fdatasync), then calls back on {@code executor}. */
    void syncAsync(Executor executor, Callback callback);

    /**
     * Starts write-back of a range and calls back on {@code executor} when it is through. No durability is promised.
     */
    void writeBackAsync(long position, long length, Executor executor, Callback callback);

    // ---- for background threads: these wait ----

    /** Writes all of the buffer. */
    void write(long position, ByteBuffer source);

    /** Reads all of the buffer's bytes; what lies beyond the end of the file reads as zeroes. */
    void read(long position, ByteBuffer destination);

    /**
     * Reads like {@link #read}, but what the device holds and not what the page cache does. Dirty pages of the range
     * are written back first. Position, length and the buffer's address are multiples of 4096.
     */
    void readDevice(long position, ByteBuffer destination);

    /**
     * Makes all earlier writes and the file's size durable (fdatasync). A failure is final: every later sync of this
     * file, also one that waits meanwhile, fails with it, since the kernel tells a failure only once and forgets the
     * pages.
     */
    void sync();

    /** Takes a failed sync back: the caller goes on from what {@link #readDevice} says the device holds. */
    void forgetFailure();

    /** Allocates blocks for the range and grows the file over it; bytes not yet written read as zeroes. */
    void allocate(long position, long length);

    /** Gives the blocks of the range back; they read as zeroes. The file keeps its size. */
    void punch(long position, long length);

    /** Cuts or grows the file to {@code sizeBytes} without allocating. */
    void truncate(long sizeBytes);

    @Override
    void close();
}
