package io.varve.engine.meta;

import io.varve.engine.StoreException;
import io.varve.engine.io.Disk;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Both superblocks as they are on disk, for those who want to look and change nothing. What is changed in the tables
 * stays in memory. Used by one thread at a time.
 */
public final class SuperblockCopies implements AutoCloseable {
    private final SuperblockCopy even;
    private final SuperblockCopy odd;
    private final List<String> damage = new ArrayList<>();
    private final @Nullable SuperblockImage newest;
    private final @Nullable SuperblockImage older;

    private SuperblockCopies(SuperblockCopy even, SuperblockCopy odd) {
        this.even = even;
        this.odd = odd;
        boolean oddIsNewer = odd.isNewerThan(even);
        SuperblockCopy newer = oddIsNewer ? odd : even;
        SuperblockCopy other = oddIsNewer ? even : odd;
        newest = newer.image();
        older = fitting(newest, other);
        for (SuperblockCopy copy : List.of(even, odd)) {
            if (copy.image() == null) {
                damage.add(copy.damage());
            }
        }
    }

    /** The other copy's generation, if it belongs to the newest one. */
    private @Nullable SuperblockImage fitting(@Nullable SuperblockImage newer, SuperblockCopy other) {
        SuperblockImage image = other.image();
        if (image == null || newer == null) {
            return null;
        }
        if (!image.store().equals(newer.store())) {
            damage.add(other.file().name() + " belongs to another store, " + image.store());
            return null;
        }
        if (image.generation() != newer.generation() - 1) {
            damage.add(other.file().name() + " holds generation " + image.generation() + ", and "
                    + (newer.generation() - 1) + " is due");
            return null;
        }
        return image;
    }

    /**
     * Reads both.
     *
     * @throws StoreException NEWER_FORMAT if either was written by a version whose format this one does not know
     */
    public static SuperblockCopies read(Disk disk, TableSpec... specs) {
        SuperblockCopy even = SuperblockCopy.read(new SuperblockFile(disk, SuperblockDescriptor.FILE_A), specs);
        SuperblockCopy odd = SuperblockCopy.read(new SuperblockFile(disk, SuperblockDescriptor.FILE_B), specs);
        boolean known = false;
        try {
            Superblock.requireKnownFormat(even);
            Superblock.requireKnownFormat(odd);
            known = true;
            return new SuperblockCopies(even, odd);
        } finally {
            if (!known) {
                Superblock.close(even);
                Superblock.close(odd);
            }
        }
    }

    /** The generation that the store opens with; empty if neither copy is whole. */
    public Optional<SuperblockImage> newest() {
        return Optional.ofNullable(newest);
    }

    /** The generation before that, if its copy is whole. */
    public Optional<SuperblockImage> older() {
        return Optional.ofNullable(older);
    }

    /** The files that the device does not give out, whatever they hold. */
    public List<String> unreadable() {
        return Stream.of(even, odd)
                .filter(SuperblockCopy::unreadable)
                .map(copy -> copy.file().name())
                .toList();
    }

    /** What is wrong, one line for each copy that is not as it should be. */
    public List<String> damage() {
        return List.copyOf(damage);
    }

    @Override
    public void close() {
        Superblock.close(even);
        Superblock.close(odd);
    }
}
