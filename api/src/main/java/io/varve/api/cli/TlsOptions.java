package io.varve.api.cli;

import io.netty.handler.ssl.JdkSslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import io.varve.api.ExitCode;
import java.io.File;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How a command speaks TLS with a server: whom it trusts, and what it shows. */
final class TlsOptions {
    @Option(
            names = "--api-ca",
            paramLabel = "FILE",
            defaultValue = "${env:VARVE_API_CA}",
            description = "The authorities that may vouch for the server, PEM; default: $VARVE_API_CA, else those that"
                    + " Java trusts.")
    private @Nullable String authorities;

    @Option(
            names = "--api-cert",
            paramLabel = "FILE",
            defaultValue = "${env:VARVE_API_CERT}",
            description = "The certificate to show, if the server wants one, PEM; default: $VARVE_API_CERT.")
    private @Nullable String certificate;

    @Option(
            names = "--api-key",
            paramLabel = "FILE",
            defaultValue = "${env:VARVE_API_KEY}",
            description = "Its private key, PEM (PKCS #8); default: $VARVE_API_KEY.")
    private @Nullable String key;

    /** Empty to do as Java does of itself. */
    Optional<SSLContext> context() {
        Optional<File> shown = file(certificate);
        Optional<File> privateKey = file(key);
        if (shown.isPresent() != privateKey.isPresent()) {
            throw new CommandException(ExitCode.USAGE, "--api-cert and --api-key go together");
        }
        Optional<File> trusted = file(authorities);
        if (shown.isEmpty() && trusted.isEmpty()) {
            return Optional.empty();
        }
        try {
            SslContextBuilder builder = SslContextBuilder.forClient().sslProvider(SslProvider.JDK);
            trusted.ifPresent(builder::trustManager);
            if (shown.isPresent() && privateKey.isPresent()) {
                builder.keyManager(shown.get(), privateKey.get());
            }
            return Optional.of(((JdkSslContext) builder.build()).context());
        } catch (SSLException | IllegalArgumentException e) {
            throw new CommandException(
                    ExitCode.USAGE, "--api-ca, --api-cert or --api-key cannot be used: " + rootMessage(e), e);
        }
    }

    private static Optional<File> file(@Nullable String path) {
        return Optional.ofNullable(path).filter(text -> !text.isEmpty()).map(File::new);
    }

    private static String rootMessage(Throwable failure) {
        Throwable root = failure;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return String.valueOf(root.getMessage());
    }
}
