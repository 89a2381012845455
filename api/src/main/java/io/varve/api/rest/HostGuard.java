package io.varve.api.rest;

import io.netty.util.NetUtil;
import io.varve.api.control.ErrorCode;
import io.varve.api.control.RequestException;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.HostAndPort;
import java.net.InetAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Keeps web pages out: a page can make a browser send requests here, but cannot choose the Host (which defeats names
 * that are made to point at 127.0.0.1), the Origin or Sec-Fetch-Site.
 */
final class HostGuard {
    private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]", "::1");

    private final String listenHost;
    private final boolean anyAddress;
    private final String scheme;
    private final Supplier<Set<String>> certified;

    private HostGuard(String listenHost, String scheme, Supplier<Set<String>> certified) {
        this.listenHost = listenHost.toLowerCase(Locale.ROOT);
        this.scheme = scheme;
        this.certified = certified;
        anyAddress = isAnyAddress(this.listenHost);
    }

    /** @param listenHost as the operator wrote it */
    static HostGuard http(String listenHost) {
        return new HostGuard(listenHost, "http", Set::of);
    }

    /**
     * Of a server with TLS, which has the names that its certificate has too.
     *
     * @param listenHost as the operator wrote it
     * @param certified those names, as they are now, in lower case; {@code *.} stands for one label
     */
    static HostGuard https(String listenHost, Supplier<Set<String>> certified) {
        return new HostGuard(listenHost, "https", certified);
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
        String target = request.uri();
        if (!target.startsWith("/") && !ownTarget(target)) {
            throw refused("target", target, "it is not an address of this server");
        }
        List<String> origins = headers.getAll("Origin");
        for (String origin : origins) {
            if (!origin.equalsIgnoreCase(scheme + "://" + headers.get("Host"))) {
                throw refused("Origin", origin, "requests of other web pages are not taken");
            }
        }
        if ("cross-site".equalsIgnoreCase(headers.get("Sec-Fetch-Site"))) {
            throw refused("Sec-Fetch-Site", "cross-site", "requests of other web pages are not taken");
        }
    }

    /** A target in absolute form (RFC 9112, section 3.2.2) names a host of its own, which counts more than Host. */
    private boolean ownTarget(String target) {
        try {
            String host = new URI(target).getHost();
            return host == null || known(host.toLowerCase(Locale.ROOT));
        } catch (URISyntaxException e) {
            return false;
        }
    }

    private boolean known(String host) {
        return LOOPBACK.contains(host)
                || host.equals(listenHost)
                || (anyAddress && address(host).isPresent())
                || isCertified(host);
    }

    private boolean isCertified(String host) {
        Set<String> names = certified.get();
        Optional<InetAddress> address = address(host);
        if (address.isPresent()) {
            return names.stream().map(HostGuard::address).anyMatch(address::equals);
        }
        return names.contains(host) || (host.contains(".") && names.contains("*" + host.substring(host.indexOf('.'))));
    }

    /** A server on all addresses knows none of its names, but an address cannot be made to point elsewhere. */
    private static boolean isAnyAddress(String listenHost) {
        return address(listenHost).filter(InetAddress::isAnyLocalAddress).isPresent();
    }

    /** The address that a text is; empty for a name. */
    private static Optional<InetAddress> address(String host) {
        String bare = host.startsWith("[") && host.endsWith("]") ? host.substring(1, host.length() - 1) : host;
        return Optional.ofNullable(NetUtil.createInetAddressFromIpAddressString(bare));
    }

    private static RequestException refused(String header, @Nullable String value, String why) {
        return new RequestException(
                ErrorCode.UNAUTHORIZED_OPERATION, "%s %s is refused: %s".formatted(header, Echo.json(value), why));
    }
}
