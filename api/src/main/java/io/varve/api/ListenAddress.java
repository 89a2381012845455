package io.varve.api;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;

/**
 * Where to listen, as it is written on the command line: {@code HOST:PORT}.
 *
 * @param host a name or an address; an IPv6 address stands in brackets
 * @param port 0 for any free one
 */
record ListenAddress(String host, int port) {
    private static final int MAX_PORT = 65_535;

    /**
     * Reads an address.
     *
     * @param option what it was given for, for the message
     */
    static ListenAddress parse(String option, String text) {
        int colon = text.lastIndexOf(':');
        String host = colon < 0 ? "" : text.substring(0, colon);
        boolean bareIpv6 = host.contains(":") && !(host.startsWith("[") && host.endsWith("]"));
        int port = colon < 0 ? -1 : port(text.substring(colon + 1));
        if (host.isEmpty() || bareIpv6 || port < 0) {
            throw new StartException(
                    ExitCode.USAGE,
                    "%s %s is not HOST:PORT, for example 127.0.0.1:7080 or [::1]:0".formatted(option, text));
        }
        return new ListenAddress(host, port);
    }

    private static int port(String text) {
        try {
            int port = Integer.parseInt(text);
            return port <= MAX_PORT ? port : -1;
        } catch (NumberFormatException e) {
            return -1;
        }
    }

    /** The address to bind for the API. Refuses one beyond loopback unless {@code mayLeave}. */
    InetSocketAddress resolveApi(String option, boolean mayLeave) {
        return resolve(
                option,
                mayLeave,
                "without TLS authentication can be overheard; add --api-tls-cert and --api-tls-key, or --insecure to"
                        + " listen there all the same");
    }

    /** The address to bind for NBD. Refuses one beyond loopback unless {@code mayLeave}. */
    InetSocketAddress resolveNbd(String option, boolean mayLeave) {
        return resolve(
                option,
                mayLeave,
                "there is no authentication; add --nbd-tls-client-ca with TLS required, or --insecure to listen there"
                        + " all the same");
    }

    private InetSocketAddress resolve(String option, boolean mayLeave, String reason) {
        InetAddress address;
        try {
            address = InetAddress.getByName(host);
        } catch (UnknownHostException e) {
            throw new StartException(ExitCode.USAGE, "%s %s: there is no host %s".formatted(option, this, host), e);
        }
        if (!mayLeave && !address.isLoopbackAddress()) {
            throw new StartException(
                    ExitCode.USAGE,
                    "%s %s is refused: it can be reached from other machines, and %s".formatted(option, this, reason));
        }
        return new InetSocketAddress(address, port);
    }

    @Override
    public String toString() {
        return host + ":" + port;
    }
}
