package io.varve.api.rest;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Where the volumes of this server are reached, as NBD URIs (NetworkBlockDevice/nbd, doc/uri.md).
 *
 * @param host as the operator wrote it; empty where there is no TCP
 * @param tls true if clients on TCP have to speak TLS
 */
public record NbdAddress(Optional<String> host, int port, Optional<Path> socket, boolean tls) {
    /** Of an export on TCP; empty where there is no TCP. */
    public Optional<String> tcp(String export) {
        String scheme = tls ? "nbds://" : "nbd://";
        return host.map(name -> scheme + name + ":" + port + (export.isEmpty() ? "" : "/" + export));
    }

    /** Of an export on the Unix socket; empty where there is none. */
    public Optional<String> unix(String export) {
        return socket.map(path -> "nbd+unix:///" + export + "?socket="
                + URLEncoder.encode(path.toAbsolutePath().toString(), StandardCharsets.UTF_8)
                        .replace("+", "%20")
                        .replace("%2F", "/"));
    }
}
