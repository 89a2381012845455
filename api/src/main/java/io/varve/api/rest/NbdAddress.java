package io.varve.api.rest;

import java.net.InetSocketAddress;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;

/** Where the volumes of this server are reached, as NBD URIs (NetworkBlockDevice/nbd, doc/uri.md). */
public record NbdAddress(Optional<String> host, int port, Optional<Path> socket) {
    /**
     * An address.
     *
     * @param host as the operator wrote it
     */
    public static NbdAddress of(String host, Optional<InetSocketAddress> tcp, Optional<Path> socket) {
        return new NbdAddress(
                tcp.map(address -> host), tcp.map(InetSocketAddress::getPort).orElse(0), socket);
    }

    /** Of an export on TCP; empty where there is no TCP. */
    public Optional<String> tcp(String export) {
        return host.map(name -> "nbd://" + name + ":" + port + (export.isEmpty() ? "" : "/" + export));
    }

    /** Of an export on the Unix socket; empty where there is none. */
    public Optional<String> unix(String export) {
        return socket.map(path -> "nbd+unix:///" + export + "?socket="
                + URLEncoder.encode(path.toAbsolutePath().toString(), StandardCharsets.UTF_8)
                        .replace("+", "%20")
                        .replace("%2F", "/"));
    }
}
