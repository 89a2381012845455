package io.varve.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.embedded.EmbeddedChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * No input, however broken, costs another connection anything. A server in memory, from the handshake on, with clients
 * that say what a seed makes up, are slow, vanish or are thrown out; beside them a neighbour, each of whose requests is
 * answered at once and right. The memory really in use stays within the bounds all the time, and at the end there is
 * none. {@code -Dvarve.fuzz.iterations} says how long it goes on; a seed that fails is named.
 */
@Timeout(value = 6, unit = java.util.concurrent.TimeUnit.HOURS)
class NeighbourFuzzTest {
    private static final int SEEDS = Integer.getInteger("varve.fuzz.iterations", 20_000) / 200;
    private static final long FIRST_SEED = Long.getLong("varve.fuzz.seed", 0);
    private static final int VOLUME_BYTES = 1 << 20;
    private static final int ATTACKERS = 4;
    private static final int STEPS = 60;
    /** As much as a socket is read at once at least. */
    private static final int PIECE_BYTES = PayloadReceiver.MIN_BYTES;

    private static final NbdLimits LIMITS = NbdLimits.DEFAULT.withWork(16, VOLUME_BYTES, 2 * VOLUME_BYTES);

    @Test
    void theNeighbourIsServedWhateverTheOthersDo() {
        for (long seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
            try {
                new Town(seed).live();
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("seed " + seed, e);
            }
        }
    }

    /** The server and its clients, on the test's thread. */
    private static final class Town {
        private final SplittableRandom random;
        private final UnpooledByteBufAllocator buffers = new UnpooledByteBufAllocator(true, false);
        private final MemoryExports exports = new MemoryExports();
        private final Service service = Service.of(LIMITS, exports, Optional.empty());
        private final EmbeddedChannel neighbour = new EmbeddedChannel();
        private final MemoryVolume disk;
        private final MemoryVolume own;
        private final byte[] ownContent = new byte[VOLUME_BYTES];
        /** Those who are gone too: what they asked for may go on. */
        private final List<Attacker> attackers = new ArrayList<>();

        private int cookie;

        Town(long seed) {
            random = new SplittableRandom(seed);
            NettyLoop loop = new NettyLoop(neighbour.eventLoop());
            disk = exports.add("vol-disk", MemoryExports.DEFAULT, new MemoryVolume(loop, VOLUME_BYTES), false);
            own = exports.add("vol-own", "own", new MemoryVolume(loop, VOLUME_BYTES), false);
            exports.history(MemoryExports.DEFAULT).remember("snap");
            neighbour.config().setAllocator(buffers);
        }

        void live() {
            settleIn(neighbour);
            neighbour.writeInbound(direct(WireClient.concat(
                    WireClient.bytes(to -> to.writeInt(3)),
                    option(HandshakeWire.OPT_GO, WireClient.exportRequest("own")))));
            run();
            neighbour.releaseOutbound();
            for (int step = 0; step < STEPS; step++) {
                if (attackers.stream().filter(Attacker::isThere).count() < ATTACKERS) {
                    attackers.add(new Attacker());
                }
                attackers.stream().filter(Attacker::isThere).forEach(Attacker::act);
                run();
                neighbourWorks();
                // Those who are gone count until their requests are over.
                int people = ATTACKERS + 1 + disk.openHandles.get();
                assertThat(buffers.metric().usedDirectMemory())
                        .as("direct memory")
                        .isLessThanOrEqualTo(LIMITS.totalBytes() + people * LIMITS.guaranteedBytes());
            }
            attackers.forEach(attacker -> attacker.channel.close());
            neighbour.close();
            disk.completing = MemoryVolume.Completing.LATER;
            disk.releaseHeld();
            run();
            attackers.forEach(attacker -> attacker.channel.finishAndReleaseAll());
            neighbour.finishAndReleaseAll();
            run();
            assertThat(service.budget().usedBytes()).isZero();
            assertThat(service.budget().wanted()).isFalse();
            assertThat(service.counters().bytesInFlight()).isZero();
            assertThat(disk.openHandles).hasValue(0);
            assertThat(own.openHandles).hasValue(0);
            assertThat(exports.history(MemoryExports.DEFAULT).openSources).hasValue(0);
            assertThat(buffers.metric().usedDirectMemory()).as("buffers lost").isZero();
        }

        private void settleIn(EmbeddedChannel channel) {
            channel.pipeline().addLast(new HandshakeHandler(service, Access.OPEN, new PayloadReceiver()));
            // The channel was active before there was somebody to tell.
            channel.pipeline().fireChannelActive();
            run();
            channel.releaseOutbound();
        }

        private void run() {
            boolean busy = true;
            while (busy) {
                neighbour.runPendingTasks();
                attackers.forEach(attacker -> attacker.channel.runPendingTasks());
                busy = neighbour.hasPendingTasks()
                        || attackers.stream().anyMatch(attacker -> attacker.channel.hasPendingTasks());
            }
            neighbour.checkException();
            attackers.forEach(attacker -> attacker.channel.checkException());
        }

        private void neighbourWorks() {
            int length = random.nextInt(1, 20_000);
            int offset = random.nextInt(VOLUME_BYTES - length);
            boolean reads = random.nextBoolean();
            byte[] data = new byte[length];
            random.nextBytes(data);
            neighbour.writeInbound(direct(
                    reads
                            ? WireClient.request(0, 0, ++cookie, offset, length)
                            : WireClient.write(++cookie, offset, data)));
            run();
            ByteBuf answer = Unpooled.buffer();
            for (ByteBuf part = neighbour.readOutbound(); part != null; part = neighbour.readOutbound()) {
                answer.writeBytes(part);
                part.release();
            }
            assertThat(neighbour.isOpen()).isTrue();
            assertThat(answer.readableBytes())
                    .as("bytes of the neighbour's answer")
                    .isEqualTo(TransmissionWire.SIMPLE_REPLY_BYTES + (reads ? length : 0));
            assertThat(answer.readInt()).isEqualTo(TransmissionWire.SIMPLE_REPLY_MAGIC);
            assertThat(answer.readInt()).isZero();
            assertThat(answer.readLong()).isEqualTo(cookie);
            if (reads) {
                byte[] read = new byte[length];
                answer.readBytes(read);
                assertThat(read).isEqualTo(java.util.Arrays.copyOfRange(ownContent, offset, offset + length));
            } else {
                System.arraycopy(data, 0, ownContent, offset, length);
            }
        }

        private ByteBuf direct(byte[] bytes) {
            return buffers.directBuffer(bytes.length).writeBytes(bytes);
        }

        /** A client that says something, or only half of it, takes what it likes, and goes when it likes. */
        private final class Attacker {
            final SlowChannel channel = new SlowChannel();
            private final byte[] words;
            private int said;

            Attacker() {
                channel.config().setAllocator(buffers);
                words = words();
                settleIn(channel);
                channel.take(HandshakeWire.GREETING_BYTES);
            }

            boolean isThere() {
                return channel.isOpen();
            }

            void act() {
                for (int pieces = random.nextInt(8); pieces > 0; pieces--) {
                    speak();
                }
                switch (random.nextInt(24)) {
                    case 0 -> channel.close();
                    case 1 -> service.connections().disconnect("vol-disk", random.nextInt(2) * 1_000_000_000L);
                    case 2 ->
                        disk.completing = MemoryVolume.Completing.values()[
                                random.nextInt(MemoryVolume.Completing.values().length)];
                    case 3, 4 -> disk.releaseHeld();
                    case 5 -> disk.congest(random.nextInt(4) == 0);
                    case 6 -> channel.pass(random.nextInt(12));
                    case 7, 8, 9, 10 -> channel.take(random.nextInt(3 * VOLUME_BYTES));
                    case 11, 12 -> channel.take(random.nextInt(100));
                    default -> {}
                }
            }

            private void speak() {
                int most = random.nextInt(4) == 0 ? 30 : PIECE_BYTES;
                int length = Math.min(random.nextInt(1, most + 1), words.length - said);
                if (length > 0 && channel.isOpen() && channel.config().isAutoRead()) {
                    channel.writeInbound(direct(java.util.Arrays.copyOfRange(words, said, said + length)));
                    said += length;
                    channel.runPendingTasks();
                }
            }

            private byte[] words() {
                ReplyStyle style = ReplyStyle.values()[random.nextInt(ReplyStyle.values().length)];
                List<byte[]> all = new ArrayList<>();
                all.add(WireClient.bytes(to -> to.writeInt(3)));
                for (int i = random.nextInt(6); i > 0; i--) {
                    all.add(anyOption());
                }
                if (style.hasChunks()) {
                    int chunks = style == ReplyStyle.EXTENDED
                            ? HandshakeWire.OPT_EXTENDED_HEADERS
                            : HandshakeWire.OPT_STRUCTURED_REPLY;
                    all.add(option(chunks, new byte[0]));
                    all.add(option(
                            HandshakeWire.OPT_SET_META_CONTEXT,
                            WireClient.contextQuery("disk", "base:allocation", "varve:changed-since:snap")));
                }
                if (random.nextInt(8) > 0) {
                    all.add(option(HandshakeWire.OPT_GO, WireClient.exportRequest("disk")));
                }
                for (int i = random.nextInt(40); i > 0; i--) {
                    all.add(anyRequest(style));
                }
                byte[] stream = WireClient.concat(all.toArray(byte[][]::new));
                for (int i = random.nextInt(3) == 0 ? random.nextInt(1, 5) : 0; i > 0; i--) {
                    stream[random.nextInt(stream.length)] = (byte) random.nextInt();
                }
                return stream;
            }

            private byte[] anyOption() {
                return switch (random.nextInt(5)) {
                    case 0 -> option(HandshakeWire.OPT_LIST, new byte[0]);
                    case 1 -> option(HandshakeWire.OPT_INFO, WireClient.exportRequest("disk", 1, 2, 3));
                    case 2 -> option(HandshakeWire.OPT_LIST_META_CONTEXT, WireClient.contextQuery("disk"));
                    case 3 -> option(random.nextInt(20), new byte[random.nextInt(10_000)]);
                    default ->
                        option(HandshakeWire.OPT_INFO, WireClient.exportRequest("x".repeat(random.nextInt(5000))));
                };
            }

            private byte[] anyRequest(ReplyStyle style) {
                long offset = random.nextInt(16) == 0 ? random.nextLong() : random.nextInt(VOLUME_BYTES);
                int room = (int) Math.max(1, VOLUME_BYTES - Math.max(0, Math.min(offset, VOLUME_BYTES - 1)));
                int length = random.nextInt(16) == 0 ? random.nextInt() : random.nextInt(1, room + 1);
                int command = random.nextInt(9);
                int flags = random.nextInt(4) == 0 ? random.nextInt(64) : 0;
                byte[] payload = new byte[command == 1 ? random.nextInt(1, Math.min(room, 60_000) + 1) : 0];
                if (command == 1) {
                    length = payload.length;
                }
                boolean extended = style == ReplyStyle.EXTENDED;
                flags |= extended && command == 1 ? TransmissionWire.COMMAND_FLAG_PAYLOAD_LEN : 0;
                return extended
                        ? WireClient.extendedRequest(flags, command, 7, offset, length, payload)
                        : WireClient.request(flags, command, 7, offset, length, payload);
            }
        }
    }

    private static byte[] option(int option, byte[] data) {
        return WireClient.bytes(to -> {
            to.writeLong(HandshakeWire.OPTION_MAGIC);
            to.writeInt(option);
            to.writeInt(data.length);
            to.write(data);
        });
    }
}
