package io.varve.engine.check;

import io.varve.engine.map.BlockMap;
import io.varve.engine.map.Frame;
import io.varve.engine.map.FramePool;
import io.varve.engine.map.PageFile;
import io.varve.engine.reclaim.PageRef;
import java.util.Arrays;

/**
 * Looks pages of trees up by their place. Keeps the last page of each level, so that look-ups in block order read each
 * page once. Waits for storage; one thread.
 */
final class TreePages {
    private final PageFile pages;
    private final long[] frames = new long[BlockMap.ROOT_LEVEL + 1];
    private final long[] loaded = new long[BlockMap.ROOT_LEVEL + 1];
    private final long[] births = new long[BlockMap.ROOT_LEVEL + 1];

    TreePages(PageFile pages, FramePool pool) {
        this.pages = pages;
        for (int i = 0; i < frames.length; i++) {
            frames[i] = pool.allocate();
        }
    }

    /**
     * The page of {@code level} that begins with {@code firstBlock}, or the state of a range around it.
     *
     * @throws io.varve.engine.map.DamagedPageException if a page above it is damaged
     */
    PageRef at(PageRef root, int level, long firstBlock) {
        PageRef page = root;
        while (page.isPage() && page.level() > level) {
            long frame = frame(page);
            page = page.child(frame, (int) ((firstBlock - page.firstBlock()) / page.entrySpan()));
        }
        return page.isPage() ? page : new PageRef(page.pointer(), 0, level, firstBlock);
    }

    /** The unpacked form of a page, which the next look-up may overwrite. */
    long frame(PageRef page) {
        int level = page.level();
        if (loaded[level] != page.pointer()) {
            loaded[level] = Frame.HOLE;
            births[level] = pages.read(page.pointer(), page.check(), level, page.firstBlock(), frames[level]);
            loaded[level] = page.pointer();
        }
        return frames[level];
    }

    /** Forgets what was read: it may have been replaced. */
    void forget() {
        Arrays.fill(loaded, Frame.HOLE);
    }

    /** The generation that the page was born in of which {@link #frame} gave the form last on its level. */
    long birth(int level) {
        return births[level];
    }
}
