package io.varve.engine.store;

/**
 * Who an open volume or snapshot is.
 *
 * @param number its number in the store
 * @param name its id as people read it
 */
record VolumeKey(long number, String name) {
    @Override
    public String toString() {
        return name;
    }
}
