package io.varve.engine;

/** How a block request ended. The names are those of errno, which is what block devices answer with. */
public enum IoStatus {
    /** Done. */
    OK,
    /** The device failed, a block failed its check, or the volume refuses writes after an earlier failure. */
    EIO,
    /** The request lies beyond the end of the volume or makes no sense. */
    EINVAL,
    /** No space is left on the store's file system. */
    ENOSPC,
    /** A write to something that is read-only. */
    EPERM,
    /** The volume is going away: it is being deleted or the store is closing. */
    ESHUTDOWN
}
