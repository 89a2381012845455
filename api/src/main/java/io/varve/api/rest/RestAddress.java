package io.varve.api.rest;

import io.varve.nbd.TlsSettings;
import java.net.InetSocketAddress;
import java.util.Optional;

/**
 * Where the API listens.
 *
 * @param host the host part of the address as the operator wrote it
 * @param tls certificates and key; empty for no TLS
 */
public record RestAddress(InetSocketAddress address, String host, Optional<TlsSettings> tls) {
    /** In the clear. */
    public static RestAddress plain(InetSocketAddress address, String host) {
        return new RestAddress(address, host, Optional.empty());
    }
}
