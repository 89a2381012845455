package io.varve.engine;

/** Told, once and on the volume's loop, how a block request ended. */
@FunctionalInterface
public interface Completion {
    void completed(IoStatus status);
}
