package io.varve.nbd;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** A listening socket that this process was started with (sd_listen_fds(3)), as /proc knows it. */
final class InheritedSocket {
    private static final Path UNIX_SOCKETS = Path.of("/proc/net/unix");
    private static final int INODE_COLUMN = 6;
    private static final int OCTAL = 8;
    private static final int O_NONBLOCK = 04000;

    private InheritedSocket() {}

    /**
     * Makes sure that accepting can never wait on the socket.
     *
     * @throws IllegalStateException if the socket is blocking
     */
    static void checkNonBlocking(int descriptor) {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/fdinfo", String.valueOf(descriptor)))) {
            boolean nonBlocking = lines.filter(line -> line.startsWith("flags:"))
                    .map(line -> line.substring("flags:".length()).strip())
                    .anyMatch(flags -> (Integer.parseInt(flags, OCTAL) & O_NONBLOCK) != 0);
            if (!nonBlocking) {
                throw new IllegalStateException("the socket of descriptor " + descriptor
                        + " is blocking; in a systemd service, set NonBlocking=yes");
            }
        } catch (IOException e) {
            throw new IllegalStateException("there is no descriptor " + descriptor + " to listen on: " + e, e);
        }
    }

    /**
     * True for a Unix socket, false for one of another family.
     *
     * @throws IllegalStateException if the descriptor is no socket
     */
    static boolean isUnix(int descriptor) {
        try {
            String target = Files.readSymbolicLink(Path.of("/proc/self/fd", String.valueOf(descriptor)))
                    .toString();
            if (!target.startsWith("socket:[")) {
                throw new IllegalStateException("descriptor " + descriptor + " is no socket but " + target);
            }
            String inode = target.substring("socket:[".length(), target.length() - 1);
            try (Stream<String> lines = Files.lines(UNIX_SOCKETS, StandardCharsets.ISO_8859_1)) {
                return lines.map(line -> line.strip().split("\\s+"))
                        .anyMatch(columns -> columns.length > INODE_COLUMN && columns[INODE_COLUMN].equals(inode));
            }
        } catch (IOException e) {
            throw new IllegalStateException("there is no descriptor " + descriptor + " to listen on: " + e, e);
        }
    }
}
