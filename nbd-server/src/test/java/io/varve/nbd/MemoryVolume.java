package io.varve.nbd;

import io.varve.engine.Completion;
import io.varve.engine.Extents;
import io.varve.engine.IoStatus;
import io.varve.engine.ReadReport;
import io.varve.engine.Volume;
import io.varve.engine.VolumeCounters;
import io.varve.engine.VolumeLoop;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A volume in memory, for the server's own behaviour: its completions can be held back or made to fail, and it can be
 * congested, at will. Like the real one it works on its loop only, and only at {@link #submit}.
 */
final class MemoryVolume implements Volume {
    /** When completions are told. */
    enum Completing {
        AT_SUBMIT,
        LATER,
        WHEN_RELEASED
    }

    private final VolumeLoop loop;
    private final byte[] bytes;
    private final VolumeCounters counters = new VolumeCounters();
    private final ArrayDeque<Runnable> collected = new ArrayDeque<>();
    private final List<Runnable> held = new ArrayList<>();
    private final List<Runnable> waiting = new ArrayList<>();
    final AtomicInteger openHandles = new AtomicInteger();
    final AtomicInteger batches = new AtomicInteger();
    final AtomicInteger requests = new AtomicInteger();
    final AtomicInteger durableRequests = new AtomicInteger();
    volatile Completing completing = Completing.AT_SUBMIT;
    volatile IoStatus answer = IoStatus.OK;
    /** Where reads say that they failed. */
    volatile long failedOffset;

    volatile boolean readOnly;
    private boolean congested;

    MemoryVolume(VolumeLoop loop, int sizeBytes) {
        this.loop = loop;
        this.bytes = new byte[sizeBytes];
    }

    @Override
    public VolumeLoop loop() {
        return loop;
    }

    @Override
    public long sizeBytes() {
        return bytes.length;
    }

    @Override
    public boolean readOnly() {
        return readOnly;
    }

    @Override
    public VolumeCounters counters() {
        return counters;
    }

    @Override
    public void read(long offset, ByteBuffer destination, Completion completion) {
        check(destination);
        int at = destination.position();
        collect(completion, () -> destination.put(at, bytes, (int) offset, destination.remaining()));
    }

    @Override
    public void read(long offset, ByteBuffer destination, ReadReport report, Completion completion) {
        report.clear();
        check(destination);
        int at = destination.position();
        int length = destination.remaining();
        collect(completion, () -> {
            addStates(offset, length, Integer.MAX_VALUE, report.extents());
            int from = at;
            for (int i = 0; i < report.extents().size(); i++) {
                int piece = (int) report.extents().lengthBytes(i);
                if (report.extents().value(i) == Extents.DATA) {
                    destination.put(from, bytes, (int) offset + from - at, piece);
                }
                from += piece;
            }
        });
        if (answer != IoStatus.OK) {
            report.failedAt(failedOffset);
        }
    }

    @Override
    public void blockStatus(long offset, long length, int maxExtents, Extents into, Completion completion) {
        ask(offset, length, into, completion, () -> addStates(offset, length, maxExtents, into));
    }

    /** Answers a question about a range at once, as the real volume does. */
    void ask(long offset, long length, Extents into, Completion completion, Runnable answering) {
        onLoop();
        into.clear();
        boolean inside = length > 0 && offset >= 0 && offset <= bytes.length - length;
        if (inside && answer == IoStatus.OK) {
            answering.run();
        }
        IoStatus status = inside ? answer : IoStatus.EINVAL;
        if (completing == Completing.WHEN_RELEASED) {
            held.add(() -> completion.completed(status));
        } else {
            completion.completed(status);
        }
    }

    /** Whole blocks of zeroes are holes. */
    private void addStates(long offset, long length, int maxExtents, Extents into) {
        long at = offset;
        while (at < offset + length) {
            long end = Math.min(offset + length, (at / 4096 + 1) * 4096);
            boolean hole = end - at == 4096;
            for (int i = (int) at; i < end && hole; i++) {
                hole = bytes[i] == 0;
            }
            int state = hole ? Extents.HOLE : Extents.DATA;
            if (into.size() == maxExtents && !into.continues(state)) {
                return;
            }
            into.add(end - at, state);
            at = end;
        }
    }

    /** What it holds now. */
    byte[] content() {
        return bytes.clone();
    }

    @Override
    public void write(long offset, ByteBuffer source, boolean fua, Completion completion) {
        check(source);
        note(fua);
        int at = source.position();
        collect(completion, () -> source.get(at, bytes, (int) offset, source.remaining()));
    }

    @Override
    public void flush(Completion completion) {
        collect(completion, () -> {});
    }

    @Override
    public void trim(long offset, long length, boolean fua, Completion completion) {
        note(fua);
        long from = (offset + 4095) / 4096 * 4096;
        long to = (offset + length) / 4096 * 4096;
        collect(completion, () -> zero(from, Math.max(from, to)));
    }

    @Override
    public void writeZeroes(long offset, long length, boolean noHole, boolean fua, Completion completion) {
        note(fua);
        collect(completion, () -> zero(offset, offset + length));
    }

    @Override
    public void submit() {
        onLoop();
        batches.incrementAndGet();
        while (!collected.isEmpty()) {
            collected.poll().run();
        }
    }

    @Override
    public boolean congested() {
        return congested;
    }

    @Override
    public void whenWritable(Runnable task) {
        onLoop();
        if (congested) {
            waiting.add(task);
        } else {
            task.run();
        }
    }

    @Override
    public void release() {
        if (openHandles.decrementAndGet() < 0) {
            throw new IllegalStateException("released once too often");
        }
    }

    /** Tells the completions that were held back. Any thread. */
    void releaseHeld() {
        loop.execute(() -> {
            List<Runnable> now = List.copyOf(held);
            held.clear();
            now.forEach(Runnable::run);
        });
    }

    /** Any thread. */
    void congest(boolean on) {
        loop.execute(() -> {
            congested = on;
            if (!on) {
                List<Runnable> now = List.copyOf(waiting);
                waiting.clear();
                now.forEach(Runnable::run);
            }
        });
    }

    private void collect(Completion completion, Runnable work) {
        onLoop();
        requests.incrementAndGet();
        collected.add(() -> {
            IoStatus status = answer;
            if (status == IoStatus.OK) {
                work.run();
            }
            switch (completing) {
                case AT_SUBMIT -> completion.completed(status);
                case LATER -> loop.execute(() -> completion.completed(status));
                case WHEN_RELEASED -> held.add(() -> completion.completed(status));
            }
        });
    }

    private void note(boolean fua) {
        if (fua) {
            durableRequests.incrementAndGet();
        }
    }

    private void zero(long from, long to) {
        java.util.Arrays.fill(bytes, (int) from, (int) to, (byte) 0);
    }

    private void check(ByteBuffer buffer) {
        if (!buffer.isDirect()) {
            throw new IllegalArgumentException("payload buffers are direct");
        }
    }

    private void onLoop() {
        if (!loop.inLoop()) {
            throw new IllegalStateException("a volume is used on its loop only");
        }
    }
}
