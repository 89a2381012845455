package io.varve.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.VolumeId;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.Function;
import org.awaitility.Awaitility;

/** A server on a free TCP port and a Unix socket, with one writable volume in memory, {@code disk}, and a snapshot. */
final class NbdFixture implements AutoCloseable {
    static final VolumeId DISK_ID = VolumeId.parse("vol-00000000000000001");
    static final String SNAPSHOT = "snap-00000000000000001";
    static final int SIZE_BYTES = 64 << 20;

    final NettyLoops loops;
    final NbdServer server;
    final MemoryExports exports = new MemoryExports();
    final MemoryVolume disk;
    final MemoryVolume snapshot;
    final Path socket;

    private NbdFixture(Transport transport, NbdLimits limits, Function<NbdServerOptions, NbdServerOptions> options) {
        loops = NettyLoops.start(transport, 2);
        disk = exports.add(
                DISK_ID.toString(), MemoryExports.DEFAULT, new MemoryVolume(loops.nextLoop(), SIZE_BYTES), false);
        snapshot = exports.add(SNAPSHOT, SNAPSHOT, new MemoryVolume(loops.nextLoop(), SIZE_BYTES), true);
        snapshot.readOnly = true;
        socket = temporaryDirectory().resolve("nbd.sock");
        server = NbdServer.start(
                loops,
                options.apply(NbdServerOptions.NOWHERE.onUnixSocket(socket).withLimits(limits)),
                exports);
    }

    static NbdFixture start() {
        return start(Transport.auto(), NbdLimits.DEFAULT);
    }

    static NbdFixture start(Transport transport, NbdLimits limits) {
        return new NbdFixture(transport, limits, options -> options.onTcp(anyPort()));
    }

    /** A server that gives clients so much time to leave when it disconnects them. */
    static NbdFixture startGracious(Duration grace) {
        return new NbdFixture(Transport.auto(), NbdLimits.DEFAULT, options -> {
            NbdServerOptions tcp = options.onTcp(anyPort());
            return new NbdServerOptions(tcp.listeners(), tcp.tls(), tcp.limits(), grace);
        });
    }

    /** A server that speaks TLS on TCP. */
    static NbdFixture startWithTls(TlsSettings tls, TlsMode mode, NbdLimits limits) {
        Listener listener = new Listener(new Listener.Tcp(anyPort()), new Access(mode, false));
        return new NbdFixture(
                Transport.auto(), limits, options -> options.withTls(tls).on(listener));
    }

    private static InetSocketAddress anyPort() {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    }

    WireClient connect() {
        return WireClient.connect(unixAddress());
    }

    /** A client that has opened {@code disk} and talks simple replies. */
    WireClient open() {
        WireClient client = connect();
        client.handshake();
        client.go(MemoryExports.DEFAULT);
        return client;
    }

    /** A client that has opened {@code disk}, talks in chunks and has selected metadata contexts. */
    WireClient open(ReplyStyle style, String... contexts) {
        WireClient client = connect();
        client.handshake();
        int option =
                style == ReplyStyle.EXTENDED ? HandshakeWire.OPT_EXTENDED_HEADERS : HandshakeWire.OPT_STRUCTURED_REPLY;
        client.option(option, new byte[0]);
        client.option(HandshakeWire.OPT_SET_META_CONTEXT, WireClient.contextQuery(MemoryExports.DEFAULT, contexts));
        client.go(MemoryExports.DEFAULT);
        return client;
    }

    SocketAddress unixAddress() {
        return UnixDomainSocketAddress.of(socket);
    }

    SocketAddress tcpAddress() {
        return server.tcpAddress().orElseThrow();
    }

    /** What an NBD client program takes for the export's address. */
    String unixUri(String export) {
        return "nbd+unix:///" + export + "?socket=" + socket;
    }

    String tcpUri(String export) {
        return "nbd://127.0.0.1:" + server.tcpAddress().orElseThrow().getPort() + "/" + export;
    }

    void awaitNoConnections() {
        Awaitility.await()
                .atMost(Duration.ofSeconds(20))
                .until(() -> server.counters().connectionsOpen() == 0 && handles() == 0);
    }

    private int handles() {
        return disk.openHandles.get() + snapshot.openHandles.get();
    }

    /** Closes all and sees that nothing is left at work. */
    @Override
    public void close() {
        server.shutdown(Duration.ofSeconds(5));
        Awaitility.await().atMost(Duration.ofSeconds(10)).until(() -> handles() == 0);
        loops.close();
        assertThat(server.counters().bytesInFlight()).isZero();
        assertThat(Files.exists(socket)).isFalse();
    }

    static Path temporaryDirectory() {
        try {
            Path directory = Files.createTempDirectory("varve-nbd");
            directory.toFile().deleteOnExit();
            return directory;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
