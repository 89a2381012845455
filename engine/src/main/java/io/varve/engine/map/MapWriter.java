package io.varve.engine.map;

import io.varve.engine.io.DiskFile;
import io.varve.engine.meta.PagePointer;
import io.varve.engine.meta.PageSpace;
import java.nio.ByteBuffer;
import net.openhft.chronicle.core.Jvm;
import net.openhft.chronicle.core.UnsafeMemory;

/**
 * Writes the pages of frozen trees that are not on disk yet to fresh places, children before parents, neighbours in one
 * write. Used by the accountant; the caller then calls {@link #sync}.
 */
public final class MapWriter {
    private static final int STAGING_BYTES = 1 << 20;
    private static final int MAX_CELL_BYTES = PagePointer.MAX_UNITS * PagePointer.UNIT_BYTES;

    private final DiskFile file;
    private final PageSpace space;
    private final PageCodec codec = new PageCodec();
    private final ByteBuffer staging = ByteBuffer.allocateDirect(STAGING_BYTES);
    private final long stagingAddress = Jvm.address(staging);
    private final long scratch;
    private long stagedAt;
    private int staged;
    private boolean unsynced;
    private long pagesWritten;

    public MapWriter(DiskFile file, PageSpace space, FramePool pool) {
        this.file = file;
        this.space = space;
        this.scratch = pool.allocate();
    }

    /** Writes what {@code root} holds that is not on disk; adds the nodes to {@code written}. */
    public void write(MapRoot root, WrittenPages written) {
        Node node = root.unwritten();
        if (node != null && node.writtenPointer == 0) {
            write(node, written);
            flush();
        }
    }

    /** Pages that were given a new place and a new content so far. */
    public long pagesWritten() {
        return pagesWritten;
    }

    private void write(Node node, WrittenPages written) {
        if (node.level > 0) {
            for (int i = 0; i < Frame.ENTRIES; i++) {
                if (Frame.entry(node.frame, i) == Frame.CHILD) {
                    Node child = childOf(node, i);
                    if (!child.isOnDisk() && child.writtenPointer == 0) {
                        write(child, written);
                    }
                }
            }
        }
        written.add(node);
        place(node);
    }

    private static Node childOf(Node node, int index) {
        Node child = node.children[index];
        if (child == null) {
            throw new IllegalStateException("a frozen page lost a child that is not on disk");
        }
        return child;
    }

    private void place(Node node) {
        Frame.copy(node.frame, scratch);
        for (int i = 0; i < Frame.ENTRIES && node.level > 0; i++) {
            if (Frame.entry(scratch, i) == Frame.CHILD) {
                Node child = childOf(node, i);
                long pointer = child.isOnDisk() ? child.pointer : child.writtenPointer;
                Frame.set(scratch, i, pointer, child.isOnDisk() ? child.check : child.writtenCheck);
            }
        }
        if (staged + MAX_CELL_BYTES > STAGING_BYTES) {
            flush();
        }
        int length = codec.pack(scratch, node.level, node.firstBlock, node.birth, staging, staged);
        int units = PagePointer.unitsFor(length);
        if (units > node.mostUnits()) {
            throw new IllegalStateException(
                    "a page takes " + units + " units, but room was made for " + node.mostUnits());
        }
        long pointer = space.allocate(units);
        node.writtenPointer = pointer;
        long offset = PagePointer.positionBytes(pointer);
        if (staged > 0 && offset != stagedAt + staged) {
            int packedAt = staged;
            flush();
            UnsafeMemory.copyMemory(stagingAddress + packedAt, stagingAddress, length);
        }
        if (staged == 0) {
            stagedAt = offset;
        }
        int cell = PageSpace.placeBytes(pointer);
        UnsafeMemory.INSTANCE.setMemory(stagingAddress + staged + length, cell - length, (byte) 0);
        node.writtenCheck = codec.check(staging, staged, PagePointer.lengthBytes(pointer));
        staged += cell;
        pagesWritten++;
    }

    private void flush() {
        if (staged > 0) {
            file.write(stagedAt, staging.duplicate().position(0).limit(staged));
            staged = 0;
            unsynced = true;
        }
    }

    /** Writing has failed and nothing will point at {@code written}: gives the places back. */
    public void abandon(WrittenPages written) {
        staged = 0;
        for (Node node : written.nodes()) {
            if (node.writtenPointer != 0) {
                space.free(node.writtenPointer);
                node.writtenPointer = 0;
            }
        }
    }

    /** Makes what was written durable. */
    public void sync() {
        if (unsynced) {
            file.sync();
            unsynced = false;
        }
    }
}
