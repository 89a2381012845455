package io.varve.nbd;

import io.netty.channel.EventLoop;
import io.varve.nbd.InFlightBudget.Claim;
import org.jspecify.annotations.Nullable;

/**
 * The memory for one long answer of a handshake: it waits its turn before the answer is made, and is given back when
 * the answer is sent, or the client is gone. Used on the connection's loop.
 */
final class AnswerMemory {
    private final InFlightBudget budget;
    private final long bytes;
    private @Nullable Claim claim;
    private boolean held;
    private boolean freed;

    AnswerMemory(InFlightBudget budget, long bytes) {
        this.budget = budget;
        this.bytes = bytes;
    }

    /** @param then called on the loop when the memory is there; never if it was freed before */
    void await(EventLoop loop, Runnable then) {
        claim = budget.claim(bytes, () -> loop.execute(() -> granted(then)));
    }

    private void granted(Runnable then) {
        claim = null;
        if (freed) {
            budget.giveBack(bytes);
        } else {
            held = true;
            then.run();
        }
    }

    /** Gives it back, or waits no longer; once is enough. */
    void free() {
        freed = true;
        if (claim != null && budget.withdraw(claim)) {
            claim = null;
        }
        if (held) {
            held = false;
            budget.giveBack(bytes);
        }
    }
}
