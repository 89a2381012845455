package io.varve.api;

import io.varve.api.control.ControlSettings;
import io.varve.engine.QosLimits;
import io.varve.engine.StoreOptions;
import io.varve.engine.VolumeTypes;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code varve serve}. */
@Command(
        name = "serve",
        description = "Serve the volumes of a data directory over NBD, and control them over REST.",
        mixinStandardHelpOptions = true,
        footer = {
            "",
            "An empty data directory gets one volume of 10 GiB, which is also the default export.",
            "SIGTERM stops in order: what was received is answered and made durable first."
        })
final class ServeCommand implements Callable<Integer> {
    private static final Set<String> OWN_KEYS = Set.of(
            "data",
            "insecure",
            "memory",
            "ballast-mib",
            "attached-only",
            "import-dir",
            "scrub-rate",
            "modifications-per-day",
            "volume-types",
            "store-iops",
            "store-throughput");

    private static final Set<String> KEYS = Stream.of(OWN_KEYS, NbdOptions.KEYS, ApiOptions.KEYS)
            .flatMap(Set::stream)
            .collect(Collectors.toUnmodifiableSet());

    private static final long MOST_SCRUB_MIB = 1 << 20;
    private static final long MOST_BALLAST_MIB = 1 << 20;
    private static final long MOST_STORE_IOPS = 10_000_000;
    private static final long MOST_STORE_MIB = 1_000_000;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Option(names = "--data", paramLabel = "DIR", description = "The data directory; default: varve-data.")
    private @Nullable String data;

    @Mixin
    private NbdOptions nbd = new NbdOptions();

    @Mixin
    private ApiOptions api = new ApiOptions();

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description = "A properties file with the same names, without the dashes in front: data, nbd, api, ...")
    private @Nullable Path config;

    @Option(names = "--insecure", description = "Listen beyond loopback if told to, even without TLS or credentials.")
    private boolean insecure;

    @Option(
            names = "--memory",
            paramLabel = "N",
            description = "MiB of memory outside of the Java heap, for everything together; default: what the JVM"
                    + " allows less a ninth, which with the launcher is 512.")
    private @Nullable String memoryMib;

    @Option(
            names = "--ballast-mib",
            paramLabel = "N",
            description = "MiB kept for deletions and trims when the disk is full;"
                    + " default: 1 %% of the file system, from 64 to 1024, at most a sixteenth of it.")
    private @Nullable String ballastMib;

    @Option(
            names = "--scrub-rate",
            paramLabel = "N",
            description = "MiB per second at which everything is read in the background to find damage;"
                    + " 0 for never; default: 4.")
    private @Nullable String scrubRate;

    @Option(names = "--attached-only", description = "Export a volume only while it is attached to an instance.")
    private boolean attachedOnly;

    @Option(
            names = "--import-dir",
            paramLabel = "DIR",
            description = "The one directory that disk images (raw, qcow2, vmdk) are imported from and exported to;"
                    + " default: none, and neither is done.")
    private @Nullable String importDirectory;

    @Option(
            names = "--modifications-per-day",
            paramLabel = "N",
            description = "How often the size and performance of a volume of any type but local may be changed in 24"
                    + " hours; 0 for as often as one likes; default: 4, as with EBS.")
    private @Nullable String modificationsPerDay;

    @Option(
            names = "--volume-types",
            paramLabel = "FILE",
            description = "A JSON file that defines more volume types; see docs/volume-types.md.")
    private @Nullable String volumeTypes;

    @Option(
            names = "--store-iops",
            paramLabel = "N",
            description = "Operations per second that all volumes together may do; default: no limit.")
    private @Nullable String storeIops;

    @Option(
            names = "--store-throughput",
            paramLabel = "N",
            description = "MiB per second that all volumes together may read and write; default: no limit.")
    private @Nullable String storeThroughput;

    @Override
    public Integer call() throws InterruptedException {
        Daemon daemon = Daemon.start(settings(), Main.ENGINE);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(daemon), "stop"));
        announce(daemon);
        new CountDownLatch(1).await(); // until a signal starts the hook
        return ExitCode.OK;
    }

    /** A signal would have the JVM end with 128 and its number; a server that stopped in order says 0. */
    private static void stop(Daemon daemon) {
        boolean well = daemon.stop();
        Runtime.getRuntime().halt(well ? ExitCode.OK : ExitCode.REFUSED);
    }

    private void announce(Daemon daemon) {
        PrintWriter out = spec.commandLine().getOut();
        String nbdUri = daemon.nbdUri("");
        String apiOption = daemon.apiUri().equals("http://127.0.0.1:7080") ? "" : " --api " + daemon.apiUri();
        out.println("varve ready api=" + daemon.apiUri() + " nbd=" + nbdUri + " data=" + daemon.data());
        daemon.openDoors().ifPresent(out::println);
        out.println();
        out.println("What to type next, in another terminal:");
        out.println("  ./varve volume ls" + apiOption + "      # what there is");
        out.println("  nbdinfo " + nbdUri + "      # the default volume, as a client sees it");
        out.println("  ./varve --help");
        out.flush();
    }

    private ServeSettings settings() {
        Properties file = config == null ? new Properties() : read(config);
        return new ServeSettings(
                Path.of(first(data, file.getProperty("data"), "varve-data")),
                nbd.settings(file),
                api.settings(file),
                insecure || flag(file.getProperty("insecure", "false")),
                MemorySetting.budget(first(memoryMib, file.getProperty("memory"), "")),
                ballastBytes(first(ballastMib, file.getProperty("ballast-mib"), "")),
                mebibytes("--scrub-rate", first(scrubRate, file.getProperty("scrub-rate"), "4"), MOST_SCRUB_MIB),
                attachedOnly || flag(file.getProperty("attached-only", "false")),
                Optional.of(first(importDirectory, file.getProperty("import-dir"), ""))
                        .filter(path -> !path.isEmpty())
                        .map(Path::of),
                control(file));
    }

    private static long ballastBytes(String mib) {
        return mib.isEmpty() ? StoreOptions.BALLAST_BY_DISK : mebibytes("--ballast-mib", mib, MOST_BALLAST_MIB);
    }

    private ControlSettings control(Properties file) {
        String types = first(volumeTypes, file.getProperty("volume-types"), "");
        String perDay = first(modificationsPerDay, file.getProperty("modifications-per-day"), "4");
        String iops = first(storeIops, file.getProperty("store-iops"), "0");
        String throughput = first(storeThroughput, file.getProperty("store-throughput"), "0");
        return new ControlSettings(
                types.isEmpty() ? VolumeTypes.BUILT_IN : VolumeTypesFile.read(Path.of(types)),
                (int) number("--modifications-per-day", perDay, ControlSettings.MOST_MODIFICATIONS_PER_DAY),
                new QosLimits(
                        number("--store-iops", iops, MOST_STORE_IOPS),
                        mebibytes("--store-throughput", throughput, MOST_STORE_MIB)));
    }

    private static long mebibytes(String option, String mib, long most) {
        return number(option, mib, most) << 20;
    }

    private static long number(String option, String text, long most) {
        try {
            long count = Long.parseLong(text);
            if (count >= 0 && count <= most) {
                return count;
            }
        } catch (NumberFormatException e) {
            throw new StartException(ExitCode.USAGE, option + " is a number, not " + text, e);
        }
        throw new StartException(ExitCode.USAGE, option + " is from 0 to " + most + ", not " + text);
    }

    private static String first(@Nullable String option, @Nullable String configured, String otherwise) {
        return option != null ? option : configured != null ? configured : otherwise;
    }

    private static boolean flag(String text) {
        if (!text.equals("true") && !text.equals("false")) {
            throw new StartException(ExitCode.USAGE, "insecure is true or false in the configuration, not " + text);
        }
        return text.equals("true");
    }

    private static Properties read(Path file) {
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
            properties.load(reader);
        } catch (IOException | IllegalArgumentException e) {
            throw new StartException(ExitCode.USAGE, "--config " + file + " cannot be read: " + e.getMessage(), e);
        }
        for (String key : properties.stringPropertyNames()) {
            if (!KEYS.contains(key)) {
                List<String> all = KEYS.stream().sorted().toList();
                throw new StartException(
                        ExitCode.USAGE,
                        "--config %s: there is no setting %s; there are %s"
                                .formatted(file, key, String.join(", ", all)));
            }
        }
        return properties;
    }
}
