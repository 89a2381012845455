package io.varve.engine.check;

import io.varve.engine.BlockStore;
import io.varve.engine.io.DiskException;
import io.varve.engine.log.BlockAddress;
import io.varve.engine.log.SegmentStore;
import io.varve.engine.map.DamagedPageException;
import io.varve.engine.map.Frame;
import io.varve.engine.map.FramePool;
import io.varve.engine.map.PageFile;
import io.varve.engine.reclaim.PageRef;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads every live block and holds it against its check value; neighbours are read together. One thread; waits for
 * storage.
 */
public final class DataBlocks implements Recount.LiveBlock {
    private static final int BLOCK_BYTES = BlockStore.BLOCK_BYTES;

    private final BlockReads reads;
    private final List<Damaged> damaged = new ArrayList<>();
    private final int[] checks = new int[BlockReads.MAX_RUN];
    private long firstBlock;
    private long firstAddress;
    private int run;
    private long blocksRead;

    private record Damaged(long block, long address, String why) {}

    public DataBlocks(SegmentStore segments) {
        this.reads = new BlockReads(segments);
    }

    @Override
    public void found(KeptTree tree, long block, long address, int check) {
        boolean follows = run > 0
                && run < BlockReads.MAX_RUN
                && block == firstBlock + run
                && address == reads.neighbour(firstAddress, run);
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
        if (reads.problem(firstAddress, count, i -> checks[i]) != null) {
            for (int i = 0; i < count; i++) {
                int check = checks[i];
                long address = reads.neighbour(firstAddress, i);
                String why = reads.problem(address, 1, only -> check);
                if (why != null) {
                    damaged.add(new Damaged(firstBlock + i, address, why));
                }
            }
        }
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
