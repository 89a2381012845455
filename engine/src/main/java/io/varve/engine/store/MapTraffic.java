package io.varve.engine.store;

/**
 * Map pages of all volumes that went between memory and the file of map pages, since the store was opened.
 *
 * @param pagesRead pages read and unpacked, from storage or from the page cache
 * @param pagesWritten pages packed and given a new place
 */
record MapTraffic(long pagesRead, long pagesWritten) {
    MapTraffic since(MapTraffic earlier) {
        return new MapTraffic(pagesRead - earlier.pagesRead, pagesWritten - earlier.pagesWritten);
    }
}
