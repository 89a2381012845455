package io.varve.api.control;

/** How far the life of an object has come. Committed before the engine is asked to do it. */
public enum Phase {
    /** The engine may or may not have it yet; it is offered to nobody. */
    CREATING,
    /**
     * It is part of something larger that is not whole yet, and offered to nobody. What is still so at start-up goes,
     * unless an image or an instance has it: that was written down, and with it the larger thing is whole.
     */
    PROVISIONAL,
    /** The engine has it. */
    READY,
    /** It was deleted, but the engine keeps it: the recycle bin has it until it is restored or its time is over. */
    RECYCLED,
    /** The engine may or may not still have it; nobody may open it any more. */
    DELETING;

    /** True if lists show it. */
    boolean isShown() {
        return this != RECYCLED && this != PROVISIONAL;
    }
}
