package io.varve.api.rest;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The header Prefer as RFC 7240 has it. */
class PreferencesTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "wait=10|10",
                "WAIT = 10|10",
                "wait=\"10\"|10",
                "respond-async, wait=10|10",
                "foo; bar=\"a, wait=3\", wait=10;x=y|10",
                "wait=10, wait=20|10",
                "wait=0|0",
                "wait|45",
                "wait=\"\"|45",
                "wait=46|45",
                "wait=99999999999999999999|45",
            })
    void aWaitIsReadAndCutDownToWhatIsAllowed(String header, int seconds) {
        assertThat(Preferences.of(List.of(header)).waitSeconds()).contains(seconds);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ",,", "wait=soon", "wait=-1", "wait=1.5", "await=3", "x=\"wait=3", ";wait=3", "=3"})
    void whatSaysNothingIsIgnored(String header) {
        assertThat(Preferences.of(List.of(header)).waitSeconds()).isEmpty();
    }

    @Test
    void severalLinesAreOneList() {
        Preferences preferred = Preferences.of(List.of("return=minimal", "Respond-Async", "wait=5", "wait=6"));
        assertThat(preferred).isEqualTo(new Preferences(Optional.of(5), true));
        assertThat(Preferences.of(List.of())).isEqualTo(new Preferences(Optional.empty(), false));
    }

    @Test
    void whatWasHeededIsTold() {
        Preferences both = new Preferences(Optional.of(5), true);
        assertThat(applied(both, true, true)).contains("wait=5");
        assertThat(applied(both, true, false)).contains("wait=5, respond-async");
        assertThat(applied(both, false, false)).contains("respond-async");
        assertThat(applied(new Preferences(Optional.of(5), false), false, false))
                .isEmpty();
        assertThat(applied(new Preferences(Optional.empty(), false), true, false))
                .isEmpty();
    }

    private static Optional<String> applied(Preferences preferred, boolean waited, boolean ended) {
        return Optional.ofNullable(
                preferred.applied(Answer.empty(), waited, ended).headers().get("Preference-Applied"));
    }
}
