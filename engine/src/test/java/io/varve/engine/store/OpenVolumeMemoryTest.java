package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.varve.engine.MemoryBudget;
import io.varve.engine.MemoryUse;
import io.varve.engine.StoreException;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;

/** How many volumes are open at a time is bounded by memory, not by who asks. */
class OpenVolumeMemoryTest {
    private static final int ROOM = 3;

    private final SimulatedStore simulated = new SimulatedStore(
            1L << 28,
            StoreOptions.DEFAULT.withMemory(
                    MemoryBudget.DEFAULT.with(MemoryUse.OPEN_VOLUMES, (long) ROOM * OpenVolume.BUFFER_BYTES)));

    private Volume open(int number) {
        VolumeId id = new VolumeId(1, number);
        if (simulated.store().volume(id).isEmpty()) {
            simulated.await(simulated.store().createVolume(id, 1 << 20));
        }
        return simulated.await(simulated.store().open(id));
    }

    @Test
    void oneTooManyIsRefusedUntilOneIsGivenBack() {
        Volume first = open(1);
        open(2);
        open(3);
        assertThat(simulated.store().memory().get(MemoryUse.OPEN_VOLUMES).usedBytes())
                .isEqualTo((long) ROOM * OpenVolume.BUFFER_BYTES);

        assertThatThrownBy(() -> open(4))
                .isInstanceOf(CompletionException.class)
                .cause()
                .isInstanceOfSatisfying(StoreException.class, refused -> {
                    assertThat(refused.kind()).isEqualTo(StoreException.Kind.OUT_OF_MEMORY);
                    assertThat(refused).hasMessageContaining("3 volumes and snapshots are open");
                });
        assertThat(open(2)).as("one that is open already").isNotNull();

        first.release();
        simulated.rest(1);
        assertThat(open(4)).isNotNull();
    }
}
