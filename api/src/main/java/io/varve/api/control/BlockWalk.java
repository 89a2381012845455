package io.varve.api.control;

import io.varve.engine.Extents;
import java.util.function.IntConsumer;
import java.util.function.IntPredicate;

/**
 * Finds the blocks of {@link DirectBlocks#BYTES} in which something is, by questions about extents: costs as much as
 * there are extents, however large the volume.
 */
final class BlockWalk {
    private final Question question;
    private final IntPredicate wanted;

    /** @param wanted which values of extents count */
    BlockWalk(Question question, IntPredicate wanted) {
        this.question = question;
        this.wanted = wanted;
    }

    /** Asks what stands in a range; see {@link io.varve.engine.ExtentSource#query}. */
    @FunctionalInterface
    interface Question {
        Extents ask(long offset, long length);
    }

    /**
     * Hands over wanted blocks, in ascending order, each once.
     *
     * @param limit how many at most
     * @param questions how many questions to ask at most; enough of them for a step forward are always asked
     * @return where to go on; {@code end} if nothing is left
     */
    int collect(int start, int end, int limit, int questions, IntConsumer into) {
        long endBytes = offset(end);
        long at = offset(start);
        int found = 0;
        int last = start - 1;
        for (int asked = 0; at < endBytes && (asked < questions || at < offset(start + 1)); asked++) {
            Extents extents = question.ask(at, endBytes - at);
            for (int i = 0; i < extents.size(); i++) {
                long extentEnd = at + extents.lengthBytes(i);
                if (wanted.test(extents.value(i))) {
                    for (int block = Math.max(last + 1, index(at)); offset(block) < extentEnd; block++) {
                        if (found == limit) {
                            return block;
                        }
                        into.accept(block);
                        found++;
                        last = block;
                    }
                }
                at = extentEnd;
            }
        }
        return Math.max(last + 1, index(at));
    }

    private static int index(long offset) {
        return (int) (offset / DirectBlocks.BYTES);
    }

    private static long offset(int block) {
        return (long) block * DirectBlocks.BYTES;
    }
}
