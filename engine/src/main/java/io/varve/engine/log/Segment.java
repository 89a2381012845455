package io.varve.engine.log;

import io.varve.engine.io.DiskFile;

/**
 * A stretch of a volume's log: a logical id, and the file that holds it now.
 *
 * @param id never reused
 * @param volume the number of the volume that writes it
 * @param fileNumber which file of the directory {@code segments} it is in
 * @param capacityBytes the file's size
 * @param file the file
 */
public record Segment(long id, long volume, long fileNumber, long capacityBytes, DiskFile file) {}
