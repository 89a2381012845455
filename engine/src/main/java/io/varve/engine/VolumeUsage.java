package io.varve.engine;

/**
 * Space that one volume or snapshot takes.
 *
 * @param provisionedBytes its size
 * @param usedBytes bytes of blocks that it can read, shared or not, as it is now; what a large trim has cut off whole is
 *     counted out within seconds, as its map pages are given back
 */
public record VolumeUsage(long provisionedBytes, long usedBytes) {}
