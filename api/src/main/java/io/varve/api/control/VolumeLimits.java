package io.varve.api.control;

import io.varve.engine.QosLimits;

/**
 * The type of a volume and its limits in the units of the API.
 *
 * @param volumeType {@link #LOCAL} is the only one offered
 * @param iops operations per second; 0 for no limit
 * @param throughputMiBps MiB per second; 0 for no limit
 */
public record VolumeLimits(String volumeType, int iops, int throughputMiBps) {
    /** The type that has no limits but those asked for. */
    public static final String LOCAL = "local";

    public static final VolumeLimits NONE = new VolumeLimits(LOCAL, 0, 0);

    QosLimits qos() {
        return new QosLimits(iops, (long) throughputMiBps << 20);
    }
}
