package io.varve.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** How long the server puts up with clients that are slow to take their answers or to finish what they say. */
class UnreadAnswersTest {
    private static final int LARGE = 8 << 20;
    private static final int STALL = 30;
    private static final int PRESSED = 10;

    private final SlowChannel channel = new SlowChannel();
    private final MemoryVolume volume = new MemoryVolume(new NettyLoop(channel.eventLoop()), 2 * LARGE);
    private final Service service =
            Service.of(NbdLimits.DEFAULT.withWork(64, 64 << 20, 2 * LARGE), new MemoryExports(), Optional.empty());

    @BeforeEach
    void connect() {
        volume.openHandles.set(1);
        Session session = new Session("slow", volume, false, ReplyStyle.SIMPLE, List.of());
        Connection connection = new Connection(session, service, new PayloadReceiver(), Unpooled.EMPTY_BUFFER);
        channel.pipeline().addLast(connection);
        connection.start();
    }

    @AfterEach
    void nothingIsLeft() {
        channel.close();
        channel.runPendingTasks();
        assertThat(volume.openHandles).hasValue(0);
        assertThat(service.counters().bytesInFlight()).isZero();
    }

    @Test
    void whoeverTakesNothingIsClosed() {
        send(WireClient.request(0, 0, 1, 0, LARGE));

        channel.pass(STALL - 1);
        assertThat(channel.isOpen()).isTrue();
        channel.pass(PRESSED);
        assertThat(channel.isOpen()).isFalse();
        assertThat(service.counters().timeouts()).isEqualTo(1);
    }

    @Test
    void whoeverTakesALittleNowAndThenMayStay() {
        send(WireClient.request(0, 0, 1, 0, LARGE));

        for (int i = 0; i < 100; i++) {
            channel.pass(STALL - 1);
            channel.take(1);
        }

        assertThat(channel.isOpen()).isTrue();
        channel.take(LARGE);
        assertThat(channel.taken()).isEqualTo(TransmissionWire.SIMPLE_REPLY_BYTES + LARGE);
    }

    @Test
    void whoeverSendsALittleNowAndThenMayStay() {
        byte[] write = WireClient.write(1, 0, new byte[100]);
        channel.take(TransmissionWire.SIMPLE_REPLY_BYTES);

        for (byte each : write) {
            send(new byte[] {each});
            channel.pass(STALL - 1);
        }

        assertThat(channel.isOpen()).isTrue();
        assertThat(channel.taken()).isEqualTo(TransmissionWire.SIMPLE_REPLY_BYTES);
    }

    @Test
    void whoeverTakesAnswersMayLeaveAMessageUnfinished() {
        send(WireClient.request(0, 0, 1, 0, LARGE));
        send(new byte[] {0x25});

        for (int i = 0; i < 20; i++) {
            channel.pass(STALL - 1);
            channel.take(1);
        }
        assertThat(channel.isOpen()).isTrue();

        channel.take(LARGE + TransmissionWire.SIMPLE_REPLY_BYTES);
        channel.pass(STALL + 2 * PRESSED);
        assertThat(channel.isOpen()).as("now nothing moves").isFalse();
    }

    @Test
    void whoeverHasNothingToSayMayStay() {
        send(WireClient.write(1, 0, new byte[100]));
        channel.take(TransmissionWire.SIMPLE_REPLY_BYTES);

        channel.pass(100_000);

        assertThat(channel.isOpen()).isTrue();
    }

    @Test
    void whoeverTakesNothingWhileOthersWaitForTheMemoryIsClosedSooner() {
        send(WireClient.request(0, 0, 1, 0, LARGE));
        assertThat(othersWant(2 * LARGE)).isFalse();

        channel.pass(PRESSED + 1);

        assertThat(channel.isOpen()).isFalse();
        assertThat(service.budget().wanted()).as("the other has his turn").isFalse();
        service.budget().giveBack(2 * LARGE);
    }

    @Test
    void whoeverTakesHisAnswersFastEnoughMayStayWhileOthersWait() {
        send(WireClient.request(0, 0, 1, 0, LARGE));
        assertThat(othersWant(2 * LARGE)).isFalse();

        for (int i = 0; i < 7; i++) {
            channel.take((1 << 20) + 1000);
            channel.pass(PRESSED);
        }
        assertThat(channel.isOpen()).isTrue();
        channel.take(LARGE);

        assertThat(service.budget().wanted()).isFalse();
        service.budget().giveBack(2 * LARGE);
    }

    @Test
    void whoeverTakesHisAnswersTooSlowlyIsClosedWhileOthersWait() {
        send(WireClient.request(0, 0, 1, 0, LARGE));
        assertThat(othersWant(2 * LARGE)).isFalse();

        channel.take((1 << 20) - 1000);
        channel.pass(PRESSED);

        assertThat(channel.isOpen()).isFalse();
        service.budget().giveBack(2 * LARGE);
    }

    @Test
    void whoeverHoldsOnlyWhatIsGuaranteedIsNotInAnybodysWay() {
        send(WireClient.request(0, 0, 1, 0, 4096));
        service.budget().take(LARGE);
        assertThat(othersWant(2 * LARGE)).isFalse();

        for (int i = 0; i < 20; i++) {
            channel.pass(STALL - 1);
            channel.take(1);
        }

        assertThat(channel.isOpen()).isTrue();
        service.budget().giveBack(LARGE);
        service.budget().giveBack(2 * LARGE);
    }

    @Test
    void whoeverWaitsForHimselfIsNotInAnybodysWay() {
        int reply = TransmissionWire.SIMPLE_REPLY_BYTES + LARGE;
        volume.completing = MemoryVolume.Completing.WHEN_RELEASED;
        for (int i = 0; i < 3; i++) {
            send(WireClient.request(0, 0, i, 0, LARGE));
        }
        assertThat(service.counters().waits()).isEqualTo(1);
        volume.completing = MemoryVolume.Completing.AT_SUBMIT;
        volume.releaseHeld();
        channel.runPendingTasks();

        for (int i = 0; i < 20; i++) {
            channel.pass(STALL - 1);
            channel.take(1);
        }
        channel.take(3L * reply);

        assertThat(channel.taken()).isEqualTo(3L * reply);
    }

    @Test
    void aPayloadThatDoesNotComeGivesWayToOthers() {
        send(WireClient.request(0, 1, 1, 0, LARGE, new byte[1000]));
        assertThat(othersWant(2 * LARGE)).isFalse();

        channel.pass(2 * PRESSED);

        assertThat(channel.isOpen()).isFalse();
        service.budget().giveBack(2 * LARGE);
    }

    /** Somebody else claims memory; true if he gets it at once. */
    private boolean othersWant(long bytes) {
        boolean[] met = new boolean[1];
        service.budget().claim(bytes, () -> met[0] = true);
        return met[0];
    }

    private void send(byte[] bytes) {
        channel.writeInbound(
                PooledByteBufAllocator.DEFAULT.directBuffer(bytes.length).writeBytes(bytes));
        channel.runPendingTasks();
    }
}
