package io.varve.engine;

import java.util.List;

/**
 * What a check of a store has found out.
 *
 * @param store the store's id; empty if no superblock is whole
 * @param generation the generation that it opens with; 0 if no superblock is whole
 * @param findings what is wrong, in the order in which it was found
 * @param volumes every volume, oldest first
 * @param snapshots every snapshot, oldest first
 * @param mapPages map pages that were read
 * @param liveBlocks blocks that some volume or snapshot can read, each counted once
 * @param blocksRead how many of these were read and held against their check values
 */
public record CheckReport(
        String store,
        long generation,
        List<Finding> findings,
        List<Checked> volumes,
        List<Checked> snapshots,
        long mapPages,
        long liveBlocks,
        long blocksRead) {
    /**
     * A volume or snapshot.
     *
     * @param id its id
     * @param usedBytes bytes of blocks that it reads, as far as its map could be read
     * @param intact true if no damage touches it
     */
    public record Checked(String id, long usedBytes, boolean intact) {}

    public CheckReport {
        findings = List.copyOf(findings);
        volumes = List.copyOf(volumes);
        snapshots = List.copyOf(snapshots);
    }

    /** True if nothing is wrong but what a crash may leave. */
    public boolean isClean() {
        return findings.stream().allMatch(finding -> finding.severity() == Finding.Severity.NOTE);
    }
}
