package io.varve.engine.store;

import io.varve.engine.io.SimulatedDisk.Operation;
import io.varve.engine.store.SimulationPlan.Fault;
import java.util.SplittableRandom;

/** What goes wrong with the disk in one life. */
final class DiskFaults {
    private static final String[] NAMES = {"segments/.*", "segments/.*", "segments/.*", "map", "superblock.*", ".*"};

    private final SimulatedWorld world;
    private final SplittableRandom random;
    private boolean any;
    private boolean syncs;

    DiskFaults(SimulatedWorld world) {
        this.world = world;
        this.random = world.random;
    }

    /** Arranges the crash, and the faults of this life. */
    void arrange() {
        int choice = random.nextInt(6);
        if (choice <= (world.plan.has(Fault.DAMAGE) ? 4 : 1)) {
            crashWithinACheckpoint();
        } else if (choice < 5) {
            world.disk.crashAfter(10 + random.nextInt(300));
        }
        if (random.nextInt(4) == 0) {
            return;
        }
        if (world.plan.has(Fault.SYNC)) {
            syncs = true;
            fail(Operation.SYNC, 1 + random.nextInt(30));
        }
        if (world.plan.has(Fault.WRITE)) {
            fail(Operation.WRITE, 1 + random.nextInt(60));
        }
        if (world.plan.has(Fault.FILE)) {
            Operation[] operations = {Operation.ALLOCATE, Operation.CREATE, Operation.DELETE, Operation.PUNCH};
            fail(operations[random.nextInt(operations.length)], 1 + random.nextInt(6));
        }
        if (world.plan.has(Fault.READ)) {
            for (int i = random.nextInt(6); i >= 0; i--) {
                int nth = 1 + random.nextInt(60);
                world.disk.failNth(Operation.READ, random.nextBoolean() ? "segments/.*" : "map", nth);
                any = true;
            }
        }
        world.tolerant = any;
    }

    /** While pages of the map or a superblock are written: the last commit, and the one before, must still be whole. */
    private void crashWithinACheckpoint() {
        String file = random.nextInt(4) > 0 ? "map" : "superblock.*";
        int nth = 1 + random.nextInt(25);
        int later = 1 + random.nextInt(4);
        world.note("crash %d operations behind the %d. write of %s", later, nth, file);
        world.disk.onNth(Operation.WRITE, file, nth, () -> world.disk.crashAfter(later));
    }

    private void fail(Operation operation, int nth) {
        String names = NAMES[random.nextInt(NAMES.length)];
        world.note("fault: %s of %s, the %d.", operation, names, nth);
        world.disk.failNth(operation, names, nth);
        any = true;
    }

    /** Lets the disk fill up, or have room again. */
    void step() {
        if (world.plan.has(Fault.FULL)) {
            if (!world.isFull() && random.nextInt(60) == 0) {
                world.fill();
            } else if (world.isFull() && random.nextInt(25) == 0) {
                world.makeRoom();
            }
        }
    }

    /** True if anything but a full disk was arranged. */
    boolean any() {
        return any;
    }

    /** True if what the page cache had may be lost without a loss of power. */
    boolean mayHaveLostPages() {
        return syncs;
    }

    /** The life is over. */
    void end() {
        world.disk.heal();
    }
}
