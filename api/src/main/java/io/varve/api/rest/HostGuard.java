package io.varve.api.rest;

import io.netty.util.NetUtil;
import io.varve.api.control.ErrorCode;
import io.varve.api.control.RequestException;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.HostAndPort;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Keeps web pages out of a server on loopback: a page can make a browser send requests here, but cannot choose the
 * Host (which defeats names that are made to point at 127.0.0.1), the Origin or Sec-Fetch-Site.
 */
final class HostGuard {
    private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]", "::1");

    private final String listenHost;
    private final boolean anyAddress;

    /** @param listenHost as the operator wrote it */
    HostGuard(String listenHost) {
        this.listenHost = listenHost.toLowerCase(Locale.ROOT);
        anyAddress = Set.of("0.0.0.0", "::", "[::]").contains(this.listenHost);
    }

    /** Fails with UNAUTHORIZED_OPERATION. */
    void check(HttpServerRequest request) {
        HostAndPort host = request.authority();
        MultiMap headers = request.headers();
        if (host == null
                || headers.getAll("Host").size() > 1
                || !known(host.host().toLowerCase(Locale.ROOT))) {
            throw refused("Host", headers.get("Host"), "it is not an address of this server");
        }
        List<String> origins = headers.getAll("Origin");
        for (String origin : origins) {
            if (!origin.equalsIgnoreCase("http://" + headers.get("Host"))) {
                throw refused("Origin", origin, "requests of other web pages are not taken");
            }
        }
        if ("cross-site".equalsIgnoreCase(headers.get("Sec-Fetch-Site"))) {
            throw refused("Sec-Fetch-Site", "cross-site", "requests of other web pages are not taken");
        }
    }

    private boolean known(String host) {
        return LOOPBACK.contains(host) || host.equals(listenHost) || (anyAddress && literal(host));
    }

    /** A server on all addresses knows none of its names, but an address cannot be made to point elsewhere. */
    private static boolean literal(String host) {
        String bare = host.startsWith("[") && host.endsWith("]") ? host.substring(1, host.length() - 1) : host;
        return NetUtil.isValidIpV4Address(bare) || NetUtil.isValidIpV6Address(bare);
    }

    private static RequestException refused(String header, @Nullable String value, String why) {
        return new RequestException(
                ErrorCode.UNAUTHORIZED_OPERATION, "%s %s is refused: %s".formatted(header, Echo.json(value), why));
    }
}
