package io.varve.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

/** One figure is divided, and nothing is given twice. */
class MemoryBudgetTest {
    @Test
    void theSharesOutsideOfTheHeapAreTheFigure() {
        for (long mib : new long[] {128, 512, 1000, 1 << 20}) {
            assertThat(MemoryBudget.of(mib << 20).offHeapBytes()).isEqualTo(mib << 20);
        }
    }

    @Test
    void theHeapDoesNotGrowWithTheFigure() {
        assertThat(MemoryBudget.of(1L << 40).bytes(MemoryUse.UNPACKED_FRAMES)).isEqualTo(32 << 20);
    }

    @Test
    void aFigureThatSomethingCouldNotWorkWithIsRefused() {
        assertThatThrownBy(() -> MemoryBudget.of(MemoryBudget.LEAST_BYTES - 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("is less than");
    }
}
