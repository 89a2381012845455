package io.varve.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.IoStatus;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** Metadata contexts, from their negotiation to the answers that BLOCK_STATUS gives. */
@Timeout(30)
class MetaContextTest {
    private static final int BLOCK_STATUS = 7;
    private static final int REQ_ONE = 8;
    private static final int PAYLOAD_LEN = 32;
    private static final int EINVAL = 22;
    private static final int EIO = 5;
    private static final String SNAPSHOT = "snap-00000000000000007";
    private static final String OLDER = "snap-00000000000000006";
    private static final String DISK = MemoryExports.DEFAULT;

    private NbdFixture nbd;

    @BeforeEach
    void start() {
        nbd = NbdFixture.start();
        nbd.exports.history(DISK).remember(OLDER);
        write(4096, 8192);
        nbd.exports.history(DISK).remember(SNAPSHOT);
        write(1 << 20, 4096);
        nbd.awaitNoConnections();
    }

    @AfterEach
    void stop() {
        nbd.close();
        assertThat(nbd.exports.history(DISK).openSources).as("sources released").hasValue(0);
    }

    @Test
    void listsWhatTheQueriesFind() {
        try (WireClient client = structured()) {
            String[] all = {
                "base:allocation",
                "qemu:allocation-depth",
                "varve:changed-since:" + SNAPSHOT,
                "varve:changed-since:" + OLDER,
                "qemu:dirty-bitmap:" + SNAPSHOT,
                "qemu:dirty-bitmap:" + OLDER
            };
            assertThat(list(client)).containsExactly(all);
            assertThat(list(client, "base:")).containsExactly(all[0]);
            assertThat(list(client, "qemu:")).containsExactly(all[1], all[4], all[5]);
            assertThat(list(client, "qemu:dirty-bitmap:")).containsExactly(all[4], all[5]);
            assertThat(list(client, "varve:changed-since:" + OLDER, "base:allocation"))
                    .containsExactly(all[0], all[3]);
            assertThat(list(client, "x-other:", "base:unknown", "varve:changed-since:nobody"))
                    .isEmpty();
        }
    }

    @Test
    void selectsOnlyWhatIsNamedInFullAndExists() {
        try (WireClient client = structured()) {
            assertThat(select(client, "base:", "qemu:dirty-bitmap:", "x-other:thing", "base:nothing"))
                    .isEmpty();
            assertThat(select(client, "base:allocation", "base:allocation", "qemu:dirty-bitmap:" + OLDER))
                    .containsExactly("1 base:allocation", "2 qemu:dirty-bitmap:" + OLDER);
            assertThat(select(client)).isEmpty();
        }
    }

    @Test
    void contextsNeedChunksToAnswerIn() {
        try (WireClient client = nbd.connect()) {
            client.handshake();
            for (int option : new int[] {HandshakeWire.OPT_LIST_META_CONTEXT, HandshakeWire.OPT_SET_META_CONTEXT}) {
                assertThat(type(client, option, WireClient.contextQuery(DISK, "base:allocation")))
                        .isEqualTo(HandshakeWire.REP_ERR_INVALID);
            }
            client.go(DISK);
        }
    }

    @Test
    void refusesQueriesThatAreBroken() {
        try (WireClient client = structured()) {
            int set = HandshakeWire.OPT_SET_META_CONTEXT;
            String[] many = new String[129];
            java.util.Arrays.fill(many, "base:allocation");

            assertThat(type(client, set, WireClient.contextQuery("nobody", "base:allocation")))
                    .isEqualTo(HandshakeWire.REP_ERR_UNKNOWN);
            assertThat(type(client, set, WireClient.contextQuery(DISK, "allocation")))
                    .isEqualTo(HandshakeWire.REP_ERR_INVALID);
            assertThat(type(client, set, WireClient.contextQuery(DISK, ":allocation")))
                    .isEqualTo(HandshakeWire.REP_ERR_INVALID);
            assertThat(type(client, set, WireClient.contextQuery(DISK, "base:" + "x".repeat(4092))))
                    .isEqualTo(HandshakeWire.REP_ERR_TOO_BIG);
            assertThat(type(client, set, WireClient.contextQuery(DISK, many))).isEqualTo(HandshakeWire.REP_ERR_TOO_BIG);
            byte[] whole = WireClient.contextQuery(DISK, "base:allocation");
            for (int length = 0; length < whole.length; length++) {
                assertThat(type(client, set, java.util.Arrays.copyOf(whole, length)))
                        .isEqualTo(HandshakeWire.REP_ERR_INVALID);
            }
            assertThat(type(client, set, java.util.Arrays.copyOf(whole, whole.length + 1)))
                    .isEqualTo(HandshakeWire.REP_ERR_INVALID);
        }
    }

    @Test
    void moreContextsThanOneClientMaySelectAreTooBig() {
        String[] names = new String[17];
        for (int i = 0; i < names.length; i++) {
            nbd.exports.history(DISK).remember("snap-%017x".formatted(100 + i));
            names[i] = "varve:changed-since:snap-%017x".formatted(100 + i);
        }
        try (WireClient client = structured()) {
            assertThat(type(client, HandshakeWire.OPT_SET_META_CONTEXT, WireClient.contextQuery(DISK, names)))
                    .isEqualTo(HandshakeWire.REP_ERR_TOO_BIG);
        }
    }

    @ParameterizedTest
    @EnumSource(mode = Mode.EXCLUDE, names = "SIMPLE")
    void answersOneChunkPerContext(ReplyStyle style) {
        try (WireClient client =
                nbd.open(style, "base:allocation", "varve:changed-since:" + SNAPSHOT, "qemu:dirty-bitmap:" + OLDER)) {
            long all = NbdFixture.SIZE_BYTES;
            List<Status> answers = status(client, style, 0, 0, all, 3);

            assertThat(answers.get(0).extents)
                    .containsExactly(
                            "4096:3", "8192:0", (1 << 20) - 12288 + ":3", "4096:0", all - (1 << 20) - 4096 + ":3");
            assertThat(answers.get(1).extents)
                    .containsExactly((1 << 20) + ":0", "4096:1", all - (1 << 20) - 4096 + ":0");
            assertThat(answers.get(2).extents).hasSize(5).startsWith("4096:0", "8192:1");
            assertThat(answers).extracting(Status::context).containsExactly(1, 2, 3);
        }
    }

    @ParameterizedTest
    @EnumSource(mode = Mode.EXCLUDE, names = "SIMPLE")
    void answersOneExtentWhereOneIsWanted(ReplyStyle style) {
        try (WireClient client = nbd.open(style, "base:allocation", "qemu:allocation-depth")) {
            List<Status> answers = status(client, style, REQ_ONE, 5000, 100_000, 2);

            assertThat(answers.get(0).extents).containsExactly("7288:0");
            assertThat(answers.get(1).extents).containsExactly("7288:1");
            assertThat(status(client, style, REQ_ONE, 2 << 20, 4096, 2).get(0).extents)
                    .as("no longer than the request")
                    .containsExactly("4096:3");
        }
    }

    @Test
    void answersTheContextsThatAPayloadNames() {
        try (WireClient client = nbd.open(
                ReplyStyle.EXTENDED, "base:allocation", "qemu:allocation-depth", "varve:changed-since:" + OLDER)) {
            client.send(filtered(NbdFixture.SIZE_BYTES, 3, 1));

            assertThat(readStatus(client, ReplyStyle.EXTENDED, 0).context).isEqualTo(3);
            assertThat(readStatus(client, ReplyStyle.EXTENDED, 1).context).isEqualTo(1);
            for (byte[] bad : List.of(
                    filtered(4096, 4),
                    filtered(4096, 0),
                    filtered(4096, -1),
                    filtered(4096, 1, 1),
                    filtered(4096),
                    filtered(4096, 1, 2, 3, 1),
                    filtered(NbdFixture.SIZE_BYTES + 1, 1),
                    filtered(-1, 1),
                    filtered(0, 1),
                    WireClient.extendedRequest(PAYLOAD_LEN, BLOCK_STATUS, 1, 0, 13, new byte[13]))) {
                client.send(bad);
                assertThat(client.readExtendedChunk().chunk().error()).isEqualTo(EINVAL);
            }
            assertThat(status(client, ReplyStyle.EXTENDED, 0, 0, 4096, 3)).hasSize(3);
        }
    }

    @Test
    void refusesBlockStatusWithoutASelection() {
        try (WireClient client = nbd.open(ReplyStyle.STRUCTURED)) {
            client.send(WireClient.request(0, BLOCK_STATUS, 1, 0, 4096));
            assertThat(client.readChunk().error()).isEqualTo(EINVAL);
        }
    }

    @Test
    void aSelectionForAnotherExportDoesNotCount() {
        try (WireClient client = structured()) {
            select(client, "base:allocation");
            client.go(NbdFixture.SNAPSHOT);
            client.send(WireClient.request(0, BLOCK_STATUS, 1, 0, 4096));
            assertThat(client.readChunk().error()).isEqualTo(EINVAL);
        }
    }

    @Test
    void aSelectionThatFailsReplacesTheOneBefore() {
        try (WireClient client = structured()) {
            select(client, "base:allocation");
            type(client, HandshakeWire.OPT_SET_META_CONTEXT, new byte[3]);
            client.go(DISK);
            client.send(WireClient.request(0, BLOCK_STATUS, 1, 0, 4096));
            assertThat(client.readChunk().error()).isEqualTo(EINVAL);
        }
    }

    @Test
    void refusesRangesThatAreNoneAndTellsTheEnginesErrors() {
        try (WireClient client = nbd.open(ReplyStyle.STRUCTURED, "base:allocation")) {
            long size = NbdFixture.SIZE_BYTES;
            for (byte[] request : List.of(
                    WireClient.request(0, BLOCK_STATUS, 1, size, 1),
                    WireClient.request(0, BLOCK_STATUS, 1, 0, (int) size + 1),
                    WireClient.request(0, BLOCK_STATUS, 1, 0, -1),
                    WireClient.request(0, BLOCK_STATUS, 1, -1, -1),
                    WireClient.request(0, BLOCK_STATUS, 1, 0, 0),
                    WireClient.request(2, BLOCK_STATUS, 1, 0, 1))) {
                client.send(request);
                assertThat(client.readChunk().error()).isEqualTo(EINVAL);
            }
            nbd.disk.answer = IoStatus.EIO;
            client.send(WireClient.request(0, BLOCK_STATUS, 1, 0, 4096));
            assertThat(client.readChunk().error()).isEqualTo(EIO);
            nbd.disk.answer = IoStatus.OK;
        }
    }

    @Test
    void aSnapshotThatIsGoneByTheTimeOfOpeningIsAnUnknownExport() {
        try (WireClient client = structured()) {
            select(client, "base:allocation", "varve:changed-since:" + SNAPSHOT);
            nbd.exports.history(DISK).forget(SNAPSHOT);

            assertThat(type(client, HandshakeWire.OPT_GO, WireClient.exportRequest(DISK)))
                    .isEqualTo(HandshakeWire.REP_ERR_UNKNOWN);
            assertThat(nbd.disk.openHandles).hasValue(0);
            select(client, "base:allocation");
            client.go(DISK);
        }
    }

    // ---- a client ----

    private WireClient structured() {
        WireClient client = nbd.connect();
        client.handshake();
        client.option(HandshakeWire.OPT_STRUCTURED_REPLY, new byte[0]);
        return client;
    }

    private void write(long offset, int length) {
        byte[] data = new byte[length];
        java.util.Arrays.fill(data, (byte) 7);
        try (WireClient writer = nbd.open()) {
            assertThat(writer.call(WireClient.write(1, offset, data))).isZero();
        }
    }

    private static int type(WireClient client, int option, byte[] data) {
        return WireClient.last(client.option(option, data)).type();
    }

    private static List<String> list(WireClient client, String... queries) {
        return contexts(client, HandshakeWire.OPT_LIST_META_CONTEXT, queries).stream()
                .map(text -> text.substring(2))
                .toList();
    }

    private static List<String> select(WireClient client, String... queries) {
        return contexts(client, HandshakeWire.OPT_SET_META_CONTEXT, queries);
    }

    /** Id and name of each context. */
    private static List<String> contexts(WireClient client, int option, String... queries) {
        List<WireClient.OptionReply> replies = client.option(option, WireClient.contextQuery(DISK, queries));
        assertThat(WireClient.last(replies).type()).isEqualTo(HandshakeWire.REP_ACK);
        return replies.subList(0, replies.size() - 1).stream()
                .map(reply -> reply.data().getInt(0) + " "
                        + new String(reply.data().array(), 4, reply.data().capacity() - 4, StandardCharsets.UTF_8))
                .toList();
    }

    private static byte[] filtered(long length, int... ids) {
        byte[] payload = WireClient.bytes(to -> {
            to.writeLong(length);
            for (int id : ids) {
                to.writeInt(id);
            }
        });
        return WireClient.extendedRequest(PAYLOAD_LEN, BLOCK_STATUS, 9, 0, payload.length, payload);
    }

    /** @param extents each as length and flags */
    private record Status(int context, List<String> extents) {}

    private static List<Status> status(
            WireClient client, ReplyStyle style, int flags, long offset, long length, int contexts) {
        client.send(
                style == ReplyStyle.EXTENDED
                        ? WireClient.extendedRequest(flags, BLOCK_STATUS, 9, offset, length)
                        : WireClient.request(flags, BLOCK_STATUS, 9, offset, (int) length));
        List<Status> answers = new ArrayList<>();
        for (int i = 1; i <= contexts; i++) {
            answers.add(readStatus(client, style, i == contexts ? 1 : 0));
        }
        return answers;
    }

    private static Status readStatus(WireClient client, ReplyStyle style, int flags) {
        boolean extended = style == ReplyStyle.EXTENDED;
        WireClient.Chunk chunk = extended ? client.readExtendedChunk().chunk() : client.readChunk();
        assertThat(chunk.cookie()).isEqualTo(9);
        assertThat(chunk.type()).isEqualTo(extended ? 6 : 5);
        assertThat(chunk.flags()).isEqualTo(flags);
        ByteBuffer payload = chunk.payload();
        int context = payload.getInt();
        if (extended) {
            assertThat(payload.getInt()).isEqualTo((payload.capacity() - 8) / 16);
        }
        List<String> extents = new ArrayList<>();
        while (payload.hasRemaining()) {
            extents.add(
                    extended ? payload.getLong() + ":" + payload.getLong() : payload.getInt() + ":" + payload.getInt());
        }
        return new Status(context, extents);
    }
}
