package io.varve.engine.store;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * The laws, held by the whole engine on a simulated disk over as many seeds as the property {@code varve.crash.seeds}
 * says, from that of {@code varve.crash.first} on; with {@code varve.sim.seed} only the run of that seed, told step by
 * step. See {@code docs/verification.md}.
 */
@ExtendWith(QuietEngine.class)
class SimulationTest {
    private static final int FIRST = Integer.getInteger("varve.crash.first", 0);
    private static final int SEEDS = Integer.getInteger("varve.crash.seeds", 2000);
    private static final Long ONE_SEED = Long.getLong("varve.sim.seed");

    @Test
    void everyLawHoldsWhateverTheDiskDoes() {
        if (ONE_SEED != null) {
            new Simulation(ONE_SEED, true).run();
            return;
        }
        long start = System.nanoTime();
        for (int seed = FIRST; seed < FIRST + SEEDS; seed++) {
            new Simulation(seed).run();
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        System.out.printf("simulation: %d seeds in %.0f s, %.1f a second%n", SEEDS, seconds, SEEDS / seconds);
    }
}
