package io.varve.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.IoStatus;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** Replies in chunks, structured and extended: reads with holes, errors, and lengths of 64 bits. */
@Timeout(30)
class ChunkedReplyTest {
    private static final int READ = 0;
    private static final int WRITE = 1;
    private static final int DISC = 2;
    private static final int FLUSH = 3;
    private static final int TRIM = 4;
    private static final int CACHE = 5;
    private static final int ZEROES = 6;
    private static final int DF = 4;
    private static final int PAYLOAD_LEN = 32;
    private static final int EIO = 5;
    private static final int EINVAL = 22;
    private static final int EOVERFLOW = 75;

    private final Random random = new Random(3);
    private final byte[] model = new byte[1 << 20];
    private NbdFixture nbd;

    @BeforeEach
    void start() {
        nbd = NbdFixture.start();
        try (WireClient writer = nbd.open()) {
            for (int i = 0; i < 20; i++) {
                int length = 1 + random.nextInt(30_000);
                int offset = random.nextInt(model.length - length);
                byte[] data = new byte[length];
                random.nextBytes(data);
                System.arraycopy(data, 0, model, offset, length);
                assertThat(writer.call(WireClient.write(1, offset, data))).isZero();
            }
        }
    }

    @AfterEach
    void stop() {
        nbd.close();
    }

    @ParameterizedTest
    @EnumSource(mode = Mode.EXCLUDE, names = "SIMPLE")
    void readsWithHolesGiveWhatWasWritten(ReplyStyle style) {
        try (WireClient client = nbd.open(style)) {
            int holes = 0;
            for (int i = 0; i < 300; i++) {
                int length = 1 + random.nextInt(200_000);
                int offset = random.nextInt(model.length - length);
                holes += readAndCompare(client, style, offset, length, 0);
            }
            assertThat(holes).isGreaterThan(100);
            readAndCompare(client, style, 0, model.length, 0);
            assertThat(readAndCompare(client, style, 0, model.length, DF)).isZero();
        }
    }

    @ParameterizedTest
    @EnumSource(mode = Mode.EXCLUDE, names = "SIMPLE")
    void aReadOfNothingButAHoleIsOneChunk(ReplyStyle style) {
        try (WireClient client = nbd.open(style)) {
            client.send(request(style, 0, READ, 5, 32 << 20, 32 << 20));
            WireClient.Chunk chunk = readChunk(client, style);

            assertThat(chunk.type()).isEqualTo(TransmissionWire.CHUNK_OFFSET_HOLE);
            assertThat(chunk.flags()).isEqualTo(1);
            assertThat(chunk.payload().getLong()).isEqualTo(32 << 20);
            assertThat(chunk.payload().getInt()).isEqualTo(32 << 20);
        }
    }

    @ParameterizedTest
    @EnumSource(mode = Mode.EXCLUDE, names = "SIMPLE")
    void aReadThatFailsSaysWhere(ReplyStyle style) {
        try (WireClient client = nbd.open(style)) {
            nbd.disk.failedOffset = 12288;
            nbd.disk.answer = IoStatus.EIO;

            client.send(request(style, 0, READ, 5, 8192, 65536));
            WireClient.Chunk chunk = readChunk(client, style);

            assertThat(chunk.type()).isEqualTo(TransmissionWire.CHUNK_ERROR_OFFSET);
            assertThat(chunk.error()).isEqualTo(EIO);
            int messageBytes = chunk.payload().getShort(4);
            assertThat(new String(chunk.payload().array(), 6, messageBytes, StandardCharsets.US_ASCII))
                    .isEqualTo("the storage failed");
            assertThat(chunk.payload().getLong(6 + messageBytes)).isEqualTo(12288);
            nbd.disk.answer = IoStatus.OK;
            readAndCompare(client, style, 0, model.length, 0);
        }
    }

    @Test
    void aReadThatIsTooLongOverflows() {
        try (WireClient client = nbd.open(ReplyStyle.EXTENDED)) {
            for (long length : new long[] {(32 << 20) + 1, 1L << 32, 1L << 40, Long.MAX_VALUE, -1}) {
                client.send(WireClient.extendedRequest(0, READ, 1, 0, length));
                assertThat(client.readExtendedChunk().chunk().error()).isEqualTo(EOVERFLOW);
            }
        }
    }

    @Test
    void everyExtendedAnswerIsAChunkWithTheRequestsOffset() {
        try (WireClient client = nbd.open(ReplyStyle.EXTENDED)) {
            byte[] data = new byte[70_000];
            random.nextBytes(data);

            client.send(WireClient.extendedRequest(PAYLOAD_LEN, WRITE, 1, 4097, data.length, data));
            client.send(WireClient.extendedRequest(0, FLUSH, 2, 0, 0));
            client.send(WireClient.extendedRequest(0, TRIM, 3, 1 << 20, NbdFixture.SIZE_BYTES - (1 << 20)));
            client.send(WireClient.extendedRequest(3, ZEROES, 4, 1 << 20, 48 << 20));
            client.send(WireClient.extendedRequest(0, CACHE, 5, 0, NbdFixture.SIZE_BYTES));

            boolean[] answered = new boolean[6];
            for (int i = 0; i < 5; i++) {
                WireClient.ExtendedChunk chunk = client.readExtendedChunk();
                assertThat(chunk.type()).isEqualTo(TransmissionWire.CHUNK_NONE);
                assertThat(chunk.flags()).isEqualTo(1);
                assertThat(chunk.offset())
                        .isEqualTo(new long[] {0, 4097, 0, 1 << 20, 1 << 20, 0}[(int) chunk.cookie()]);
                answered[(int) chunk.cookie()] = true;
            }
            assertThat(answered).containsExactly(false, true, true, true, true, true);
            System.arraycopy(data, 0, model, 4097, data.length);
            readAndCompare(client, ReplyStyle.EXTENDED, 0, 200_000, 0);
        }
    }

    @Test
    void effectLengthsOfSixtyFourBitsDoNotWrapAround() {
        try (WireClient client = nbd.open(ReplyStyle.EXTENDED, "base:allocation")) {
            for (int command : new int[] {TRIM, ZEROES, CACHE, 7}) {
                for (long length : new long[] {1L << 32, (1L << 32) + 4096, Long.MAX_VALUE, Long.MIN_VALUE, -4096}) {
                    client.send(WireClient.extendedRequest(0, command, 1, 4096, length));
                    assertThat(client.readExtendedChunk().chunk().error()).isIn(EINVAL, 28);
                }
            }
            readAndCompare(client, ReplyStyle.EXTENDED, 0, model.length, 0);
        }
    }

    @Test
    void payloadsThatNobodyExpectsAreReadPast() {
        try (WireClient client = nbd.open(ReplyStyle.EXTENDED)) {
            byte[] payload = new byte[10_000];
            for (int command : new int[] {READ, FLUSH, TRIM, CACHE, ZEROES, 7, 99}) {
                client.send(WireClient.extendedRequest(PAYLOAD_LEN, command, 1, 0, payload.length, payload));
                assertThat(client.readExtendedChunk().chunk().error()).isEqualTo(EINVAL);
            }
            client.send(WireClient.extendedRequest(0, WRITE, 1, 0, 4096));
            assertThat(client.readExtendedChunk().chunk().error())
                    .as("no payload")
                    .isEqualTo(EINVAL);
            readAndCompare(client, ReplyStyle.EXTENDED, 0, model.length, 0);
        }
    }

    @Test
    void aPayloadOverTheMaximumCloses() {
        for (long length : new long[] {(32 << 20) + 1, 1L << 33, -1}) {
            try (WireClient client = nbd.open(ReplyStyle.EXTENDED)) {
                client.send(WireClient.extendedRequest(PAYLOAD_LEN, WRITE, 1, 0, length));
                assertThat(client.closedByServer()).isTrue();
            }
        }
        assertThat(nbd.server.counters().violations()).isEqualTo(3);
    }

    @Test
    void aShortRequestAfterExtendedHeadersCloses() {
        try (WireClient client = nbd.open(ReplyStyle.EXTENDED)) {
            client.send(WireClient.request(0, READ, 1, 0, 4096, new byte[4]));
            assertThat(client.closedByServer()).isTrue();
        }
    }

    @Test
    void extendedHeadersTakePrecedenceOverStructuredReplies() {
        try (WireClient client = nbd.connect()) {
            client.handshake();
            assertThat(type(client, HandshakeWire.OPT_STRUCTURED_REPLY)).isEqualTo(HandshakeWire.REP_ACK);
            assertThat(type(client, HandshakeWire.OPT_EXTENDED_HEADERS)).isEqualTo(HandshakeWire.REP_ACK);
            assertThat(type(client, HandshakeWire.OPT_EXTENDED_HEADERS)).isEqualTo(HandshakeWire.REP_ACK);
            assertThat(type(client, HandshakeWire.OPT_STRUCTURED_REPLY))
                    .isEqualTo(HandshakeWire.REP_ERR_EXT_HEADER_REQD);
            assertThat(WireClient.last(client.option(HandshakeWire.OPT_EXTENDED_HEADERS, new byte[1]))
                            .type())
                    .isEqualTo(HandshakeWire.REP_ERR_INVALID);

            client.sendOption(HandshakeWire.OPT_EXPORT_NAME, "disk".getBytes(StandardCharsets.UTF_8));
            assertThat(client.closedByServer()).isTrue();
        }
    }

    @Test
    void aGoodbyeIsHeededWithExtendedHeaders() {
        try (WireClient client = nbd.open(ReplyStyle.EXTENDED)) {
            client.send(WireClient.extendedRequest(0, DISC, 1, 0, 0));
            assertThat(client.closedByServer()).isTrue();
        }
        nbd.awaitNoConnections();
    }

    @Test
    void prefetchingReadsWhatItMayAndEndsWithTheConnection() {
        nbd.disk.completing = MemoryVolume.Completing.WHEN_RELEASED;
        try (WireClient client = nbd.open(ReplyStyle.STRUCTURED)) {
            client.send(WireClient.request(0, CACHE, 1, 0, NbdFixture.SIZE_BYTES));
            org.awaitility.Awaitility.await().until(() -> nbd.disk.requests.get() > 20);
        }
        nbd.disk.releaseHeld();
        nbd.disk.completing = MemoryVolume.Completing.AT_SUBMIT;
        nbd.awaitNoConnections();
        assertThat(nbd.server.counters().bytesInFlight()).isZero();
    }

    // ---- a client ----

    private static int type(WireClient client, int option) {
        return WireClient.last(client.option(option, new byte[0])).type();
    }

    private static byte[] request(ReplyStyle style, int flags, int command, long cookie, long offset, int length) {
        return style == ReplyStyle.EXTENDED
                ? WireClient.extendedRequest(flags, command, cookie, offset, length)
                : WireClient.request(flags, command, cookie, offset, length);
    }

    private static WireClient.Chunk readChunk(WireClient client, ReplyStyle style) {
        return style == ReplyStyle.EXTENDED ? client.readExtendedChunk().chunk() : client.readChunk();
    }

    /** Reads, puts the chunks together and compares with the model; answers how many holes there were. */
    private int readAndCompare(WireClient client, ReplyStyle style, int offset, int length, int flags) {
        client.send(request(style, flags, READ, 9, offset, length));
        byte[] read = new byte[length];
        boolean[] seen = new boolean[length];
        int holes = 0;
        WireClient.Chunk chunk;
        do {
            chunk = readChunk(client, style);
            assertThat(chunk.cookie()).isEqualTo(9);
            ByteBuffer payload = chunk.payload();
            int at = (int) payload.getLong() - offset;
            boolean hole = chunk.type() == TransmissionWire.CHUNK_OFFSET_HOLE;
            int piece = hole ? payload.getInt() : payload.remaining();
            holes += hole ? 1 : 0;
            if (!hole) {
                assertThat(chunk.type()).isEqualTo(TransmissionWire.CHUNK_OFFSET_DATA);
                payload.get(read, at, piece);
            }
            for (int i = at; i < at + piece; i++) {
                assertThat(seen[i]).isFalse();
                seen[i] = true;
            }
        } while (chunk.flags() == 0);
        for (boolean covered : seen) {
            assertThat(covered).isTrue();
        }
        assertThat(read).isEqualTo(Arrays.copyOfRange(model, offset, offset + length));
        return holes;
    }
}
