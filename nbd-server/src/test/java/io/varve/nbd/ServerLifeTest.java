package io.varve.nbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.varve.testing.Background;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class ServerLifeTest {
    private static final int ESHUTDOWN = 108;

    @Test
    void theSocketOfADeadServerIsReplaced() throws IOException {
        Path path = NbdFixture.temporaryDirectory().resolve("s");
        try (ServerSocketChannel dead = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            dead.bind(UnixDomainSocketAddress.of(path));
        }
        try (NettyLoops loops = NettyLoops.start(Transport.auto(), 1);
                NbdServer server = start(loops, path)) {
            assertThat(server.tcpAddress()).isEmpty();
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
                    .isEqualTo("rw-------");
            WireClient.connect(UnixDomainSocketAddress.of(path)).close();
        }
        assertThat(path).doesNotExist();
    }

    @Test
    void theSocketOfALiveServerIsLeftAlone() {
        try (NbdFixture nbd = NbdFixture.start()) {
            assertThatThrownBy(() -> start(nbd.loops, nbd.socket))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("another server");
            nbd.open().close();
        }
    }

    @Test
    void aFileThatIsNoSocketIsLeftAlone() throws IOException {
        Path file = Files.createTempFile("varve", ".txt");
        try (NettyLoops loops = NettyLoops.start(Transport.auto(), 1)) {
            assertThatThrownBy(() -> start(loops, file)).hasMessageContaining("not a socket");
        }
        assertThat(file).exists();
        Files.delete(file);
    }

    @Test
    void aPortThatIsTakenIsRefusedByName() {
        try (NbdFixture nbd = NbdFixture.start()) {
            int port = nbd.server.tcpAddress().orElseThrow().getPort();
            NbdServerOptions same =
                    NbdServerOptions.NOWHERE.onTcp(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));

            assertThatThrownBy(() -> NbdServer.start(nbd.loops, same, nbd.exports))
                    .hasMessageContaining(Integer.toString(port));
        }
    }

    @Test
    void shutdownAnswersWhatWasReceived() {
        NbdFixture nbd = NbdFixture.start();
        nbd.disk.completing = MemoryVolume.Completing.WHEN_RELEASED;
        WireClient client = nbd.open();
        client.send(WireClient.write(1, 0, new byte[4096]));
        await(() -> nbd.disk.requests.get() == 1);

        CompletableFuture<Void> closing = Background.run(nbd.server::close);
        await(() -> !Files.exists(nbd.socket));
        nbd.disk.releaseHeld();

        assertThat(client.readReply()).isEqualTo(new WireClient.Reply(0, 1));
        assertThat(client.closedByServer()).isTrue();
        closing.join();
        nbd.close();
    }

    @Test
    void shutdownDoesNotWaitForEver() {
        NbdFixture nbd = NbdFixture.start();
        nbd.disk.completing = MemoryVolume.Completing.WHEN_RELEASED;
        WireClient busy = nbd.open();
        busy.send(WireClient.write(1, 0, new byte[4096]));
        WireClient halfWay = nbd.open();
        halfWay.send(WireClient.request(0, 1, 1, 0, 1 << 20, new byte[1000]));
        WireClient shaking = nbd.connect();
        await(() -> nbd.disk.requests.get() == 1);

        nbd.server.shutdown(Duration.ofMillis(300));

        assertThat(busy.closedByServer()).isTrue();
        assertThat(halfWay.closedByServer()).isTrue();
        shaking.readBytes(HandshakeWire.GREETING_BYTES);
        assertThat(shaking.closedByServer()).isTrue();
        assertThat(nbd.disk.openHandles).hasPositiveValue();
        nbd.disk.releaseHeld();
        nbd.close();
    }

    @Test
    void disconnectAnswersLaterRequestsWithShutdownAndCloses() throws Exception {
        try (NbdFixture nbd = NbdFixture.start();
                WireClient first = nbd.open();
                WireClient second = nbd.open();
                WireClient reader = nbd.connect()) {
            reader.handshake();
            reader.go(NbdFixture.SNAPSHOT);
            first.call(WireClient.request(0, 3, 1, 0, 0));
            assertThat(nbd.server.connections(NbdFixture.DISK_ID)).isEqualTo(2);

            CompletableFuture<Void> gone = nbd.server.disconnect(NbdFixture.DISK_ID);
            Awaitility.await().until(() -> first.call(WireClient.write(2, 0, new byte[100])) == ESHUTDOWN);

            gone.get(10, TimeUnit.SECONDS);
            assertThat(first.closedByServer()).isTrue();
            assertThat(second.closedByServer()).isTrue();
            assertThat(nbd.disk.openHandles).hasValue(0);
            assertThat(reader.call(WireClient.request(0, 3, 1, 0, 0))).isZero();
        }
    }

    @Test
    void aHandshakeThatTakesTooLongIsClosed() {
        NbdLimits hasty = NbdLimits.DEFAULT.withTimes(Duration.ofMillis(200), Duration.ofSeconds(30));
        try (NbdFixture nbd = NbdFixture.start(Transport.auto(), hasty);
                WireClient client = nbd.connect();
                WireClient opened = nbd.open()) {
            client.handshake();

            assertThat(client.closedByServer()).isTrue();
            assertThat(nbd.server.counters().timeouts()).isEqualTo(1);
            assertThat(opened.call(WireClient.request(0, 3, 1, 0, 0))).isZero();
        }
    }

    @Test
    void connectionsOverTheLimitAreClosedAtOnce() {
        try (NbdFixture nbd = NbdFixture.start(Transport.auto(), NbdLimits.DEFAULT.withConnections(1));
                WireClient first = nbd.open();
                WireClient second = nbd.connect()) {
            assertThat(second.closedByServer()).isTrue();
            assertThat(nbd.server.counters().connectionsRefused()).isEqualTo(1);
            assertThat(first.call(WireClient.request(0, 3, 1, 0, 0))).isZero();
        }
    }

    @Test
    void transportsAreFoundByName() {
        assertThat(Transport.named("auto")).isEqualTo(Transport.auto());
        assertThat(Transport.named("nio")).isEqualTo(Transport.NIO);
        assertThatThrownBy(() -> Transport.named("carrier pigeon")).hasMessageContaining("carrier pigeon");
    }

    private static NbdServer start(NettyLoops loops, Path socket) {
        return NbdServer.start(loops, NbdServerOptions.NOWHERE.onUnixSocket(socket), new MemoryExports());
    }

    private static void await(java.util.concurrent.Callable<Boolean> condition) {
        Awaitility.await().atMost(Duration.ofSeconds(10)).until(condition);
    }
}
