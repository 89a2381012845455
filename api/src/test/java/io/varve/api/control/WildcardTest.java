package io.varve.api.control;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What filter values match. */
class WildcardTest {
    @ParameterizedTest
    @CsvSource({
        "'', '', true",
        "'', a, false",
        "*, '', true",
        "a*, abc, true",
        "a*, ba, false",
        "*c, abcc, true",
        "a*b*c, a-b-b-c, true",
        "a*b*c, a-c-b, false",
        "a?c, abc, true",
        "a?c, ac, false",
        "Abc, abc, false",
        "a\\*c, a*c, true",
        "a\\*c, abc, false",
        "a\\?, a?, true",
        "a\\\\b, a\\b, true",
        "a\\, a\\, true",
        "**, x, true"
    })
    void patternsMatchAsInEc2(String pattern, String text, boolean matches) {
        assertThat(new Wildcard(pattern).matches(text)).isEqualTo(matches);
    }

    @Test
    void manyStarsDoNotMakeItSlow() {
        assertThat(new Wildcard("*a".repeat(250) + "b").matches("a".repeat(100_000)))
                .isFalse();
    }
}
