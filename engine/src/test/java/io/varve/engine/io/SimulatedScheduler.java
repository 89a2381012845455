package io.varve.engine.io;

import io.varve.engine.VolumeLoop;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * All threads of an engine on the one thread of a test, in an order that a seed decides. Each queue stands for a thread
 * and keeps its order; which queue goes next is chance. Single completions stand for the disk and come in any order.
 * Time is virtual: it creeps with every step and jumps to the next timer when there is nothing else to do; timers fire
 * up to 2 ms late.
 *
 * <p>One scheduler is one life of a process. After a {@link SimulatedCrash} it does nothing more but throw it again.
 */
public final class SimulatedScheduler {
    private static final long MAX_STEP_NANOS = 20_000;
    private static final long MAX_LATE_NANOS = TimeUnit.MILLISECONDS.toNanos(2);
    private static final long STEP_LIMIT = 20_000_000;

    private record Timer(long deadlineNanos, long number, Queue queue, Runnable task) implements Comparable<Timer> {
        @Override
        public int compareTo(Timer other) {
            int byTime = Long.compare(deadlineNanos, other.deadlineNanos);
            return byTime != 0 ? byTime : Long.compare(number, other.number);
        }
    }

    /** One simulated thread: its tasks run in order and never inside one another. */
    public final class Queue implements VolumeLoop {
        private final String name;
        private final ArrayDeque<Runnable> tasks = new ArrayDeque<>();
        private boolean running;

        private Queue(String name) {
            this.name = name;
        }

        @Override
        public void execute(Runnable task) {
            tasks.add(task);
        }

        @Override
        public boolean inLoop() {
            return current == this;
        }

        @Override
        public void schedule(Runnable task, long delayNanos) {
            timers.add(new Timer(nowNanos + Math.max(0, delayNanos), timersSet++, this, task));
        }

        private boolean isReady() {
            return !running && !tasks.isEmpty();
        }

        private void runHead() {
            Queue before = current;
            current = this;
            running = true;
            try {
                tasks.remove().run();
            } finally {
                running = false;
                current = before;
            }
        }

        @Override
        public String toString() {
            return name + "(" + tasks.size() + (running ? " waiting, and one running)" : " waiting)");
        }
    }

    private final SplittableRandom random;
    private final List<Queue> queues = new ArrayList<>();
    private final List<Runnable> completions = new ArrayList<>();
    private final PriorityQueue<Timer> timers = new PriorityQueue<>();
    private long timersSet;
    private long nowNanos;
    private @Nullable Queue current;
    private @Nullable SimulatedCrash crash;

    public SimulatedScheduler(long seed) {
        this(seed, 0);
    }

    /** A later life, whose clock goes on from {@code nowNanos}. */
    public SimulatedScheduler(long seed, long nowNanos) {
        this.random = new SplittableRandom(seed);
        this.nowNanos = nowNanos;
    }

    public Queue newQueue(String name) {
        Queue queue = new Queue(name);
        queues.add(queue);
        return queue;
    }

    /** Runs {@code completion} at some time, before or after any other. */
    void complete(Runnable completion) {
        completions.add(completion);
    }

    /** Ends this life: whatever swallows the crash on its way, the scheduler throws it. */
    void end(SimulatedCrash cause) {
        crash = cause;
    }

    public long nanoTime() {
        return nowNanos;
    }

    /** Lets time pass; timers that fall due run later. */
    public void advance(long nanos) {
        nowNanos += nanos;
    }

    /** Runs one task that is ready; false if there is none before the next timer. */
    public boolean runReady() {
        throwCrash();
        nowNanos += random.nextLong(MAX_STEP_NANOS);
        takeDueTimers();
        List<Queue> ready = queues.stream().filter(Queue::isReady).toList();
        int choices = ready.size() + completions.size();
        if (choices == 0) {
            return false;
        }
        int choice = random.nextInt(choices);
        if (choice < ready.size()) {
            ready.get(choice).runHead();
        } else {
            runCompletion(choice - ready.size());
        }
        throwCrash();
        return true;
    }

    /** Runs one task, going on to the next timer if none is ready; false if there is nothing left at all. */
    public boolean runOne() {
        if (runReady()) {
            return true;
        }
        Timer next = timers.peek();
        if (next == null) {
            return false;
        }
        nowNanos = Math.max(nowNanos, next.deadlineNanos) + random.nextLong(MAX_LATE_NANOS);
        takeDueTimers();
        return runReady() || !timers.isEmpty();
    }

    /** Runs until {@code condition} holds; fails if it cannot come true any more. */
    public void runUntil(BooleanSupplier condition) {
        for (long step = 0; !condition.getAsBoolean(); step++) {
            if (step > STEP_LIMIT) {
                throw new AssertionError("it does not come to an end: " + queues);
            }
            if (!runOne()) {
                throw new AssertionError("nothing left to run, and yet not done: " + queues);
            }
        }
    }

    /** Runs until everything that is to be done now is done; timers of the future stay. */
    public void runUntilIdle() {
        for (long step = 0; runReady(); step++) {
            if (step > STEP_LIMIT) {
                throw new AssertionError("it does not come to rest: " + queues);
            }
        }
    }

    private void runCompletion(int index) {
        Queue before = current;
        current = null;
        try {
            completions.remove(index).run();
        } finally {
            current = before;
        }
    }

    private void takeDueTimers() {
        while (!timers.isEmpty() && timers.peek().deadlineNanos <= nowNanos) {
            Timer timer = timers.remove();
            timer.queue.execute(timer.task);
        }
    }

    private void throwCrash() {
        if (crash != null) {
            throw crash;
        }
    }
}
