package io.varve.engine.meta;

import io.varve.engine.io.Disk;
import io.varve.engine.io.DiskException;
import io.varve.engine.io.DiskFile;
import io.varve.engine.io.IoVector;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.Executor;

/** A disk in memory that can lose power at any operation, after which any sectors not synced may be lost. */
final class MemoryDisk implements Disk {
    private static final int SECTOR = 512;

    static final class PowerLoss extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    private final Map<String, Node> names = new TreeMap<>();
    private Map<String, Node> durableNames = new TreeMap<>();
    private long operationsLeft = Long.MAX_VALUE;
    long freeBytes = Long.MAX_VALUE;
    private int operations;

    static final class Node {
        byte[] cached = new byte[0];
        byte[] durable = new byte[0];
    }

    void losePowerAfter(long count) {
        operationsLeft = count;
    }

    int operations() {
        return operations;
    }

    /** What the device holds after the loss. */
    MemoryDisk afterPowerLoss(SplittableRandom random) {
        MemoryDisk after = new MemoryDisk();
        Map<String, Node> survived = random.nextBoolean() ? names : durableNames;
        survived.forEach((name, node) -> {
            byte[] bytes = Arrays.copyOf(node.durable, node.cached.length);
            int chance = random.nextInt(4);
            for (int at = 0; at < bytes.length; at += SECTOR) {
                if (random.nextInt(3) < chance) {
                    System.arraycopy(node.cached, at, bytes, at, Math.min(SECTOR, bytes.length - at));
                }
            }
            Node kept = new Node();
            kept.cached = bytes;
            kept.durable = bytes.clone();
            after.names.put(name, kept);
        });
        after.durableNames = new TreeMap<>(after.names);
        return after;
    }

    byte[] contents(String name) {
        return names.get(name).cached;
    }

    private void step() {
        operations++;
        if (operationsLeft-- <= 0) {
            throw new PowerLoss();
        }
    }

    @Override
    public boolean tryLock() {
        return true;
    }

    @Override
    public DiskFile open(String name, Mode mode) {
        if ((mode == Mode.CREATE) == names.containsKey(name)) {
            throw new DiskException(DiskException.Kind.NAME, name);
        }
        if (mode == Mode.CREATE) {
            step();
            names.put(name, new Node());
        }
        return new OpenFile(name, names.get(name));
    }

    @Override
    public boolean exists(String name) {
        return names.containsKey(name);
    }

    @Override
    public List<String> list(String directory) {
        return new ArrayList<>(names.keySet());
    }

    @Override
    public void createDirectory(String name) {}

    @Override
    public void delete(String name) {
        step();
        names.remove(name);
    }

    @Override
    public void rename(String from, String to) {
        step();
        names.put(to, names.remove(from));
    }

    @Override
    public void syncDirectory(String directory) {
        step();
        durableNames = new TreeMap<>(names);
    }

    @Override
    public long freeBytes() {
        return freeBytes;
    }

    @Override
    public long totalBytes() {
        return Long.MAX_VALUE;
    }

    @Override
    public void close() {}

    private final class OpenFile implements DiskFile {
        private final String name;
        private final Node node;

        OpenFile(String name, Node node) {
            this.name = name;
            this.node = node;
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public long sizeBytes() {
            return node.cached.length;
        }

        @Override
        public long allocatedBytes() {
            return node.cached.length;
        }

        @Override
        public void write(long position, ByteBuffer source) {
            step();
            int end = (int) position + source.remaining();
            if (end > node.cached.length) {
                throw new AssertionError("a write beyond what was allocated");
            }
            source.get(source.position(), node.cached, (int) position, source.remaining());
        }

        @Override
        public void read(long position, ByteBuffer destination) {
            int length = (int) Math.max(0, Math.min(destination.remaining(), node.cached.length - position));
            destination.put(destination.position(), node.cached, (int) position, length);
            for (int i = destination.position() + length; i < destination.limit(); i++) {
                destination.put(i, (byte) 0);
            }
        }

        @Override
        public void readDevice(long position, ByteBuffer destination) {
            if (position % 4096 != 0
                    || destination.remaining() % 4096 != 0
                    || destination.alignmentOffset(destination.position(), 4096) != 0) {
                throw new AssertionError("not aligned");
            }
            read(position, destination);
        }

        @Override
        public void sync() {
            step();
            node.durable = node.cached.clone();
        }

        @Override
        public void forgetFailure() {}

        @Override
        public void allocate(long position, long length) {
            step();
            long growth = position + length - node.cached.length;
            if (growth > freeBytes) {
                throw new DiskException(DiskException.Kind.NO_SPACE, name);
            }
            if (growth > 0) {
                freeBytes -= growth;
                node.cached = Arrays.copyOf(node.cached, (int) (position + length));
            }
        }

        @Override
        public void write(long position, IoVector vector) {
            throw new UnsupportedOperationException();
        }

        @Override
        public int tryRead(long position, ByteBuffer destination) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void readAsync(long position, ByteBuffer destination, Executor executor, Callback callback) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void syncAsync(Executor executor, Callback callback) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void writeBackAsync(long position, long length, Executor executor, Callback callback) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void punch(long position, long length) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void truncate(long sizeBytes) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void close() {}
    }
}
