package io.varve.engine.store;

import io.varve.engine.StoreException;
import io.varve.engine.io.SimulatedCrash;
import java.util.SplittableRandom;

/**
 * The whole engine on a simulated disk, clock and scheduler, on one thread: a few lives of a store, each with work on
 * several volumes at once and an end by crash or closing, and after each an inspection that holds what is there against
 * the laws. All chance comes from one seed, so that a run is repeated by its number.
 */
final class Simulation implements Runnable {
    private static final int MAX_ACTS = 250;

    private final SimulationPlan plan;
    private final SplittableRandom random;
    private final SimulatedWorld world;
    private final Inspection inspection;

    Simulation(long seed) {
        this(seed, false);
    }

    /** @param tracing prints what happens */
    Simulation(long seed, boolean tracing) {
        plan = SimulationPlan.draw(seed);
        random = new SplittableRandom(seed);
        world = new SimulatedWorld(plan, random, tracing);
        inspection = new Inspection(world);
    }

    /** Fails with an {@link AssertionError} that names the seed. */
    @Override
    public void run() {
        try {
            for (int life = 0; life < plan.lives(); life++) {
                live(life);
            }
            if (plan.has(SimulationPlan.Fault.DAMAGE)) {
                new MediumDamage(world).inflict(inspection);
            } else {
                inspection.everythingDeletedLeavesNothing();
            }
        } catch (AssertionError | RuntimeException e) {
            throw new AssertionError(
                    plan + ", " + world.where + ": " + e.getMessage() + " (for a trace: -Dvarve.sim.seed=" + plan.seed()
                            + ")",
                    e);
        }
    }

    private void live(int life) {
        world.where = "life " + life;
        DiskFaults faults = new DiskFaults(world);
        boolean clean = false;
        try {
            faults.arrange();
            Workload workload = new Workload(world);
            for (int acts = random.nextInt(30, MAX_ACTS); acts > 0; acts--) {
                faults.step();
                workload.act();
                world.checkCallbacks();
                world.runSome(random.nextInt(12));
            }
            clean = end(faults);
        } catch (SimulatedCrash crash) {
            world.note("crash: %s", crash.getMessage());
        }
        boolean kill = random.nextBoolean();
        boolean sound = clean || kill && !faults.mayHaveLostPages();
        world.where = "life " + life + (clean ? " closed" : kill ? " killed" : " without power");
        world.note(world.where);
        faults.end();
        world.restart(kill);
        world.tolerant = false;
        world.checkCallbacks();
        inspection.inspect(sound);
    }

    /** Ends a life that did not crash; true if the store was closed and everything is to be kept. */
    private boolean end(DiskFaults faults) {
        world.disk.crashAfter(0);
        if (random.nextInt(3) > 0) {
            return false;
        }
        if (random.nextInt(3) == 0) {
            world.disk.crashAfter(1 + random.nextInt(10));
        }
        world.closing = true;
        try {
            world.store.close();
            world.checkCallbacks();
            return !faults.any() && !world.isFull();
        } catch (StoreException e) {
            world.excuse(e);
            return false;
        } finally {
            world.closing = false;
            world.disk.crashAfter(0);
        }
    }
}
