package io.varve.engine;

import io.varve.engine.io.Processor;
import java.util.concurrent.ThreadFactory;

/**
 * Makes threads for bulk work that goes on beside the data path: copies and conversions, uploads and downloads. Where
 * processors are short the kernel runs the loops of volumes before them. They are daemons. Thread-safe.
 */
public final class BulkThreads implements ThreadFactory {
    /** With nine tenths of a contended processor for a thread of normal priority, one tenth for such a one. */
    static final int NICE = 10;

    private final String name;

    /** @param name of each thread */
    public BulkThreads(String name) {
        this.name = name;
    }

    @Override
    public Thread newThread(Runnable task) {
        Runnable givingWay = () -> {
            Processor.giveWay(NICE);
            task.run();
        };
        Thread thread = new Thread(givingWay, name);
        thread.setDaemon(true);
        return thread;
    }
}
