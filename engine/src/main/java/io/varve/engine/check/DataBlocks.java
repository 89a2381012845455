package io.varve.engine.check;

import io.varve.engine.BlockStore;
import io.varve.engine.io.DiskException;
import io.varve.engine.log.BlockAddress;
import io.varve.engine.log.Segment;
import io.varve.engine.log.SegmentStore;
import io.varve.engine.map.DamagedPageException;
import io.varve.engine.map.Frame;
import io.varve.engine.map.FramePool;
import io.varve.engine.map.PageFile;
import io.varve.engine.reclaim.PageRef;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/** Reads every live block and holds it against its check value; neighbours are read together. One thread; waits for storage. */
public final class DataBlocks implements Recount.LiveBlock {
    private static final int BLOCK_BYTES = BlockStore.BLOCK_BYTES;
    private static final int MAX_RUN = 256;

    private final SegmentStore segments;
    private final List<Damaged> damaged = new ArrayList<>();
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(MAX_RUN * BLOCK_BYTES);
    private final CRC32C crc = new CRC32C();
    private final int[] checks = new int[MAX_RUN];
    private long firstBlock;
    private long firstAddress;
    private int run;
    private long blocksRead;

    private record Damaged(long block, long address, String why) {}

    public DataBlocks(SegmentStore segments) {
        this.segments = segments;
    }

    @Override
    public void found(KeptTree tree, long block, long address, int check) {
        boolean follows = run > 0
                && run < MAX_RUN
                && block == firstBlock + run
                && address == firstAddress + (long) run * segments.blockSlots(firstAddress);
        if (!follows) {
            readRun();
            firstBlock = block;
            firstAddress = address;
        }
        checks[run++] = check;
    }

    /** Blocks that were read. */
    public long blocksRead() {
        return blocksRead;
    }

    private void readRun() {
        int count = run;
        run = 0;
        if (count == 0 || damaged.size() >= Findings.MAX_FINDINGS) {
            return;
        }
        blocksRead += count;
        if (problem(firstAddress, 0, count) != null) {
            for (int i = 0; i < count; i++) {
                long address = firstAddress + (long) i * segments.blockSlots(firstAddress);
                String why = problem(address, i, 1);
                if (why != null) {
                    damaged.add(new Damaged(firstBlock + i, address, why));
                }
            }
        }
    }

    /** Reads {@code count} blocks, the check values of which begin at {@code check}; null if all are right. */
    private @Nullable String problem(long address, int check, int count) {
        Segment segment = segments.find(BlockAddress.segmentId(address));
        if (segment == null) {
            return "the segment is not in the table";
        }
        try {
            segment.read(BlockAddress.offset(address), buffer.clear().limit(count * BLOCK_BYTES));
        } catch (DiskException e) {
            return String.valueOf(e.getMessage());
        }
        for (int i = 0; i < count; i++) {
            crc.reset();
            crc.update(buffer.limit((i + 1) * BLOCK_BYTES).position(i * BLOCK_BYTES));
            if ((int) crc.getValue() != checks[check + i]) {
                return "the block does not match its check value";
            }
        }
        return null;
    }

    /** Tells what is damaged and whom that touches: everybody whose tree has the block at this address. */
    public void tell(List<Chain> chains, PageFile pages, FramePool frames, Findings findings) {
        readRun();
        TreePages look = new TreePages(pages, frames);
        for (Damaged block : damaged) {
            List<String> touched = new ArrayList<>();
            for (Chain chain : chains) {
                for (KeptTree tree : chain.trees()) {
                    if (has(look, tree, block)) {
                        touched.add(tree.name());
                    }
                }
            }
            String where = "segment " + BlockAddress.segmentId(block.address()) + " offset "
                    + BlockAddress.offset(block.address());
            findings.damage(where, "offset " + block.block() * BLOCK_BYTES + ": " + block.why(), touched);
        }
    }

    private static boolean has(TreePages look, KeptTree tree, Damaged block) {
        long leafStart = block.block() - block.block() % Frame.ENTRIES;
        try {
            PageRef leaf = tree.heldFrom() > block.block() ? null : look.at(tree.root(), 0, leafStart);
            return leaf != null
                    && leaf.isPage()
                    && Frame.entry(look.frame(leaf), (int) (block.block() - leafStart)) == block.address();
        } catch (DamagedPageException | DiskException e) {
            return false; // told as damage of the map
        }
    }
}
