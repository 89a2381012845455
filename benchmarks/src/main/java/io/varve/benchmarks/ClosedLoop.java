package io.varve.benchmarks;

import io.varve.engine.Completion;
import io.varve.engine.IoStatus;
import io.varve.engine.Volume;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;

/**
 * Keeps a fixed number of 4 KiB requests in flight on a volume. Each turn of the volume's loop makes one request for
 * every buffer that is free and submits them together, as the NBD server does with what one socket read brought.
 *
 * <p>Allocates nothing per request, so that what JMH's profilers show is the engine's. Lives on the volume's loop.
 */
final class ClosedLoop {
    /** Makes one request on the volume. */
    @FunctionalInterface
    interface Operation {
        void request(Volume volume, long offset, ByteBuffer buffer, Completion completion);

        Operation READ = Volume::read;
        Operation WRITE = (volume, offset, buffer, completion) -> volume.write(offset, buffer, false, completion);

        /** Seven reads to three writes, as databases are said to do. */
        static Operation mixed() {
            return new Operation() {
                private int turn;

                @Override
                public void request(Volume volume, long offset, ByteBuffer buffer, Completion completion) {
                    turn = (turn + 3) % 10;
                    (turn < 7 ? READ : WRITE).request(volume, offset, buffer, completion);
                }
            };
        }
    }

    private final Volume volume;
    private final Slot[] free;
    private final Runnable turn = this::turn;
    private int freeCount;
    private boolean turnDue;
    private Run run = new Run(Operation.READ, () -> 0);
    private long unrequested;

    /** What is asked for, and its end. */
    private record Run(Operation operation, LongSupplier offsets, CompletableFuture<Void> done) {
        Run(Operation operation, LongSupplier offsets) {
            this(operation, offsets, new CompletableFuture<>());
        }
    }

    /**
     * Gets the buffers ready.
     *
     * @param payload what every buffer holds at first; its length is that of every request
     */
    ClosedLoop(Volume volume, int depth, byte[] payload) {
        this.volume = volume;
        free = new Slot[depth];
        while (freeCount < depth) {
            ByteBuffer buffer = ByteBuffer.allocateDirect(payload.length).put(payload);
            free[freeCount++] = new Slot(buffer.flip());
        }
    }

    /** Makes {@code count} requests; the future is complete when they are. Any thread, one run after the other. */
    CompletableFuture<Void> start(long count, Operation operation, LongSupplier offsets) {
        Run next = new Run(operation, offsets);
        volume.loop().execute(() -> {
            run = next;
            unrequested = count;
            turn();
        });
        return next.done;
    }

    /** Makes no further requests: the run is over when those in flight are complete. Any thread. */
    void stop() {
        volume.loop().execute(() -> {
            unrequested = 0;
            turn();
        });
    }

    private void turn() {
        turnDue = false;
        if (volume.congested()) {
            turnDue = true;
            volume.whenWritable(turn);
            return;
        }
        long requests = Math.min(freeCount, unrequested);
        unrequested -= requests;
        for (long i = 0; i < requests; i++) {
            Slot slot = free[--freeCount];
            run.operation.request(volume, run.offsets.getAsLong(), slot.buffer, slot);
        }
        volume.submit();
        if (unrequested == 0 && freeCount == free.length) {
            run.done.complete(null);
        }
    }

    /** A buffer and the end of the request that has it. */
    private final class Slot implements Completion {
        private final ByteBuffer buffer;

        Slot(ByteBuffer buffer) {
            this.buffer = buffer;
        }

        @Override
        public void completed(IoStatus status) {
            free[freeCount++] = this;
            if (status != IoStatus.OK) {
                unrequested = 0;
                run.done.completeExceptionally(new IllegalStateException("a request ended with " + status));
            }
            if (!turnDue) {
                turnDue = true;
                volume.loop().execute(turn);
            }
        }
    }
}
