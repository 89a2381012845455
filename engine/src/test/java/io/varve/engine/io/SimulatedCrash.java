package io.varve.engine.io;

/**
 * The end of a simulated process or machine. Thrown out of every operation of a {@link SimulatedDisk} that has crashed
 * and out of the {@link SimulatedScheduler} that it ran on, until the test goes on with the next life.
 */
public final class SimulatedCrash extends Error {
    private static final long serialVersionUID = 1L;

    SimulatedCrash(String message) {
        super(message);
    }
}
