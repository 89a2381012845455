package io.varve.nbd;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Set;

/** The file of a Unix socket: left behind by a server that was killed, in the way of the next one. */
final class UnixSocketFile {
    private UnixSocketFile() {}

    /**
     * Removes the socket of a dead server.
     *
     * @throws IllegalStateException if a server answers there, or the file is no socket
     */
    static void clear(Path path) {
        try {
            if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
                return;
            }
            if (!Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                    .isOther()) {
                throw new IllegalStateException(path + " exists and is not a socket; choose another path");
            }
            if (answers(path)) {
                throw new IllegalStateException("another server listens on " + path);
            }
            Files.deleteIfExists(path);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot make way for the socket " + path, e);
        }
    }

    /** Keeps everybody out but those that {@code mode} names. */
    static void restrict(Path path, Set<PosixFilePermission> mode) {
        try {
            Files.setPosixFilePermissions(path, mode);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot restrict the socket " + path, e);
        }
    }

    private static boolean answers(Path path) throws IOException {
        try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            return probe.connect(UnixDomainSocketAddress.of(path));
        } catch (SocketException refused) {
            return false;
        }
    }
}
