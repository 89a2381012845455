package io.varve.api;

import java.nio.file.Path;
import java.util.Optional;

/**
 * What the daemon is told.
 *
 * @param data the data directory
 * @param nbd where NBD listens on TCP
 * @param nbdSocket where NBD listens on a Unix socket; empty for none
 * @param api where the REST API listens
 * @param insecure listen beyond loopback if asked to
 * @param ballastBytes space kept for a full disk, or {@link io.varve.engine.StoreOptions#BALLAST_BY_DISK}
 */
record ServeSettings(
        Path data,
        ListenAddress nbd,
        Optional<Path> nbdSocket,
        ListenAddress api,
        boolean insecure,
        long ballastBytes) {}
