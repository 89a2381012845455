package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.BlockStore;
import io.varve.engine.Finding;
import io.varve.engine.StoreException;
import io.varve.engine.StoreException.Kind;
import io.varve.engine.io.SimulatedCrash;
import io.varve.engine.io.SimulatedDisk;
import io.varve.engine.io.SimulatedScheduler;
import io.varve.engine.io.SimulatedThreads;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The store under test with its disk and scheduler, and the model of what is in it. */
final class SimulatedWorld {
    private static final int STEP_LIMIT = 2_000_000;

    final SimulationPlan plan;
    final SplittableRandom random;
    final SimulatedDisk disk;
    final List<ModelVolume> volumes = new ArrayList<>();
    final List<ModelSnapshot> snapshots = new ArrayList<>();
    private final boolean tracing;

    SimulatedScheduler scheduler;
    BlockStore store;
    /** Where the run is, for messages. */
    String where = "the start";
    /** Faults of the disk excuse EIO. */
    boolean tolerant;
    /** The store is being closed, which excuses refusals. */
    boolean closing;
    /** The device holds what nobody wrote. */
    boolean damaged;
    /** Calls and requests that are not answered yet. */
    int inFlight;

    /** The store was opened with its older superblock: the last commit of the life before may be undone. */
    boolean commitBack;

    private boolean full;
    private long clock;
    private int stamps;
    private int families;
    /** What went wrong inside a callback, where an exception would be swallowed. */
    private @Nullable Throwable problem;

    SimulatedWorld(SimulationPlan plan, SplittableRandom random, boolean tracing) {
        this.plan = plan;
        this.random = random;
        this.tracing = tracing;
        scheduler = new SimulatedScheduler(plan.seed());
        disk = new SimulatedDisk(scheduler, plan.seed(), SimulationPlan.DISK_BYTES);
        disk.requireAllocatedWrites(name -> true);
        note("%s", plan);
        store = open();
    }

    // ---- numbers ----

    /** A new time of the model's clock. */
    long tick() {
        return clock++;
    }

    int newStamp() {
        return ++stamps;
    }

    int newFamily() {
        return families++;
    }

    // ---- running ----

    void runSome(int steps) {
        for (int i = 0; i < steps && scheduler.runOne(); i++) {}
    }

    <T> T await(CompletableFuture<T> future) {
        for (int steps = 0; !future.isDone(); steps++) {
            if (steps > STEP_LIMIT || !scheduler.runOne()) {
                throw new AssertionError("a call of the store does not come to an end");
            }
            checkCallbacks();
        }
        return future.join();
    }

    /** Runs until everything asked for is answered. */
    void settle() {
        for (int steps = 0; inFlight > 0; steps++) {
            if (steps > STEP_LIMIT || !scheduler.runOne()) {
                throw new AssertionError(inFlight + " calls and requests do not come to an end");
            }
            checkCallbacks();
        }
    }

    /** Lets so many seconds of the store's clock pass. */
    void rest(int seconds) {
        note("rest of %d s", seconds);
        long until = scheduler.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        while (scheduler.nanoTime() < until && scheduler.runOne()) {
            checkCallbacks();
        }
        if (!tolerant && store.scrub().damageFound() > 0) {
            throw new AssertionError("the scrub found damage where there is none: "
                    + store.scrub().damaged());
        }
    }

    /** A callback has found something wrong. */
    void failed(Throwable cause) {
        problem = problem == null ? cause : problem;
    }

    void checkCallbacks() {
        if (problem != null) {
            throw new AssertionError(problem.getMessage(), problem);
        }
    }

    @SuppressWarnings("AnnotateFormatMethod") // its annotation is in no library that the tests have
    void note(String format, Object... values) {
        if (tracing) {
            System.out.println(clock + " " + format.formatted(values));
        }
    }

    // ---- excuses ----

    /** Fails if a call of the store has no excuse for having failed. */
    void excuse(Throwable failure) {
        Kind kind = failure instanceof StoreException known ? known.kind() : null;
        boolean excused =
                kind == Kind.NO_SPACE && full || kind == Kind.IO && tolerant || kind == Kind.CLOSED && closing;
        if (!excused) {
            throw new AssertionError("a call of the store failed: " + failure, failure);
        }
    }

    // ---- space ----

    boolean isFull() {
        return full;
    }

    /** Another process takes nearly all of the disk. */
    void fill() {
        full = true;
        disk.setCapacity(SimulationPlan.DISK_BYTES);
        long free = random.nextInt(3) == 0 ? 0 : random.nextLong(512 << 10);
        disk.setCapacity(SimulationPlan.DISK_BYTES - disk.freeBytes() + free);
        note("full, but for %d bytes", free);
    }

    /** The disk has room again: what is asked for from now on must be done. */
    void makeRoom() {
        disk.setCapacity(SimulationPlan.DISK_BYTES);
        note("room again");
        settle();
        full = false;
    }

    // ---- lives ----

    private BlockStore open() {
        return StoreEngine.open(disk, plan.options(), new SimulatedThreads(scheduler, 2));
    }

    /** Ends the life and begins the next one, perhaps through crashes during recovery. */
    void restart(boolean kill) {
        inFlight = 0;
        problem = null;
        commitBack = false;
        for (int attempt = 0; ; attempt++) {
            scheduler = new SimulatedScheduler(random.nextLong(), scheduler.nanoTime());
            if (kill) {
                disk.processKill(scheduler);
            } else {
                disk.powerLoss(scheduler);
            }
            if (attempt == 0 && !damaged && random.nextInt(16) == 0) {
                checkBothGenerations();
            }
            if (attempt == 0 && plan.has(SimulationPlan.Fault.DAMAGE) && random.nextInt(4) > 0) {
                commitBack = new MediumDamage(this).loseNewestSuperblock();
            }
            if (full && random.nextBoolean()) {
                disk.setCapacity(SimulationPlan.DISK_BYTES);
                full = false;
            }
            try {
                if (attempt < 2 && random.nextInt(3) == 0) {
                    disk.crashAfter(1 + random.nextInt(20));
                }
                store = open();
                disk.crashAfter(0);
                break;
            } catch (SimulatedCrash crash) {
                note("crash during recovery: %s", crash.getMessage());
            } catch (StoreException e) {
                note("not opened: %s", e.getMessage());
                excuse(e);
            }
        }
        if (full) {
            makeRoom();
        }
        note("opened");
    }

    /**
     * What a crash left: whichever superblock is read, it finds the pages that it names, and counts them as they are.
     */
    private void checkBothGenerations() {
        assertThat(StoreInspection.check(disk, false).findings())
                .as("the generations that the crash left")
                .noneMatch(finding -> finding.severity() != Finding.Severity.NOTE);
    }
}
