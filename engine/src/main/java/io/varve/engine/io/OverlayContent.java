package io.varve.engine.io;

import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What a file of an {@link OverlayDisk} holds: the pages that were written, over the file below. Thread-safe. */
final class OverlayContent {
    private static final int PAGE_BYTES = 4096;

    private final String name;
    private final @Nullable DiskFile below;
    private final Map<Long, byte[]> pages = new HashMap<>();
    private long sizeBytes;
    /** Up to here the file below counts. */
    private long belowBytes;

    OverlayContent(String name, @Nullable DiskFile below) {
        this.name = name;
        this.below = below;
        belowBytes = below == null ? 0 : below.sizeBytes();
        sizeBytes = belowBytes;
    }

    String name() {
        return name;
    }

    synchronized long sizeBytes() {
        return sizeBytes;
    }

    synchronized void grow(long bytes) {
        sizeBytes = Math.max(sizeBytes, bytes);
    }

    synchronized void truncate(long bytes) {
        if (bytes < sizeBytes) {
            clear(bytes, sizeBytes - bytes);
            belowBytes = Math.min(belowBytes, bytes);
        }
        sizeBytes = bytes;
    }

    synchronized void clear(long position, long length) {
        ByteBuffer zeroes = ByteBuffer.allocate(PAGE_BYTES);
        for (long at = position; at < position + length; ) {
            int part = (int) Math.min(PAGE_BYTES - at % PAGE_BYTES, position + length - at);
            boolean needed = at < belowBytes || pages.containsKey(at / PAGE_BYTES);
            if (needed) {
                write(at, zeroes.clear().limit(part));
            }
            at += part;
        }
    }

    synchronized void write(long position, ByteBuffer source) {
        ByteBuffer from = source.duplicate();
        long at = position;
        while (from.hasRemaining()) {
            int inPage = (int) (at % PAGE_BYTES);
            int part = Math.min(PAGE_BYTES - inPage, from.remaining());
            from.get(page(at / PAGE_BYTES, part == PAGE_BYTES), inPage, part);
            at += part;
        }
        sizeBytes = Math.max(sizeBytes, at);
    }

    private byte[] page(long index, boolean whole) {
        byte[] page = pages.get(index);
        if (page == null) {
            page = new byte[PAGE_BYTES];
            if (!whole) {
                ByteBuffer old = ByteBuffer.allocateDirect(PAGE_BYTES);
                readBelow(index * PAGE_BYTES, old);
                old.get(0, page);
            }
            pages.put(index, page);
        }
        return page;
    }

    synchronized void read(long position, ByteBuffer destination) {
        readBelow(position, destination);
        for (long at = position; at < position + destination.remaining(); ) {
            int inPage = (int) (at % PAGE_BYTES);
            int part = (int) Math.min(PAGE_BYTES - inPage, position + destination.remaining() - at);
            byte[] page = pages.get(at / PAGE_BYTES);
            if (page != null) {
                destination.put(destination.position() + (int) (at - position), page, inPage, part);
            }
            at += part;
        }
    }

    private void readBelow(long position, ByteBuffer destination) {
        int first = destination.position();
        int length = destination.remaining();
        int counts = below == null ? 0 : (int) Math.max(0, Math.min(length, belowBytes - position));
        if (below != null && counts > 0) {
            below.read(position, destination.duplicate().limit(first + counts));
        }
        for (int i = counts; i < length; i++) {
            destination.put(first + i, (byte) 0);
        }
    }
}
