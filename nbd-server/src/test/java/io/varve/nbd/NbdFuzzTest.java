package io.varve.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;

/**
 * Whatever a client sends, the server neither throws nor hangs nor loses a buffer or a handle. The default run replays
 * the corpus beside this class's resources;
 * {@code JAZZER_FUZZ=1 mvn -pl nbd-server -am test -Dtest=NbdFuzzTest#handshake} and {@code #transmission} look for
 * more, guided by coverage. What is found stays in the corpus.
 */
@Timeout(value = 15, unit = TimeUnit.MINUTES) // more than a search takes
class NbdFuzzTest {
    private static final int VOLUME_BYTES = 1 << 17;

    /** The bytes are what a client says before it has opened an export. */
    @FuzzTest(maxDuration = "10m")
    void handshake(byte[] data) {
        MemoryExports exports = new MemoryExports();
        Service service = Service.of(NbdLimits.DEFAULT, exports, Optional.empty());
        EmbeddedChannel channel =
                new EmbeddedChannel(new HandshakeHandler(service, Access.OPEN, new PayloadReceiver()));
        MemoryVolume volume = exports.add(
                "vol", MemoryExports.DEFAULT, new MemoryVolume(new NettyLoop(channel.eventLoop()), 1 << 16), false);
        exports.history(MemoryExports.DEFAULT).remember("snap");

        feed(channel, data);

        assertThat(volume.openHandles).hasValue(0);
        assertThat(exports.history(MemoryExports.DEFAULT).openSources).hasValue(0);
        assertThat(service.budget().usedBytes()).isZero();
    }

    /** The first byte chooses what was agreed on; the others are what a client says then. */
    @FuzzTest(maxDuration = "10m")
    void transmission(byte[] data) {
        if (data.length == 0) {
            return;
        }
        EmbeddedChannel channel = new EmbeddedChannel();
        MemoryVolume volume = new MemoryVolume(new NettyLoop(channel.eventLoop()), VOLUME_BYTES);
        volume.openHandles.set(1);
        volume.completing = (data[0] & 4) == 0 ? MemoryVolume.Completing.AT_SUBMIT : MemoryVolume.Completing.LATER;
        ReplyStyle style = ReplyStyle.values()[(data[0] & 3) % 3];
        MemoryHistory history = new MemoryHistory(volume);
        List<MetaContext> selected = style.hasChunks() && (data[0] & 8) == 0
                ? List.of(MetaContext.ALLOCATION, MetaContext.DEPTH)
                : List.of();
        List<OpenContext> contexts =
                ContextOpening.open(selected, volume, history).join();
        Service service =
                Service.of(NbdLimits.DEFAULT.withWork(4, 1 << 20, 2 << 20), new MemoryExports(), Optional.empty());
        Session session = new Session("fuzz", volume, (data[0] & 16) != 0, style, contexts);
        Connection connection = new Connection(session, service, new PayloadReceiver(), Unpooled.EMPTY_BUFFER);
        channel.pipeline().addLast(connection);
        connection.start();

        feed(channel, java.util.Arrays.copyOfRange(data, 1, data.length));

        assertThat(volume.openHandles).hasValue(0);
        assertThat(history.openSources).hasValue(0);
        assertThat(service.budget().usedBytes()).isZero();
    }

    /** Gives a channel the bytes in two pieces, and closes it. */
    private static void feed(EmbeddedChannel channel, byte[] data) {
        int half = data.length / 2;
        int at = 0;
        for (int end : new int[] {half, data.length}) {
            if (channel.isOpen() && end > at) {
                ByteBuf piece = PooledByteBufAllocator.DEFAULT.directBuffer(end - at);
                piece.writeBytes(data, at, end - at);
                channel.writeInbound(piece);
                channel.runPendingTasks();
            }
            at = end;
        }
        channel.checkException();
        channel.finishAndReleaseAll();
        channel.runPendingTasks();
    }
}
