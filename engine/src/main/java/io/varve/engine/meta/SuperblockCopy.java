package io.varve.engine.meta;

import io.varve.engine.io.DiskException;
import org.jspecify.annotations.Nullable;

/**
 * What one of the two files was found to hold.
 *
 * @param image its generation, null if that is not whole
 * @param damage what is wrong, "" if nothing is
 * @param unreadable true if the device does not say what it holds: it may be a whole generation, and the newest
 */
record SuperblockCopy(SuperblockFile file, @Nullable SuperblockImage image, String damage, boolean unreadable) {

    static SuperblockCopy read(SuperblockFile file, TableSpec... specs) {
        try {
            return new SuperblockCopy(file, file.read(specs), "", false);
        } catch (DamagedCopyException e) {
            return new SuperblockCopy(file, null, file.name() + " " + e.getMessage(), false);
        } catch (DiskException e) {
            if (e.kind() != DiskException.Kind.IO) {
                throw e;
            }
            return new SuperblockCopy(file, null, file.name() + " cannot be read: " + e.getMessage(), true);
        }
    }

    /** True if this copy is whole and {@code other} is not, or is older. */
    boolean isNewerThan(SuperblockCopy other) {
        SuperblockImage ours = image;
        SuperblockImage theirs = other.image;
        return ours != null && (theirs == null || ours.generation() > theirs.generation());
    }
}
