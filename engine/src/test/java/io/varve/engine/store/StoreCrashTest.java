package io.varve.engine.store;

import org.junit.jupiter.api.Test;

/**
 * Several volumes with many requests under way at once, snapshots, clones, deletions, checkpoints and failing syncs, and
 * crashes at random operations of the disk, all from one seed; see {@link CrashRun}. What every life finds is held
 * against what the last one was told.
 */
class StoreCrashTest {
    private static final int SEEDS = Integer.getInteger("varve.crash.seeds", 200);

    @Test
    void crashesLoseNothingThatWasPromised() {
        for (int seed = 0; seed < SEEDS; seed++) {
            new CrashRun(seed, false).go();
        }
    }

    @Test
    void afterAFailedSyncNothingIsPromisedAndNothingPromisedIsLost() {
        for (int seed = 0; seed < SEEDS; seed++) {
            new CrashRun(seed, true).go();
        }
    }
}
