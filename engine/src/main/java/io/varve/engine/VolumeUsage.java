package io.varve.engine;

/**
 * Space that one volume or snapshot takes, as of the last checkpoint.
 *
 * @param provisionedBytes its size
 * @param usedBytes bytes of blocks that it can read, shared or not
 */
public record VolumeUsage(long provisionedBytes, long usedBytes) {}
