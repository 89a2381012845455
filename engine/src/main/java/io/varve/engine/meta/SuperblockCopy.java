package io.varve.engine.meta;

import org.jspecify.annotations.Nullable;

/**
 * What one of the two files was found to hold.
 *
 * @param image its generation, null if that is not whole
 * @param damage what is wrong, "" if nothing is
 */
record SuperblockCopy(SuperblockFile file, @Nullable SuperblockImage image, String damage) {

    static SuperblockCopy read(SuperblockFile file, TableSpec... specs) {
        try {
            return new SuperblockCopy(file, file.read(specs), "");
        } catch (DamagedCopyException e) {
            return new SuperblockCopy(file, null, file.name() + " " + e.getMessage());
        }
    }

    /** True if this copy is whole and {@code other} is not, or is older. */
    boolean isNewerThan(SuperblockCopy other) {
        SuperblockImage ours = image;
        SuperblockImage theirs = other.image;
        return ours != null && (theirs == null || ours.generation() > theirs.generation());
    }
}
