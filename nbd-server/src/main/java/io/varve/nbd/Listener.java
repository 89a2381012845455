package io.varve.nbd;

import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/**
 * One place where a server listens, and the rules that hold there.
 *
 * @param access what clients may do that come this way
 */
public record Listener(Endpoint endpoint, Access access) {
    /** Where clients come from. */
    public sealed interface Endpoint {}

    /** A TCP address; port 0 for any free one. */
    public record Tcp(InetSocketAddress address) implements Endpoint {}

    /**
     * A Unix socket.
     *
     * @param path where its file is made
     * @param mode who may open it
     */
    public record Unix(Path path, Set<PosixFilePermission> mode) implements Endpoint {
        /** Only the owner may open the socket. */
        public static final Set<PosixFilePermission> OWNER_ONLY = PosixFilePermissions.fromString("rw-------");
    }

    /**
     * A socket that listens already, made by whoever started this process (systemd.socket(5), sd_listen_fds(3)).
     *
     * @param descriptor its number
     * @param beyondLoopback true if other machines may reach it
     */
    public record Inherited(int descriptor, boolean beyondLoopback) implements Endpoint {}
}
