package io.varve.api;

import io.varve.api.access.Access;
import io.varve.api.access.AuditLog;
import io.varve.api.access.Credentials;
import io.varve.api.aws.cloudwatch.MetricSamples;
import io.varve.api.control.Connections;
import io.varve.api.control.ControlDatabase;
import io.varve.api.control.ControlPlane;
import io.varve.api.diskimage.DiskImages;
import io.varve.api.metrics.ServerMetrics;
import io.varve.api.rest.NbdAddress;
import io.varve.api.rest.RestAddress;
import io.varve.api.rest.RestServer;
import io.varve.engine.BlockStore;
import io.varve.engine.EngineThreads;
import io.varve.engine.MemoryUse;
import io.varve.engine.SnapshotId;
import io.varve.engine.StoreException;
import io.varve.engine.StoreOptions;
import io.varve.engine.VolumeId;
import io.varve.nbd.NbdServer;
import io.varve.nbd.NbdServerOptions;
import io.varve.nbd.NettyLoops;
import io.varve.nbd.Transport;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * The server: engine, control plane, NBD and REST put together. It is ready when {@link #start} returns.
 *
 * <p>Closing: the API says that it is not ready, NBD accepts no one and answers what it received, control operations
 * end, the API closes, the store syncs and writes a checkpoint.
 */
final class Daemon implements AutoCloseable {
    private final Opening opening;
    private final ServeSettings settings;
    private final NbdAddress nbdAddress;
    private final RestServer rest;
    private final Access access;

    private Daemon(Opening opening, ServeSettings settings, NbdAddress nbdAddress, RestServer rest, Access access) {
        this.opening = opening;
        this.settings = settings;
        this.nbdAddress = nbdAddress;
        this.rest = rest;
        this.access = access;
    }

    /** Opens a store. */
    interface StoreOpener {
        BlockStore open(Path dataDirectory, StoreOptions options, EngineThreads threads);
    }

    /**
     * Starts everything. Blocks.
     *
     * @throws StartException with one line for the operator
     */
    static Daemon start(ServeSettings settings, StoreOpener engine) {
        NbdServerOptions nbd = settings.nbd().options(settings.insecure());
        InetSocketAddress api = settings.api().resolve(settings.insecure());
        Opening opening = new Opening();
        try {
            return start(settings, engine, nbd, api, opening);
        } catch (StoreException e) {
            opening.closeAll();
            throw new StartException(ExitCode.of(e.kind()), String.valueOf(e.getMessage()), e);
        } catch (RuntimeException e) {
            opening.closeAll();
            throw e;
        }
    }

    private static Daemon start(
            ServeSettings settings, StoreOpener engine, NbdServerOptions nbd, InetSocketAddress api, Opening opening) {
        ControlDatabase.check(settings.data());
        NettyLoops loops = opening.add(
                NettyLoops.start(Transport.auto(), Runtime.getRuntime().availableProcessors()));
        DaemonThreads threads = opening.add(new DaemonThreads(loops));
        BlockStore store = opening.add(engine.open(
                settings.data(),
                StoreOptions.DEFAULT
                        .withMemory(settings.memory())
                        .withBallast(settings.ballastBytes())
                        .withScrub(settings.scrubBytesPerSecond())
                        .withLimits(settings.control().storeLimits()),
                threads));
        ControlDatabase database = opening.add(
                ControlDatabase.open(settings.data(), () -> store.yieldReserve().join()));
        Access access = opening.add(access(settings, database, api));
        ControlPlane control = ControlPlane.start(
                store,
                database,
                new SecureRandom(),
                Clock.systemUTC(),
                settings.control(),
                diskImages(settings, loops));
        opening.add(control);
        control.createDefaultVolume();

        long nbdBytes = settings.memory().bytes(MemoryUse.NBD_BUFFERS);
        NbdServer nbdServer = listenNbd(
                loops,
                nbd.withLimits(nbd.limits().within(nbdBytes)),
                new Exports(store, control, settings.attachedOnly()));
        ServerMetrics metrics =
                opening.add(new ServerMetrics(store, nbdServer.counters(), nbdBytes, access.audit()::unwritten));
        MetricSamples samples = MetricSamples.of(store, Clock.systemUTC());
        NbdAddress nbdAddress = nbdAddress(settings.nbd(), nbdServer.tcpAddress());
        RestServer rest;
        try {
            rest = listenRest(settings, api, control, connections(nbdServer), nbdAddress, access, metrics, samples);
        } catch (RuntimeException e) {
            nbdServer.close();
            throw e;
        }
        opening.add(rest);
        opening.add(nbdServer); // stops before the API does
        opening.add(new Ticker(control::tick, samples::tick));
        opening.add(rest::stopping);
        rest.ready();
        return new Daemon(opening, settings, nbdAddress, rest, access);
    }

    private static Optional<DiskImages> diskImages(ServeSettings settings, NettyLoops loops) {
        try {
            String searchPath = System.getenv().getOrDefault("PATH", "/usr/bin:/bin");
            return settings.importDirectory().map(directory -> new DiskImages(directory, loops, searchPath));
        } catch (UncheckedIOException e) {
            throw new StartException(
                    ExitCode.USAGE,
                    "--import-dir %s cannot be used: %s"
                            .formatted(settings.importDirectory().orElseThrow(), e.getMessage()),
                    e);
        }
    }

    private static Access access(ServeSettings settings, ControlDatabase database, InetSocketAddress api) {
        Credentials credentials = new Credentials(
                database.credentials(),
                settings.data(),
                new SecureRandom(),
                Clock.systemUTC(),
                settings.insecure() || api.getAddress().isLoopbackAddress());
        if (!settings.insecure()) {
            settings.api().requireCredential(api, credentials, settings.data());
        }
        return new Access(credentials, new AuditLog(settings.data(), Clock.systemUTC()));
    }

    private static NbdAddress nbdAddress(NbdSettings nbd, Optional<InetSocketAddress> tcp) {
        Optional<String> host = nbd.tcp()
                .map(ListenAddress::host)
                .or(() -> tcp.map(address -> address.getAddress().getHostAddress()));
        int port = tcp.map(InetSocketAddress::getPort).orElse(0);
        return new NbdAddress(tcp.isEmpty() ? Optional.empty() : host, port, nbd.socket(), nbd.needsTls());
    }

    private static NbdServer listenNbd(NettyLoops loops, NbdServerOptions options, Exports exports) {
        try {
            return NbdServer.start(loops, options, exports);
        } catch (IllegalArgumentException e) {
            throw new StartException(ExitCode.USAGE, String.valueOf(e.getMessage()), e);
        } catch (UncheckedIOException | IllegalStateException e) {
            throw cannotListen("NBD", e);
        }
    }

    private static RestServer listenRest(
            ServeSettings settings,
            InetSocketAddress address,
            ControlPlane control,
            Connections connections,
            NbdAddress nbd,
            Access access,
            ServerMetrics metrics,
            MetricSamples samples) {
        try {
            return RestServer.start(
                    new RestAddress(
                            address,
                            settings.api().address().host(),
                            settings.api().tls()),
                    control,
                    connections,
                    nbd,
                    access,
                    AwsFaces.of(control, connections, samples),
                    metrics::scrape);
        } catch (IllegalArgumentException e) {
            throw new StartException(ExitCode.USAGE, String.valueOf(e.getMessage()), e);
        } catch (CompletionException e) {
            throw cannotListen("--api " + settings.api().address(), e);
        }
    }

    private static StartException cannotListen(String option, RuntimeException e) {
        Throwable root = e;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return new StartException(ExitCode.LISTEN, "cannot listen on " + option + ": " + root.getMessage(), e);
    }

    private static Connections connections(NbdServer nbd) {
        return new Connections() {
            @Override
            public CompletableFuture<Void> disconnect(VolumeId volume) {
                return nbd.disconnect(volume);
            }

            @Override
            public CompletableFuture<Void> disconnect(SnapshotId snapshot) {
                return nbd.disconnect(snapshot);
            }
        };
    }

    /** Where the REST API is. */
    String apiUri() {
        ApiSettings api = settings.api();
        return api.scheme() + "://" + api.address().host() + ":" + rest.port();
    }

    /** What may be done without saying who one is, for the operator; empty if nothing. */
    Optional<String> openDoors() {
        boolean aws = access.credentials().open();
        boolean rest = access.credentials().openToAll();
        if (!aws && !rest) {
            return Optional.empty();
        }
        return Optional.of("access is open: "
                + (rest ? "requests need no token (make one: varve token create)" : "")
                + (rest && aws ? "; " : "")
                + (aws ? "any signed AWS request is taken (make a key: varve access-key create)" : ""));
    }

    /** Where an export is, on TCP if it is there; the empty name stands for the default. */
    String nbdUri(String export) {
        return nbdAddress.tcp(export).or(() -> nbdAddress.unix(export)).orElse("nbd+unix:///" + export);
    }

    Path data() {
        return settings.data();
    }

    /** Stops in order. Blocks. True if all of it went well. */
    boolean stop() {
        return opening.closeAll();
    }

    @Override
    public void close() {
        stop();
    }
}
