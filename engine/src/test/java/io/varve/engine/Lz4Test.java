package io.varve.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class Lz4Test {
    private static final String MODERN =
            "flags\t\t: fpu sse2 ssse3 fma movbe avx f16c abm bmi1 avx2 bmi2 erms clflushopt";

    @Test
    void theNativeLibraryRunsWhereEveryProcessorHasWhatItWasCompiledFor() {
        assertThat(Lz4.runsOn(Stream.of("processor\t: 0", MODERN, "processor\t: 1", MODERN)))
                .isTrue();
        assertThat(Lz4.runsOn(Stream.of(MODERN, "flags\t\t: fpu sse2 ssse3 sse4_2")))
                .isFalse();
        assertThat(Lz4.runsOn(Stream.of("processor\t: 0"))).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"abm", "avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe"})
    void itDoesNotRunWhereOneOfThemIsMissing(String missing) {
        List<String> flags = Stream.of(MODERN.split(" "))
                .filter(flag -> !flag.equals(missing))
                .toList();
        assertThat(Lz4.runsOn(Stream.of(String.join(" ", flags)))).isFalse();
    }
}
