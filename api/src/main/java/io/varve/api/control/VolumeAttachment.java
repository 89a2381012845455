package io.varve.api.control;

/** Where a volume is attached, and how. */
public record VolumeAttachment(InstanceId instance, Attachment attachment) {}
