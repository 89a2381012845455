package io.varve.api;

import io.netty.handler.ssl.JdkSslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;

/** Clients that trust one authority, and show a certificate or none. */
record TlsClient(SSLContext context) {
    static TlsClient trusting(Path authority) {
        return of(SslContextBuilder.forClient().trustManager(authority.toFile()));
    }

    /** @param client a directory as {@link io.varve.testing.Certificates#client} makes it */
    static TlsClient showing(Path client, Path authority) {
        return of(SslContextBuilder.forClient()
                .trustManager(authority.toFile())
                .keyManager(
                        client.resolve("client-cert.pem").toFile(),
                        client.resolve("client-key.pem").toFile()));
    }

    private static TlsClient of(SslContextBuilder builder) {
        try {
            JdkSslContext context =
                    (JdkSslContext) builder.sslProvider(SslProvider.JDK).build();
            return new TlsClient(context.context());
        } catch (SSLException e) {
            throw new UncheckedIOException(e);
        }
    }

    HttpClient http() {
        return HttpClient.newBuilder().sslContext(context).build();
    }

    /** A connection whose handshake is done. */
    SSLSocket connect(int port, String... versions) throws IOException {
        SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(InetAddress.getLoopbackAddress(), port);
        if (versions.length > 0) {
            socket.setEnabledProtocols(versions);
        }
        socket.startHandshake();
        return socket;
    }

    /** The status of a GET with these headers. */
    int status(int port, String path, String headers) throws IOException {
        try (SSLSocket socket = connect(port)) {
            String request = "GET " + path + " HTTP/1.1\r\n" + headers + "\r\nConnection: close\r\n\r\n";
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return Integer.parseInt(answer.split(" ", 3)[1]);
        }
    }
}
