package io.varve.api;

import io.varve.nbd.Access;
import io.varve.nbd.Listener;
import io.varve.nbd.TlsMode;
import io.varve.nbd.TlsSettings;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of {@code varve serve} that concern NBD. */
final class NbdOptions {
    /** The same settings in a configuration file. */
    static final Set<String> KEYS = Set.of(
            "nbd",
            "nbd-socket",
            "nbd-socket-mode",
            "nbd-listen",
            "nbd-tls",
            "nbd-tls-cert",
            "nbd-tls-key",
            "nbd-tls-client-ca",
            "nbd-tls-clients");

    private static final String DEFAULT_TCP = "127.0.0.1:10809";
    private static final int FIRST_INHERITED = 3;
    private static final int OCTAL = 8;

    @Option(
            names = "--nbd",
            paramLabel = "HOST:PORT",
            description = "NBD on TCP; default: 127.0.0.1:10809, unless systemd has passed sockets.")
    private @Nullable String nbd;

    @Option(names = "--nbd-socket", paramLabel = "PATH", description = "NBD on a Unix socket too.")
    private @Nullable String socket;

    @Option(
            names = "--nbd-socket-mode",
            paramLabel = "MODE",
            description = "Who may open the Unix socket, in octal; default: 0600.")
    private @Nullable String socketMode;

    @Option(
            names = "--nbd-listen",
            paramLabel = "PLACE[,tls=MODE][,read-only][,mode=OCTAL]",
            description = "NBD at one more place, HOST:PORT or the path of a Unix socket, with its own rules.")
    private List<String> listen = new ArrayList<>();

    @Option(
            names = "--nbd-tls",
            paramLabel = "MODE",
            description = "TLS on TCP: off, optional or required; default: off without a certificate, else required.")
    private @Nullable String tls;

    @Option(names = "--nbd-tls-cert", paramLabel = "FILE", description = "The server's certificate and chain, PEM.")
    private @Nullable String certificate;

    @Option(names = "--nbd-tls-key", paramLabel = "FILE", description = "The server's private key, PEM.")
    private @Nullable String key;

    @Option(
            names = "--nbd-tls-client-ca",
            paramLabel = "FILE",
            description = "Take only clients with a certificate of these authorities, PEM.")
    private @Nullable String clientAuthority;

    @Option(
            names = "--nbd-tls-clients",
            paramLabel = "FILE",
            description = "Which client may open which export: lines of a common name and exports, * for any.")
    private @Nullable String clientRules;

    /** What the options and the file say; where both do, the options hold. */
    NbdSettings settings(Properties file) {
        return settings(file, System.getenv(), ProcessHandle.current().pid());
    }

    NbdSettings settings(Properties file, Map<String, String> environment, long pid) {
        Optional<TlsSettings> files = tlsFiles(file);
        TlsMode mode = given(tls, file, "nbd-tls")
                .map(text -> mode("--nbd-tls", text))
                .orElse(files.isPresent() ? TlsMode.REQUIRED : TlsMode.OFF);
        List<NbdSettings.Place> more = new ArrayList<>();
        List<String> places = listen.isEmpty() && file.containsKey("nbd-listen")
                ? List.of(file.getProperty("nbd-listen").strip().split("\\s+"))
                : listen;
        places.forEach(place -> more.add(place(place)));
        boolean anyTls = mode != TlsMode.OFF
                || more.stream().anyMatch(place -> place.access().tls() != TlsMode.OFF);
        if (anyTls && files.isEmpty()) {
            throw usage("TLS needs --nbd-tls-cert and --nbd-tls-key");
        }
        List<Integer> inherited = inherited(environment, pid);
        Optional<String> tcp = given(nbd, file, "nbd");
        if (tcp.isEmpty() && inherited.isEmpty()) {
            tcp = Optional.of(DEFAULT_TCP);
        }
        return new NbdSettings(
                tcp.map(text -> ListenAddress.parse("--nbd", text)),
                given(socket, file, "nbd-socket").map(Path::of),
                given(socketMode, file, "nbd-socket-mode")
                        .map(text -> permissions("--nbd-socket-mode", text))
                        .orElse(Listener.Unix.OWNER_ONLY),
                mode,
                files,
                more,
                inherited);
    }

    private Optional<TlsSettings> tlsFiles(Properties file) {
        Optional<Path> certificates = given(certificate, file, "nbd-tls-cert").map(Path::of);
        Optional<Path> privateKey = given(key, file, "nbd-tls-key").map(Path::of);
        Optional<Path> authorities =
                given(clientAuthority, file, "nbd-tls-client-ca").map(Path::of);
        Optional<Path> rules = given(clientRules, file, "nbd-tls-clients").map(Path::of);
        if (certificates.isEmpty() != privateKey.isEmpty()) {
            throw usage("--nbd-tls-cert and --nbd-tls-key go together");
        }
        if (certificates.isEmpty() || privateKey.isEmpty()) {
            if (authorities.isPresent() || rules.isPresent()) {
                throw usage("rules for TLS clients need --nbd-tls-cert and --nbd-tls-key");
            }
            return Optional.empty();
        }
        if (rules.isPresent() && authorities.isEmpty()) {
            throw usage("--nbd-tls-clients needs --nbd-tls-client-ca, which says who the clients are");
        }
        return Optional.of(new TlsSettings(certificates.get(), privateKey.get(), authorities, rules));
    }

    private static NbdSettings.Place place(String text) {
        String[] words = text.split(",", -1);
        TlsMode mode = TlsMode.OFF;
        boolean readOnly = false;
        Set<PosixFilePermission> permissions = Listener.Unix.OWNER_ONLY;
        for (int i = 1; i < words.length; i++) {
            if (words[i].startsWith("tls=")) {
                mode = mode("--nbd-listen", words[i].substring("tls=".length()));
            } else if (words[i].equals("read-only")) {
                readOnly = true;
            } else if (words[i].startsWith("mode=")) {
                permissions = permissions("--nbd-listen", words[i].substring("mode=".length()));
            } else {
                throw usage("--nbd-listen %s: there is no rule %s; there are tls=, read-only and mode="
                        .formatted(text, words[i]));
            }
        }
        boolean unix = words[0].startsWith("/");
        return new NbdSettings.Place(
                text,
                unix ? Optional.empty() : Optional.of(ListenAddress.parse("--nbd-listen", words[0])),
                unix ? Optional.of(Path.of(words[0])) : Optional.empty(),
                permissions,
                new Access(mode, readOnly));
    }

    private static TlsMode mode(String option, String text) {
        for (TlsMode mode : TlsMode.values()) {
            if (mode.name().toLowerCase(Locale.ROOT).equals(text)) {
                return mode;
            }
        }
        throw usage("%s: TLS is off, optional or required, not %s".formatted(option, text));
    }

    private static Set<PosixFilePermission> permissions(String option, String octal) {
        if (!octal.matches("0?[0-7]{3}")) {
            throw usage("%s: a mode is three octal digits, 0660 for example, not %s".formatted(option, octal));
        }
        int mode = Integer.parseInt(octal, OCTAL);
        // The constants stand in the order of the bits, from the owner's right to read down.
        PosixFilePermission[] all = PosixFilePermission.values();
        Set<PosixFilePermission> permissions = EnumSet.noneOf(PosixFilePermission.class);
        for (int i = 0; i < all.length; i++) {
            if ((mode & 1 << (all.length - 1 - i)) != 0) {
                permissions.add(all[i]);
            }
        }
        return permissions;
    }

    /** Descriptors of the sockets that systemd has passed to this very process (sd_listen_fds(3)). */
    private static List<Integer> inherited(Map<String, String> environment, long pid) {
        if (!String.valueOf(pid).equals(environment.get("LISTEN_PID"))) {
            return List.of();
        }
        try {
            int count = Integer.parseInt(environment.getOrDefault("LISTEN_FDS", "0"));
            return IntStream.range(FIRST_INHERITED, FIRST_INHERITED + count)
                    .boxed()
                    .toList();
        } catch (NumberFormatException e) {
            throw usage("LISTEN_FDS in the environment is no number: " + environment.get("LISTEN_FDS"));
        }
    }

    private static Optional<String> given(@Nullable String option, Properties file, String key) {
        return Optional.ofNullable(option != null ? option : file.getProperty(key));
    }

    private static StartException usage(String message) {
        return new StartException(ExitCode.USAGE, message);
    }
}
