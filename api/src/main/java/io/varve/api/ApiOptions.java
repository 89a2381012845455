package io.varve.api;

import io.varve.nbd.TlsSettings;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of {@code varve serve} that concern the API. */
final class ApiOptions {
    /** The same settings in a configuration file. */
    static final Set<String> KEYS = Set.of("api", "api-tls-cert", "api-tls-key", "api-tls-client-ca");

    private static final String DEFAULT = "127.0.0.1:7080";

    @Option(names = "--api", paramLabel = "HOST:PORT", description = "The REST API; default: " + DEFAULT + ".")
    private @Nullable String api;

    @Option(
            names = "--api-tls-cert",
            paramLabel = "FILE",
            description = "The server's certificate and chain, PEM; the API is https then.")
    private @Nullable String certificate;

    @Option(names = "--api-tls-key", paramLabel = "FILE", description = "The server's private key, PEM.")
    private @Nullable String key;

    @Option(
            names = "--api-tls-client-ca",
            paramLabel = "FILE",
            description = "Take only clients with a certificate of these authorities, PEM.")
    private @Nullable String clientAuthority;

    /** What the options and the file say; where both do, the options hold. */
    ApiSettings settings(Properties file) {
        Optional<Path> certificates = path(certificate, file, "api-tls-cert");
        Optional<Path> privateKey = path(key, file, "api-tls-key");
        Optional<Path> authorities = path(clientAuthority, file, "api-tls-client-ca");
        ListenAddress address =
                ListenAddress.parse("--api", Optional.ofNullable(api).orElse(file.getProperty("api", DEFAULT)));
        if (certificates.isPresent() && privateKey.isPresent()) {
            return new ApiSettings(
                    address,
                    Optional.of(new TlsSettings(certificates.get(), privateKey.get(), authorities, Optional.empty())));
        }
        if (certificates.isPresent() || privateKey.isPresent() || authorities.isPresent()) {
            throw new StartException(ExitCode.USAGE, "TLS for the API needs --api-tls-cert and --api-tls-key");
        }
        return new ApiSettings(address, Optional.empty());
    }

    private static Optional<Path> path(@Nullable String option, Properties file, String key) {
        return Optional.ofNullable(option != null ? option : file.getProperty(key))
                .map(Path::of);
    }
}
