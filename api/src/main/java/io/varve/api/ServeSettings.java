package io.varve.api;

import io.varve.api.control.ControlSettings;
import io.varve.engine.MemoryBudget;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What the daemon is told.
 *
 * @param data the data directory
 * @param nbd where and how NBD is spoken
 * @param api where and how the API listens
 * @param insecure listen beyond loopback if asked to, without TLS or credentials
 * @param memory how much each consumer of memory may have
 * @param ballastBytes space kept for a full disk, or {@link io.varve.engine.StoreOptions#BALLAST_BY_DISK}
 * @param scrubBytesPerSecond how fast everything is read in the background; 0 for never
 * @param attachedOnly export volumes only while they are attached to an instance
 * @param importDirectory where disk images are read and written; empty for nowhere
 * @param control what else is chosen about the control plane
 */
record ServeSettings(
        Path data,
        NbdSettings nbd,
        ApiSettings api,
        boolean insecure,
        MemoryBudget memory,
        long ballastBytes,
        long scrubBytesPerSecond,
        boolean attachedOnly,
        Optional<Path> importDirectory,
        ControlSettings control) {}
