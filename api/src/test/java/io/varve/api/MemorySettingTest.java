package io.varve.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the operator says about memory, and what the JVM allows. */
class MemorySettingTest {
    private static final long JVM_MIB = 576;

    @Test
    void nothingSaidIsWhatTheJvmAllowsWithoutTheSlack() {
        assertThat(MemorySetting.budget("", JVM_MIB << 20).offHeapBytes()).isEqualTo(512L << 20);
    }

    @Test
    void lessThanTheJvmAllowsIsTaken() {
        assertThat(MemorySetting.budget("128", JVM_MIB << 20).offHeapBytes()).isEqualTo(128L << 20);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "much | --memory is a number, not much",
                "127  | --memory is from 128 to 1048576, not 127",
                "513  | a memory of 513 MiB needs -XX:MaxDirectMemorySize=577m, and the JVM has 576 MiB"
            })
    void whatCannotBeIsRefused(String said, String problem) {
        assertThatThrownBy(() -> MemorySetting.budget(said, JVM_MIB << 20))
                .isInstanceOf(StartException.class)
                .hasMessageContaining(problem);
    }
}
