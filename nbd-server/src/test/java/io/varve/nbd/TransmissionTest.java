package io.varve.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.IoStatus;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class TransmissionTest {
    private static final int READ = 0;
    private static final int WRITE = 1;
    private static final int FLUSH = 3;
    private static final int TRIM = 4;
    private static final int ZEROES = 6;
    private static final int EPERM = 1;
    private static final int EIO = 5;
    private static final int EINVAL = 22;
    private static final int ENOSPC = 28;
    private static final int ENOTSUP = 95;

    private final Random random = new Random(1);
    private NbdFixture nbd;
    private WireClient client;

    @BeforeEach
    void open() {
        nbd = NbdFixture.start();
        client = nbd.open();
    }

    @AfterEach
    void close() {
        client.close();
        nbd.close();
    }

    @Test
    void readsBackWhatWasWritten() {
        for (int length : new int[] {1, 511, 4096, 65536, 1 << 20, 32 << 20}) {
            byte[] data = bytes(length);

            assertThat(client.call(WireClient.write(1, 4097, data))).isZero();

            assertThat(read(4097, length)).isEqualTo(data);
        }
    }

    @Test
    void readsBackWhatWasWrittenWhenCompletionsComeLater() {
        nbd.disk.completing = MemoryVolume.Completing.LATER;

        readsBackWhatWasWritten();
    }

    @Test
    void takesAWriteThatTricklesIn() {
        byte[] data = bytes(200_000);
        byte[] message = WireClient.write(7, 0, data);

        for (int at = 0; at < message.length; at += 3333) {
            client.send(Arrays.copyOfRange(message, at, Math.min(message.length, at + 3333)));
        }

        assertThat(client.readReply()).isEqualTo(new WireClient.Reply(0, 7));
        assertThat(read(0, data.length)).isEqualTo(data);
    }

    @Test
    void takesHeadersThatAreSplitAnywhere() {
        byte[] message = WireClient.concat(
                WireClient.write(1, 0, bytes(100)),
                WireClient.request(0, READ, 2, 0, 0),
                WireClient.write(3, 0, bytes(5)));

        for (byte b : message) {
            client.send(new byte[] {b});
        }

        assertThat(List.of(client.readReply(), client.readReply(), client.readReply()))
                .extracting(WireClient.Reply::cookie)
                .containsExactlyInAnyOrder(1L, 2L, 3L);
    }

    @Test
    void submitsWhatCameTogetherAsOneBatch() {
        byte[][] writes = new byte[32][];
        for (int i = 0; i < writes.length; i++) {
            writes[i] = WireClient.write(i, i * 128L, bytes(64));
        }

        client.send(WireClient.concat(writes));
        for (int i = 0; i < writes.length; i++) {
            assertThat(client.readReply().error()).isZero();
        }

        assertThat(nbd.disk.requests.get()).isEqualTo(32);
        assertThat(nbd.disk.batches.get()).isLessThanOrEqualTo(2);
    }

    @Test
    void passesOnTheForceUnitAccessFlag() {
        assertThat(client.call(WireClient.request(1, WRITE, 1, 0, 4, bytes(4)))).isZero();
        assertThat(client.call(WireClient.request(1, TRIM, 1, 0, 4096))).isZero();
        assertThat(client.call(WireClient.request(1, ZEROES, 1, 0, 4096))).isZero();
        assertThat(client.call(WireClient.request(1, FLUSH, 1, 0, 0))).isZero();

        assertThat(nbd.disk.durableRequests.get()).isEqualTo(3);
    }

    @Test
    void zeroesToTheByteAndTrimsWholeBlocks() {
        client.call(WireClient.write(1, 0, bytes(16384)));

        assertThat(client.call(WireClient.request(2, ZEROES, 1, 100, 200))).isZero();
        assertThat(client.call(WireClient.request(0, TRIM, 1, 4096, 4096))).isZero();

        assertThat(read(100, 200)).containsOnly(0);
        assertThat(read(4096, 4096)).containsOnly(0);
    }

    @Test
    void refusesWhatReachesBeyondTheEnd() {
        long end = NbdFixture.SIZE_BYTES;
        assertThat(client.call(WireClient.request(0, READ, 1, end - 1, 2))).isEqualTo(EINVAL);
        assertThat(client.call(WireClient.request(0, TRIM, 1, end - 1, 2))).isEqualTo(EINVAL);
        assertThat(client.call(WireClient.request(0, ZEROES, 1, end - 1, 2))).isEqualTo(ENOSPC);
        assertThat(client.call(WireClient.write(1, end - 1, bytes(2)))).isEqualTo(ENOSPC);
        assertThat(client.call(WireClient.request(0, READ, 1, -1, 2))).isEqualTo(EINVAL);
        assertThat(client.call(WireClient.write(1, Long.MAX_VALUE, bytes(200)))).isEqualTo(ENOSPC);
        assertThat(client.call(WireClient.request(0, ZEROES, 1, -4096, -1))).isEqualTo(ENOSPC);
        stillWorks();
    }

    @Test
    void refusesPayloadsOverTheMaximum() {
        assertThat(client.call(WireClient.request(0, READ, 1, 0, (32 << 20) + 1)))
                .isEqualTo(EINVAL);
        assertThat(client.call(WireClient.request(0, READ, 1, 0, -1))).isEqualTo(EINVAL);
        assertThat(client.call(WireClient.write(1, 0, new byte[(32 << 20) + 1])))
                .isEqualTo(EINVAL);
        stillWorks();
    }

    @Test
    void closesOnAPayloadThatOnlyAnAttackerWouldSend() {
        client.send(WireClient.request(0, WRITE, 1, 0, -1));

        assertThat(client.closedByServer()).isTrue();
        assertThat(nbd.server.counters().violations()).isEqualTo(1);
    }

    @Test
    void trimsAndZeroesMayBeLargerThanTheMaximumPayload() {
        assertThat(client.call(WireClient.request(0, TRIM, 1, 0, 48 << 20))).isZero();
        assertThat(client.call(WireClient.request(0, ZEROES, 1, 0, 48 << 20))).isZero();
    }

    @Test
    void refusesUnknownCommandsAndFlagsAndStays() {
        assertThat(client.call(WireClient.request(2, 5, 1, 0, 4096))).isEqualTo(EINVAL);
        assertThat(client.call(WireClient.request(0, 7, 1, 0, 4096))).isEqualTo(EINVAL);
        assertThat(client.call(WireClient.request(0, 999, 1, 0, 0))).isEqualTo(EINVAL);
        assertThat(client.call(WireClient.request(1 << 9, READ, 1, 0, 1))).isEqualTo(EINVAL);
        assertThat(client.call(WireClient.request(4, READ, 1, 0, 1))).isEqualTo(EINVAL);
        assertThat(client.call(WireClient.request(2, WRITE, 1, 0, 3, bytes(3)))).isEqualTo(EINVAL);
        assertThat(client.call(WireClient.request(0, FLUSH, 1, 0, 1))).isEqualTo(EINVAL);
        stillWorks();
    }

    @Test
    void fastZeroIsRefusedWhereItIsNotFast() {
        assertThat(client.call(WireClient.request(16, ZEROES, 1, 0, 1 << 20))).isZero();
        assertThat(client.call(WireClient.request(16, ZEROES, 1, 512, 1 << 20))).isEqualTo(ENOTSUP);
    }

    @Test
    void emptyRequestsSucceed() {
        assertThat(client.call(WireClient.request(0, READ, 1, 0, 0))).isZero();
        assertThat(client.call(WireClient.request(0, WRITE, 1, NbdFixture.SIZE_BYTES, 0)))
                .isZero();
        assertThat(client.call(WireClient.request(0, TRIM, 1, 0, 0))).isZero();
        assertThat(client.call(WireClient.request(0, ZEROES, 1, 0, 0))).isZero();
    }

    @Test
    void tellsTheEnginesErrors() {
        nbd.disk.answer = IoStatus.EIO;
        assertThat(client.call(WireClient.request(0, READ, 1, 0, 4096))).isEqualTo(EIO);
        assertThat(client.call(WireClient.write(1, 0, bytes(4096)))).isEqualTo(EIO);
        nbd.disk.answer = IoStatus.ENOSPC;
        assertThat(client.call(WireClient.write(1, 0, bytes(70_000)))).isEqualTo(ENOSPC);
        nbd.disk.answer = IoStatus.OK;
        stillWorks();
    }

    @Test
    void refusesToWriteToASnapshot() {
        try (WireClient reader = nbd.connect()) {
            reader.handshake();
            reader.go(NbdFixture.SNAPSHOT);

            assertThat(reader.call(WireClient.write(1, 0, bytes(100_000)))).isEqualTo(EPERM);
            assertThat(reader.call(WireClient.request(0, TRIM, 1, 0, 4096))).isEqualTo(EPERM);
            assertThat(reader.call(WireClient.request(0, ZEROES, 1, 0, 4096))).isEqualTo(EPERM);
            assertThat(reader.call(WireClient.request(0, READ, 1, 0, 4096))).isZero();
        }
    }

    @Test
    void closesOnAWrongMagic() {
        client.send(new byte[28]);

        assertThat(client.closedByServer()).isTrue();
        nbd.awaitNoConnections();
    }

    @Test
    void answersWhatIsOutstandingBeforeItHeedsAGoodbye() {
        nbd.disk.completing = MemoryVolume.Completing.LATER;

        client.send(WireClient.concat(WireClient.write(1, 0, bytes(4096)), WireClient.request(0, 2, 0, 0, 0)));

        assertThat(client.readReply()).isEqualTo(new WireClient.Reply(0, 1));
        assertThat(client.closedByServer()).isTrue();
        nbd.awaitNoConnections();
    }

    @Test
    void structuredRepliesCarryOffsetAndReason() {
        try (WireClient structured = nbd.connect()) {
            structured.handshake();
            structured.option(HandshakeWire.OPT_STRUCTURED_REPLY, new byte[0]);
            structured.go(MemoryExports.DEFAULT);
            byte[] data = bytes(512);
            structured.send(WireClient.write(1, 1024, data));
            assertThat(structured.readReply().error()).isZero();

            structured.send(WireClient.request(4, READ, 9, 1024, 512));
            WireClient.Chunk chunk = structured.readChunk();
            assertThat(chunk.flags()).isEqualTo(1);
            assertThat(chunk.type()).isEqualTo(TransmissionWire.CHUNK_OFFSET_DATA);
            assertThat(chunk.cookie()).isEqualTo(9);
            assertThat(Arrays.copyOfRange(chunk.payload().array(), 8, 520)).isEqualTo(data);

            structured.send(WireClient.request(0, READ, 10, NbdFixture.SIZE_BYTES, 512));
            WireClient.Chunk error = structured.readChunk();
            assertThat(error.type()).isEqualTo(TransmissionWire.CHUNK_ERROR);
            assertThat(error.error()).isEqualTo(EINVAL);

            structured.send(WireClient.request(0, READ, 11, 0, 0));
            assertThat(structured.readChunk().type()).isEqualTo(TransmissionWire.CHUNK_NONE);
        }
    }

    private void stillWorks() {
        byte[] data = bytes(4096);
        assertThat(client.call(WireClient.write(5, 8192, data))).isZero();
        assertThat(read(8192, 4096)).isEqualTo(data);
    }

    private byte[] read(long offset, int length) {
        client.send(WireClient.request(0, READ, 3, offset, length));
        assertThat(client.readReply()).isEqualTo(new WireClient.Reply(0, 3));
        return client.readBytes(length);
    }

    private byte[] bytes(int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }
}
