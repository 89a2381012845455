package io.varve.engine.io;

import io.varve.engine.io.SimulatedContent.Survival;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.Executor;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A disk in memory that is as bad as disks are allowed to be, repeatably: all chance comes from one seed.
 *
 * <p>It keeps unsynced writes in limbo and at a {@link #powerLoss} drops, tears and reorders them, as it does sizes,
 * allocations and names; it keeps its page cache over a {@link #processKill}; it serves pages that a failed sync left
 * marked clean; it fails, fills up and flips bits when told to. An asynchronous operation takes effect when it is asked
 * for or when it completes, by chance. Deleting or replacing a name closes the files of it.
 *
 * <p>{@link #close} ends a life without harm. After each life the same object is opened anew. One thread only.
 */
public final class SimulatedDisk implements Disk {
    /** What can fail, and all but READ can be where the process dies. A directory's sync names it with a slash. */
    public enum Operation {
        READ,
        WRITE,
        SYNC,
        ALLOCATE,
        PUNCH,
        TRUNCATE,
        CREATE,
        DELETE,
        RENAME
    }

    private static final class Fault {
        final Operation operation;
        final Pattern names;
        final boolean lasting;
        final boolean fails;
        final Runnable then;
        int countdown;

        Fault(Operation operation, String names, int countdown, boolean lasting) {
            this(operation, names, countdown, lasting, true, () -> {});
        }

        Fault(Operation operation, String names, int countdown, boolean lasting, boolean fails, Runnable then) {
            this.fails = fails;
            this.then = then;
            this.operation = operation;
            this.names = Pattern.compile(names);
            this.countdown = countdown;
            this.lasting = lasting;
        }

        boolean concerns(Operation candidate, String name) {
            return operation == candidate && names.matcher(name).matches();
        }
    }

    private final SplittableRandom random;
    private final SimulatedNames names = new SimulatedNames();
    private final List<Fault> faults = new ArrayList<>();
    private SimulatedScheduler scheduler;
    private Predicate<String> strict = name -> false;
    private long capacityBytes;
    private int wouldBlockPercent = 30;

    private int life;
    private boolean locked;
    private long crashCountdown;
    private @Nullable SimulatedCrash crash;

    private long operations;
    private long writes;
    private long bytesWritten;
    private long syncs;

    public SimulatedDisk(SimulatedScheduler scheduler, long seed, long capacityBytes) {
        this.scheduler = scheduler;
        this.random = new SplittableRandom(seed);
        this.capacityBytes = capacityBytes;
    }

    // ---- what a test arranges ----

    /** The next operation on a file whose name matches the regular expression fails with {@code IO}. */
    public void failNext(Operation operation, String names) {
        failNth(operation, names, 1);
    }

    /** The next such operation fails, and at that moment {@code then} runs. */
    public void failNext(Operation operation, String names, Runnable then) {
        faults.add(new Fault(operation, names, 1, false, true, then));
    }

    /** At the moment of the next such operation, which does not fail, {@code then} runs. */
    public void onNext(Operation operation, String names, Runnable then) {
        onNth(operation, names, 1, then);
    }

    /** At the moment of the n-th such operation from now, which does not fail, {@code then} runs. */
    public void onNth(Operation operation, String names, int n, Runnable then) {
        faults.add(new Fault(operation, names, n, false, false, then));
    }

    /** The n-th such operation from now fails, and only that. */
    public void failNth(Operation operation, String names, int n) {
        faults.add(new Fault(operation, names, n, false));
    }

    /** Every such operation fails until {@link #heal}. */
    public void failEvery(Operation operation, String names) {
        faults.add(new Fault(operation, names, 1, true));
    }

    /** Takes all faults back that have not happened yet. */
    public void heal() {
        faults.clear();
    }

    /** Turns one bit of a file round on the device. */
    public void flipBit(String name, long position, int bit) {
        byte[] bytes = deviceBytes(name, position, 1);
        bytes[0] ^= (byte) (1 << bit);
        setDeviceBytes(name, position, bytes);
    }

    /** All files, as the device holds them. */
    public Map<String, byte[]> deviceFiles() {
        Map<String, byte[]> files = new TreeMap<>();
        for (SimulatedContent content : names.contents()) {
            files.put(content.name, content.deviceBytes(0, Math.toIntExact(content.sizeBytes())));
        }
        return files;
    }

    /** Puts files there, durable with their directories. */
    public void addFiles(Map<String, byte[]> files) {
        files.forEach((name, bytes) -> {
            String directory = SimulatedNames.directoryOf(name);
            if (!names.hasDirectory(directory)) {
                createDirectory(directory);
                syncDirectory("");
            }
            try (DiskFile file = open(name, Mode.CREATE)) {
                file.write(0, ByteBuffer.allocateDirect(bytes.length).put(bytes).flip());
                file.sync();
            }
            syncDirectory(directory);
        });
    }

    /** What the device holds of a file, whatever the page cache does. */
    public byte[] deviceBytes(String name, long position, int length) {
        return existing(name).deviceBytes(position, length);
    }

    /** Puts other bytes on the device, as a misdirected or stale write does. */
    public void setDeviceBytes(String name, long position, byte[] bytes) {
        existing(name).setDeviceBytes(position, bytes);
    }

    /** Forgets clean pages, among them those that a failed sync has lost. */
    public void dropCleanPages() {
        names.contents().forEach(SimulatedContent::dropCleanPages);
    }

    public void setCapacity(long bytes) {
        capacityBytes = bytes;
    }

    /** Another process takes all that is free. */
    public void fill() {
        capacityBytes -= freeBytes();
    }

    /** How often a read that must not wait is refused or cut short; 30 at first. */
    public void setWouldBlockPercent(int percent) {
        wouldBlockPercent = percent;
    }

    /** Writes to these names outside of allocated blocks are errors of the program under test. */
    public void requireAllocatedWrites(Predicate<String> names) {
        strict = names;
    }

    /**
     * The n-th operation from now that changes something kills the process in its midst: it happens wholly, not at all
     * or, as a write, in part. It and everything after it throws {@link SimulatedCrash}, until {@link #processKill} or
     * {@link #powerLoss} is called.
     */
    public void crashAfter(long n) {
        crashCountdown = n;
    }

    /** Ends the process; the page cache stays. The next life runs on {@code next}. */
    public void processKill(SimulatedScheduler next) {
        endLife();
        scheduler = next;
    }

    /** Ends process and machine: of what was not synced some survives. The next life runs on {@code next}. */
    public void powerLoss(SimulatedScheduler next) {
        Survival survival = switch (random.nextInt(8)) {
            case 0 -> Survival.ALL;
            case 1 -> Survival.NONE;
            default -> Survival.SOME;
        };
        powerLoss(next, survival);
    }

    /** A power loss of which the outcome is not, or not wholly, left to chance. */
    void powerLoss(SimulatedScheduler next, Survival survival) {
        endLife();
        scheduler = next;
        names.losePower(survival, random);
        names.contents().forEach(content -> content.losePower(survival));
    }

    private void endLife() {
        life++;
        locked = false;
        crash = null;
        crashCountdown = 0;
    }

    /** Operations that changed something, or tried to: what {@link #crashAfter} counts. */
    public long operations() {
        return operations;
    }

    public long writes() {
        return writes;
    }

    public long bytesWritten() {
        return bytesWritten;
    }

    public long syncs() {
        return syncs;
    }

    // ---- names ----

    @Override
    public boolean tryLock() {
        checkAlive();
        boolean taken = !locked;
        locked = true;
        return taken;
    }

    @Override
    public DiskFile open(String name, Mode mode) {
        checkAlive();
        boolean exists = names.get(name) != null;
        if (mode == Mode.CREATE) {
            if (exists || !names.hasDirectory(SimulatedNames.directoryOf(name))) {
                throw nameFailure("create", name, exists);
            }
            change(Operation.CREATE, name, () -> names.create(name, new SimulatedContent(name, random.split())));
        }
        return new SimulatedFile(this, existing(name), life);
    }

    @Override
    public boolean exists(String name) {
        checkAlive();
        return names.get(name) != null || names.hasDirectory(name);
    }

    @Override
    public List<String> list(String directory) {
        checkAlive();
        checkDirectory(directory);
        return names.list(directory);
    }

    @Override
    public void createDirectory(String name) {
        if (!names.hasDirectory(name)) {
            change(Operation.CREATE, name + "/", () -> names.createDirectory(name));
        }
    }

    @Override
    public void delete(String name) {
        checkAlive();
        existing(name);
        change(Operation.DELETE, name, () -> names.delete(name));
    }

    @Override
    public void rename(String from, String to) {
        checkAlive();
        existing(from);
        checkDirectory(SimulatedNames.directoryOf(to));
        change(Operation.RENAME, from, () -> names.rename(from, to));
    }

    @Override
    public void syncDirectory(String directory) {
        checkAlive();
        checkDirectory(directory);
        syncs++;
        change(Operation.SYNC, directory + "/", () -> names.sync(directory));
    }

    private void checkDirectory(String name) {
        if (!names.hasDirectory(name)) {
            throw nameFailure("open directory", name, false);
        }
    }

    private SimulatedContent existing(String name) {
        SimulatedContent content = names.get(name);
        if (content == null) {
            throw nameFailure("open", name, false);
        }
        return content;
    }

    private static DiskException nameFailure(String call, String name, boolean exists) {
        String why = exists ? "EEXIST, exists already" : "ENOENT, no such file or directory";
        return new DiskException(DiskException.Kind.NAME, call + " of " + name + " failed: " + why);
    }

    // ---- space ----

    @Override
    public long freeBytes() {
        checkAlive();
        return Math.max(0, capacityBytes - usedBytes());
    }

    @Override
    public long totalBytes() {
        return capacityBytes;
    }

    /** Bytes allocated to the files whose names begin so. */
    public long allocatedBytes(String prefix) {
        return names.allocatedBytes(prefix);
    }

    private long usedBytes() {
        long used = 0;
        for (SimulatedContent content : names.contents()) {
            used += content.allocatedBytes();
        }
        return used;
    }

    @Override
    public void close() {
        if (crash == null) {
            endLife();
        }
    }

    // ---- for the files ----

    void write(SimulatedContent content, long position, byte[] bytes) {
        long missing = content.unallocatedBytes(position, bytes.length);
        if (missing > 0 && strict.test(content.name)) {
            throw new AssertionError("write of " + content.name + " at " + position + ", " + bytes.length
                    + " bytes, where " + missing + " are not allocated");
        }
        writes++;
        bytesWritten += bytes.length;
        Runnable part = () -> content.write(position, bytes, random.nextInt(bytes.length + 1));
        change(Operation.WRITE, content.name, part, part, () -> {
            checkSpace("write", content, missing);
            content.write(position, bytes, bytes.length);
        });
    }

    void allocate(SimulatedContent content, long position, long length) {
        change(Operation.ALLOCATE, content, () -> {
            checkSpace("allocate", content, content.unallocatedBytes(position, length));
            content.allocate(position, length);
        });
    }

    private void checkSpace(String call, SimulatedContent content, long bytes) {
        if (bytes > 0 && usedBytes() + bytes > capacityBytes) {
            throw new DiskException(
                    DiskException.Kind.NO_SPACE, call + " of " + content.name + " failed: ENOSPC, no space left");
        }
    }

    void sync(SimulatedContent content) {
        syncs++;
        change(Operation.SYNC, content.name, () -> {}, content::loseDirtyPages, content::sync);
    }

    void change(Operation operation, SimulatedContent content, Runnable effect) {
        change(operation, content.name, effect);
    }

    private void change(Operation operation, String name, Runnable effect) {
        change(operation, name, () -> {}, () -> {}, effect);
    }

    private void change(Operation operation, String name, Runnable onCrash, Runnable onFault, Runnable effect) {
        checkAlive();
        operations++;
        if (crashCountdown > 0 && --crashCountdown == 0) {
            DiskException tooLateToMatter = SimulatedFile.outcome(random.nextBoolean() ? effect : onCrash);
            crash = new SimulatedCrash(operation + " of " + name + (tooLateToMatter == null ? "" : ", as it failed"));
            scheduler.end(crash);
            throw crash;
        }
        if (fails(operation, name)) {
            onFault.run();
            throw new DiskException(DiskException.Kind.IO, operation + " of " + name + " failed: EIO, as arranged");
        }
        effect.run();
    }

    void checkRead(SimulatedContent content) {
        checkAlive();
        if (fails(Operation.READ, content.name)) {
            throw new DiskException(DiskException.Kind.IO, "READ of " + content.name + " failed: EIO, as arranged");
        }
    }

    private boolean fails(Operation operation, String name) {
        boolean fails = false;
        for (Fault fault : List.copyOf(faults)) {
            if (fault.concerns(operation, name) && --fault.countdown <= 0) {
                fails |= fault.fails;
                fault.then.run();
                if (!fault.lasting) {
                    faults.remove(fault);
                }
            }
        }
        return fails;
    }

    /** How many of the bytes a read that must not wait gets; what will fail to be read is not in the cache. */
    int cachedPart(SimulatedContent content, long position, int length) {
        boolean failing = faults.stream().anyMatch(fault -> fault.concerns(Operation.READ, content.name));
        if (length > 0 && failing) {
            return DiskFile.WOULD_BLOCK;
        }
        if (length == 0 || random.nextInt(100) >= wouldBlockPercent) {
            return length;
        }
        int toPageEnd = SimulatedContent.PAGE - (int) (position % SimulatedContent.PAGE);
        int pageEnds = length <= toPageEnd ? 0 : 1 + (length - toPageEnd - 1) / SimulatedContent.PAGE;
        if (pageEnds == 0 || random.nextBoolean()) {
            return DiskFile.WOULD_BLOCK;
        }
        return toPageEnd + random.nextInt(pageEnds) * SimulatedContent.PAGE;
    }

    /** Runs an operation now or later, and calls back later still. */
    void runAsync(Runnable operation, Executor executor, DiskFile.Callback callback) {
        if (random.nextBoolean()) {
            DiskException failure = SimulatedFile.outcome(operation);
            scheduler.complete(() -> executor.execute(() -> callback.completed(failure)));
        } else {
            scheduler.complete(() -> {
                DiskException failure = SimulatedFile.outcome(operation);
                executor.execute(() -> callback.completed(failure));
            });
        }
    }

    void checkLife(int fileLife) {
        checkAlive();
        if (fileLife != life) {
            throw new SimulatedCrash("a file of an earlier life is used");
        }
    }

    private void checkAlive() {
        if (crash != null) {
            throw crash;
        }
    }

    @Override
    public String toString() {
        return "SimulatedDisk(" + Arrays.asList(names.list("")) + ")";
    }
}
