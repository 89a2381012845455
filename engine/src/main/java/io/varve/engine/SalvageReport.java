package io.varve.engine;

import java.util.List;

/**
 * What became of a damaged store's content.
 *
 * @param lost what could not be read, and so is a hole in the copy
 * @param copied ids of the volumes and snapshots that the copy has, in the order in which they were made
 * @param dataBytes bytes of data that were copied
 */
public record SalvageReport(List<Finding> lost, List<String> copied, long dataBytes) {
    public SalvageReport {
        lost = List.copyOf(lost);
        copied = List.copyOf(copied);
    }
}
