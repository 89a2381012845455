package io.varve.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Method;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Every limit has a test that runs into it, and says which. */
@Timeout(30)
class LimitsTest {
    private static final Map<String, String> TESTS = Map.ofEntries(
            Map.entry("connections", "ServerLifeTest#connectionsOverTheLimitAreClosedAtOnce"),
            Map.entry("requestBytes", "TransmissionTest#refusesPayloadsOverTheMaximum"),
            Map.entry("discardBytes", "TransmissionTest#closesOnAPayloadThatOnlyAnAttackerWouldSend"),
            Map.entry("connectionRequests", "BackPressureTest#requestsOverTheLimitWaitAndAreAllAnswered"),
            Map.entry("connectionBytes", "BackPressureTest#bytesOverTheLimitWaitAndAreAllAnswered"),
            Map.entry(
                    "totalBytes", "BackPressureTest#aBurstOfTheLargestRequestsStaysWithinTheBudgetAndAllHaveTheirTurn"),
            Map.entry("guaranteedBytes", "CrowdTest#theRequestsOfAnotherClientGoOn"),
            Map.entry("outboundBytes", "BackPressureTest#aClientThatDoesNotReadItsRepliesIsClosedAndOthersGoOn"),
            Map.entry("statusExtents", "LimitsTest#aBlockStatusNamesNoMoreExtentsThanItMay"),
            Map.entry("prefetchBytes", "ChunkedReplyTest#prefetchingReadsWhatItMayAndEndsWithTheConnection"),
            Map.entry("patience.stall", "UnreadAnswersTest#whoeverTakesNothingIsClosed"),
            Map.entry(
                    "patience.pressed",
                    "UnreadAnswersTest#whoeverTakesNothingWhileOthersWaitForTheMemoryIsClosedSooner"),
            Map.entry(
                    "patience.pressedBytes",
                    "UnreadAnswersTest#whoeverTakesHisAnswersTooSlowlyIsClosedWhileOthersWait"),
            Map.entry("patience.farewell", "InterruptedRequestsTest#aClientThatDoesNotHangUpIsClosed"),
            Map.entry("negotiation.options", "KnownVulnerabilitiesTest#moreOptionsThanAHandshakeMayHaveClose"),
            Map.entry("negotiation.optionBytes", "HandshakeTest#namesOverTheLimitAreTooBig"),
            Map.entry("negotiation.answerBytes", "OptionsAheadTest#anAnswerThatIsTooLongIsRefused"),
            Map.entry(
                    "negotiation.outboundBytes", "OptionsAheadTest#aClientThatDoesNotReadItsAnswersIsNotAskedForMore"),
            Map.entry("negotiation.nameBytes", "HandshakeTest#namesOverTheLimitAreTooBig"),
            Map.entry("negotiation.listedExports", "KnownVulnerabilitiesTest#moreOptionsThanAHandshakeMayHaveClose"),
            Map.entry("negotiation.metaQueries", "MetaContextTest#refusesQueriesThatAreBroken"),
            Map.entry("negotiation.metaContexts", "MetaContextTest#moreContextsThanOneClientMaySelectAreTooBig"),
            Map.entry("negotiation.tlsHandshakes", "TlsTest#moreTlsHandshakesAtOnceThanThereMayBeAreRefused"),
            Map.entry("negotiation.duration", "ServerLifeTest#aHandshakeThatTakesTooLongIsClosed"));

    @Test
    void everyLimitHasATest() throws ClassNotFoundException {
        assertThat(TESTS.keySet()).containsExactlyInAnyOrderElementsOf(limits(NbdLimits.class, ""));
        for (String test : TESTS.values()) {
            int hash = test.indexOf('#');
            String name = test.substring(hash + 1);
            Optional<Method> method = Arrays.stream(Class.forName("io.varve.nbd." + test.substring(0, hash))
                            .getDeclaredMethods())
                    .filter(each -> each.getName().equals(name) && each.isAnnotationPresent(Test.class))
                    .findAny();
            assertThat(method).as(test).isPresent();
        }
    }

    private static Set<String> limits(Class<?> record, String prefix) {
        Set<String> names = new TreeSet<>();
        for (RecordComponent component : record.getRecordComponents()) {
            boolean group = component.getType().isRecord();
            String name = prefix + component.getName();
            Stream<String> added = group ? limits(component.getType(), name + ".").stream() : Stream.of(name);
            added.forEach(names::add);
        }
        return names;
    }

    @Test
    void aBlockStatusNamesNoMoreExtentsThanItMay() {
        NbdLimits two = NbdLimits.DEFAULT.withStatusExtents(2);
        try (NbdFixture nbd = NbdFixture.start(Transport.auto(), two);
                WireClient client = nbd.open(ReplyStyle.STRUCTURED, "base:allocation")) {
            client.call(WireClient.write(1, 4096, new byte[] {1}));
            client.send(WireClient.request(0, 7, 2, 0, 1 << 20));

            assertThat(client.readChunk().payload().remaining()).isEqualTo(Integer.BYTES + 2 * 8);
        }
    }

    @Test
    void withinLittleMemoryFewerConnectionsAreServed() {
        long bytes = 1 << 20;
        NbdLimits little = NbdLimits.DEFAULT.within(bytes);

        assertThat(little.totalBytes()).isEqualTo(bytes / 2);
        assertThat(little.connections() * little.guaranteedBytes()).isLessThanOrEqualTo(bytes / 4);
        assertThat(little.guaranteedBytes()).isGreaterThanOrEqualTo(2L * PayloadReceiver.MIN_BYTES);
        assertThat(NbdLimits.DEFAULT.within(1L << 40)).isEqualTo(NbdLimits.DEFAULT);
    }
}
