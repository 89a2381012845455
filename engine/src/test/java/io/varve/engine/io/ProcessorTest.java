package io.varve.engine.io;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ProcessorTest {
    private static final String MODERN = "flags\t\t: fpu sse2 ssse3 avx avx2 bmi2";

    @Test
    void allProcessorsThatAreListedMustHaveAllFlags() {
        assertThat(has("avx2", "processor\t: 0", MODERN, "processor\t: 1", MODERN))
                .isTrue();
        assertThat(has("avx2", MODERN, "flags\t\t: fpu sse2 ssse3")).isFalse();
        assertThat(has("av", MODERN)).isFalse();
        assertThat(has("bmi2", "processor\t: 0")).isFalse();
    }

    @Test
    void thisMachinesProcessorIsKnown() {
        assertThat(Processor.has(Set.of()))
                .isEqualTo(System.getProperty("os.arch").equals("amd64"));
    }

    private static boolean has(String flag, String... cpuinfo) {
        return Processor.eachHas(Set.of(flag), Stream.of(cpuinfo));
    }
}
