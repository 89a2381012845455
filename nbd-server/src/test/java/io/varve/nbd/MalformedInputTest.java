package io.varve.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Streams of requests and options, cut anywhere and with bytes changed, never make the codec throw, hang or lose a
 * buffer; unchanged ones are all answered, however they are cut. One seed, one stream: a seed that fails is named.
 */
class MalformedInputTest {
    private static final int ROUNDS = Integer.getInteger("varve.fuzz.iterations", 20_000) / 40;
    private static final int VOLUME_BYTES = 1 << 20;

    @Test
    void requestsCutAnywhereAreAllAnswered() {
        for (int seed = 0; seed < ROUNDS; seed++) {
            Transmission transmission = new Transmission(new SplittableRandom(seed));
            List<byte[]> requests = transmission.requests(20);
            transmission.feed(WireClient.concat(requests.toArray(byte[][]::new)));

            assertThat(transmission.channel.isOpen()).as("seed %d", seed).isTrue();
            assertThat(transmission.answers()).as("seed %d", seed).isEqualTo(requests.size());
            transmission.end(seed);
        }
    }

    @Test
    void changedRequestsAreSurvived() {
        for (int seed = 0; seed < ROUNDS; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            Transmission transmission = new Transmission(random);
            byte[] stream = WireClient.concat(transmission.requests(20).toArray(byte[][]::new));
            transmission.feed(changed(stream, random));
            transmission.end(seed);
        }
    }

    @Test
    void changedOptionsAreSurvived() {
        for (int seed = 0; seed < ROUNDS; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            Service service = Service.of(NbdLimits.DEFAULT, new MemoryExports(), Optional.empty());
            EmbeddedChannel channel =
                    new EmbeddedChannel(new HandshakeHandler(service, Access.OPEN, new PayloadReceiver()));
            for (byte[] piece : cut(changed(options(random), random), random)) {
                if (channel.isOpen()) {
                    channel.writeInbound(direct(piece));
                    channel.runPendingTasks();
                }
            }
            channel.checkException();
            channel.finishAndReleaseAll();
        }
    }

    /** A connection to a volume in memory, on the loop that is the test's own thread. */
    private static final class Transmission {
        final EmbeddedChannel channel = new EmbeddedChannel();
        private final MemoryVolume volume = new MemoryVolume(new NettyLoop(channel.eventLoop()), VOLUME_BYTES);
        private final SplittableRandom random;
        private final Service service =
                Service.of(NbdLimits.DEFAULT.withWork(4, 100_000, 200_000), new MemoryExports(), Optional.empty());

        Transmission(SplittableRandom random) {
            this.random = random;
            volume.openHandles.set(1);
            volume.completing =
                    random.nextBoolean() ? MemoryVolume.Completing.AT_SUBMIT : MemoryVolume.Completing.LATER;
            Connection connection = new Connection(
                    new Session("fuzz", volume, false, ReplyStyle.SIMPLE, List.of()),
                    service,
                    new PayloadReceiver(),
                    Unpooled.EMPTY_BUFFER);
            channel.pipeline().addLast(connection);
            connection.start();
        }

        /** Requests that are answered without payload, so that answers can be counted. */
        List<byte[]> requests(int count) {
            List<byte[]> requests = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                long offset = random.nextLong(-100, VOLUME_BYTES + 100);
                requests.add(
                        switch (random.nextInt(5)) {
                            case 0 -> WireClient.request(random.nextInt(4), 3, i, 0, 0);
                            case 1 -> WireClient.request(random.nextInt(4), 4, i, offset, random.nextInt(10_000));
                            case 2 -> WireClient.request(random.nextInt(20), 6, i, offset, random.nextInt(10_000));
                            case 3 -> WireClient.request(0, random.nextInt(9, 99), i, offset, random.nextInt());
                            default -> WireClient.write(i, offset, new byte[random.nextInt(1, 90_000)]);
                        });
            }
            return requests;
        }

        void feed(byte[] stream) {
            for (byte[] piece : cut(stream, random)) {
                if (channel.isOpen()) {
                    channel.writeInbound(direct(piece));
                    channel.runPendingTasks();
                }
            }
            channel.checkException();
        }

        int answers() {
            int bytes = 0;
            ByteBuf reply = channel.readOutbound();
            while (reply != null) {
                bytes += reply.readableBytes();
                reply.release();
                reply = channel.readOutbound();
            }
            return bytes / TransmissionWire.SIMPLE_REPLY_BYTES;
        }

        void end(int seed) {
            channel.finishAndReleaseAll();
            channel.runPendingTasks();
            assertThat(volume.openHandles).as("seed %d", seed).hasValue(0);
            assertThat(service.budget().usedBytes()).as("seed %d", seed).isZero();
        }
    }

    private static byte[] options(SplittableRandom random) {
        return WireClient.bytes(to -> {
            to.writeInt(3);
            for (int i = 0; i < 10; i++) {
                byte[] data = random.nextBoolean()
                        ? WireClient.exportRequest("nobody", 1, 2, 3)
                        : "some data".getBytes(StandardCharsets.UTF_8);
                to.writeLong(HandshakeWire.OPTION_MAGIC);
                to.writeInt(random.nextInt(12));
                to.writeInt(data.length);
                to.write(data);
            }
        });
    }

    private static byte[] changed(byte[] stream, SplittableRandom random) {
        byte[] copy = stream.clone();
        for (int i = random.nextInt(1, 6); i > 0; i--) {
            // Headers stand near the beginning of small streams; changing payload would be no test.
            copy[random.nextInt(Math.min(copy.length, 200))] = (byte) random.nextInt();
        }
        return copy;
    }

    private static List<byte[]> cut(byte[] stream, SplittableRandom random) {
        List<byte[]> pieces = new ArrayList<>();
        int at = 0;
        while (at < stream.length) {
            int longest = random.nextInt(3) == 0 ? 40 : 100_000;
            int end = Math.min(stream.length, at + random.nextInt(1, longest));
            pieces.add(java.util.Arrays.copyOfRange(stream, at, end));
            at = end;
        }
        return pieces;
    }

    private static ByteBuf direct(byte[] bytes) {
        return PooledByteBufAllocator.DEFAULT.directBuffer(bytes.length).writeBytes(bytes);
    }
}
