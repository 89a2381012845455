package io.varve.engine.meta;

import io.varve.engine.StoreException;
import io.varve.engine.StoreException.Kind;
import io.varve.engine.io.Disk;
import io.varve.engine.io.DiskFile;
import java.nio.ByteBuffer;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The store's metadata: all its tables and 64 root counters, in memory, and on disk in two files that are written in
 * turn ({@link SuperblockDescriptor}). A commit writes the next generation over the one before the last, in place:
 * first the pages that this file has in an older form, then the header, then one sync. Whatever a crash leaves of
 * that, the other file holds the last generation whole, and the check over all pages' check values tells a mixture.
 *
 * <p>Used by one thread at a time, off the loops: commits wait for the device.
 */
public final class Superblock implements AutoCloseable {
    /** Incompatible feature: segments may have been moved into containers. */
    public static final long FEATURE_CONTAINERS = 1;
    /** Incompatible feature: volumes may compress inline, into framed segments. */
    public static final long FEATURE_FRAMES = 2;

    private static final String UNFINISHED_SUFFIX = ".new";

    private final SuperblockFile evenFile;
    private final SuperblockFile oddFile;
    private final SuperblockImage current;
    private final String damage;
    private @Nullable SuperblockImage previous;
    private boolean commitUnfinished;

    private Superblock(SuperblockFile evenFile, SuperblockFile oddFile, SuperblockCopy newer, SuperblockCopy other) {
        this.evenFile = evenFile;
        this.oddFile = oddFile;
        this.current = Objects.requireNonNull(newer.image());
        SuperblockImage older = other.image();
        if (older == null) {
            damage = other.damage();
        } else if (older.generation() == current.generation() - 1) {
            damage = "";
            previous = older;
            older.pages().freeze();
        } else {
            damage = other.file().name() + " holds generation " + older.generation() + ", and "
                    + (current.generation() - 1) + " is due";
            older.close();
        }
        noteStalePages(other.file());
    }

    /** True if the directory holds a superblock, whole or not. */
    public static boolean exists(Disk disk) {
        return disk.exists(SuperblockDescriptor.FILE_A) || disk.exists(SuperblockDescriptor.FILE_B);
    }

    /**
     * Makes the superblock of a new, empty store and opens it. Both files are written and synced under other names
     * first, so that a crash leaves either no superblock or a whole one.
     *
     * @throws StoreException ALREADY_EXISTS if there is one
     */
    public static Superblock create(Disk disk, UUID store, TableSpec... specs) {
        if (exists(disk)) {
            throw new StoreException(Kind.ALREADY_EXISTS, "the directory holds a store already");
        }
        for (long generation = 0; generation < 2; generation++) {
            writeUnfinished(disk, SuperblockHeader.first(store, generation));
        }
        for (long generation = 0; generation < 2; generation++) {
            String name = SuperblockDescriptor.fileOf(generation);
            disk.rename(name + UNFINISHED_SUFFIX, name);
        }
        disk.syncDirectory("");
        return open(disk, specs);
    }

    private static void writeUnfinished(Disk disk, SuperblockHeader header) {
        String name = SuperblockDescriptor.fileOf(header.generation()) + UNFINISHED_SUFFIX;
        if (disk.exists(name)) {
            disk.delete(name);
        }
        try (DiskFile file = disk.open(name, Disk.Mode.CREATE)) {
            file.allocate(0, SuperblockDescriptor.HEADER_BYTES);
            ByteBuffer page = ByteBuffer.allocateDirect(SuperblockDescriptor.HEADER_BYTES);
            header.encode(page, new long[SuperblockDescriptor.ROOT_SLOTS]);
            file.write(0, page);
            file.sync();
        }
    }

    /**
     * Opens the newer of the generations that the device holds whole, and makes sure that it is durable. Tables that
     * the store does not have yet are empty.
     *
     * @throws StoreException DAMAGED if neither file holds a whole generation, NEWER_FORMAT if either was written by a
     *     version whose format this one does not know, IO if either cannot be read; nothing on disk was changed
     */
    public static Superblock open(Disk disk, TableSpec... specs) {
        SuperblockFile evenFile = new SuperblockFile(disk, SuperblockDescriptor.FILE_A);
        SuperblockFile oddFile = new SuperblockFile(disk, SuperblockDescriptor.FILE_B);
        SuperblockCopy even = SuperblockCopy.read(evenFile, specs);
        SuperblockCopy odd = SuperblockCopy.read(oddFile, specs);
        boolean opened = false;
        try {
            requireOpenable(even, odd);
            boolean oddIsNewer = odd.isNewerThan(even);
            SuperblockCopy newer = oddIsNewer ? odd : even;
            newer.file().sync();
            opened = true;
            return new Superblock(evenFile, oddFile, newer, oddIsNewer ? even : odd);
        } finally {
            if (!opened) {
                close(even);
                close(odd);
            }
        }
    }

    /**
     * What the device does not give out may be the newest generation: the older one would silently undo the last
     * commit, volumes that it made included. A copy that is torn, or whose file is not there, is not that.
     */
    private static void requireReadable(SuperblockCopy copy) {
        if (copy.unreadable()) {
            throw new StoreException(
                    Kind.IO,
                    copy.damage() + "; start again, and if it stays so, move this file away: the store then opens with"
                            + " the other superblock, perhaps without what was created, changed or deleted last");
        }
    }

    private static void requireOpenable(SuperblockCopy even, SuperblockCopy odd) {
        requireKnownFormat(even);
        requireKnownFormat(odd);
        requireReadable(even);
        requireReadable(odd);
        SuperblockImage a = even.image();
        SuperblockImage b = odd.image();
        if (a == null && b == null) {
            throw new StoreException(
                    Kind.DAMAGED, "neither superblock is whole: " + even.damage() + "; " + odd.damage());
        }
        if (a != null && b != null && !a.header().store().equals(b.header().store())) {
            throw new StoreException(
                    Kind.DAMAGED,
                    "the superblocks are of different stores: " + even.file().name() + " of "
                            + a.header().store() + ", " + odd.file().name() + " of "
                            + b.header().store());
        }
    }

    static void requireKnownFormat(SuperblockCopy copy) {
        SuperblockImage image = copy.image();
        if (image != null && image.header().isNewerFormat()) {
            SuperblockHeader header = image.header();
            throw new StoreException(
                    Kind.NEWER_FORMAT,
                    "%s has format version %d with incompatible features %x; this Varve knows version %d and features %x: use a newer one"
                            .formatted(
                                    copy.file().name(),
                                    header.version(),
                                    header.incompatible(),
                                    SuperblockDescriptor.VERSION,
                                    SuperblockDescriptor.KNOWN_INCOMPATIBLE));
        }
    }

    static void close(SuperblockCopy copy) {
        SuperblockImage image = copy.image();
        if (image != null) {
            image.close();
        }
        copy.file().close();
    }

    /** Pages that the file of the next generation must be given whether or not they change again. */
    private void noteStalePages(SuperblockFile file) {
        SuperblockImage old = previous;
        TablePages pages = current.pages();
        for (int page = 0; page < pages.count(); page++) {
            if (old == null || page >= old.pages().count() || !pages.isSame(page, old.pages())) {
                file.addStale(page);
            }
        }
    }

    public UUID store() {
        return current.header().store();
    }

    /** The generation last committed. */
    public long generation() {
        return current.generation();
    }

    public Table table(TableSpec spec) {
        return current.table(spec);
    }

    public long getRoot(int slot) {
        return current.getRoot(slot);
    }

    /** Sets a root counter; the next commit writes it. */
    public void setRoot(int slot, long value) {
        current.setRoot(slot, value);
    }

    /** Has the next commit say that only versions which know this incompatible feature may open the store. */
    public void requireFeature(long feature) {
        current.requireFeature(feature);
    }

    /**
     * The generation before the one opened, as it was on disk, if it was whole. Commits do not change it; it costs as
     * much memory as all tables until {@link #forgetPrevious}.
     */
    public Optional<SuperblockImage> previous() {
        return Optional.ofNullable(previous);
    }

    /** Drops {@link #previous}; its tables must not be used any more. */
    public void forgetPrevious() {
        if (previous != null) {
            previous.close();
            previous = null;
        }
    }

    /** What was wrong at opening with the file that was not chosen; a crash within a commit leaves it so. */
    public Optional<String> damage() {
        return damage.isEmpty() ? Optional.empty() : Optional.of(damage);
    }

    /** Features that only a newer version may write with; if there are any, commits are refused. */
    public long unknownReadOnlyFeatures() {
        return current.header().unknownReadOnlyCompatible();
    }

    /**
     * Makes room on disk for {@code pages} pages more than the tables have now, so that commits do not meet a full
     * disk as long as the tables grow by no more than that.
     *
     * @throws io.varve.engine.io.DiskException NO_SPACE if there is none; the superblock goes on as before
     */
    public void reserve(int pages) {
        requireWritable();
        int total = Math.addExact(current.pages().count(), pages);
        evenFile.ensureRoom(total);
        oddFile.ensureRoom(total);
    }

    /**
     * Makes all changes durable as the next generation, which it answers.
     *
     * <p>If the disk is too full for pages that were not {@linkplain #reserve reserved}, that is found out before
     * anything is written, and the commit may be tried again. After any other failure what is on disk is not known,
     * and all later commits are refused: the store must be opened anew.
     */
    public long commit() {
        requireWritable();
        reserve(0);
        commitUnfinished = true;
        evenFile.addStale(current.pages().changed());
        oddFile.addStale(current.pages().changed());
        current.advance();
        SuperblockFile target = (generation() & 1) == 0 ? evenFile : oddFile;
        target.write(current);
        commitUnfinished = false;
        return generation();
    }

    private void requireWritable() {
        if (commitUnfinished) {
            throw new StoreException(Kind.IO, "an earlier commit failed: the store must be opened anew");
        }
        if (unknownReadOnlyFeatures() != 0) {
            throw new StoreException(
                    Kind.NEWER_FORMAT,
                    "the store has features %x that this Varve can read but not write"
                            .formatted(unknownReadOnlyFeatures()));
        }
    }

    /** Frees the memory and closes the files; commits nothing. */
    @Override
    public void close() {
        forgetPrevious();
        current.close();
        evenFile.close();
        oddFile.close();
    }
}
