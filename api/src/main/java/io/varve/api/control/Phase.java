package io.varve.api.control;

/** How far the creation or deletion of an object has come. Committed before the engine is asked to do it. */
public enum Phase {
    /** The engine may or may not have it yet; it is offered to nobody. */
    CREATING,
    /** The engine has it. */
    READY,
    /** The engine may or may not still have it; nobody may open it any more. */
    DELETING
}
