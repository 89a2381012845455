package io.varve.engine.map;

/**
 * What of a volume's tree its newest snapshot (or the snapshot that it was cloned from) still needs: block addresses
 * below a floor address and pages born at or before a floor generation. While the newest snapshot is being deleted, the
 * floors before {@code cursorBlock} are already those of the snapshot before it.
 *
 * @param address floor of block addresses from the cursor on
 * @param birth floor of page births from the cursor on
 * @param cursorBlock the first block for which the snapshot being deleted still counts; 0 when none is being deleted
 * @param loweredAddress floor of block addresses before the cursor
 * @param loweredBirth floor of page births before the cursor
 */
public record Floors(long address, long birth, long cursorBlock, long loweredAddress, long loweredBirth) {
    /** Nothing is shared. */
    public static final Floors NONE = new Floors(0, 0, 0, 0, 0);

    /** Floors with no deletion going on. */
    public static Floors of(long address, long birth) {
        return new Floors(address, birth, 0, 0, 0);
    }

    /** Addresses below this one, found at {@code block}, belong to a snapshot. */
    public long addressAt(long block) {
        return block < cursorBlock ? loweredAddress : address;
    }

    /** The floor for a page whose range ends before {@code endBlock}. */
    public long birthUpTo(long endBlock) {
        return endBlock <= cursorBlock ? loweredBirth : birth;
    }

    boolean cursorIsInside(long firstBlock, long endBlock) {
        return cursorBlock > firstBlock && cursorBlock < endBlock;
    }
}
