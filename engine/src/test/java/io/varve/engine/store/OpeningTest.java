package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.varve.engine.BlockStore;
import io.varve.engine.SalvageReport;
import io.varve.engine.StoreException;
import io.varve.engine.StoreOptions;
import io.varve.engine.VolumeId;
import io.varve.engine.io.SimulatedDisk;
import io.varve.engine.io.SimulatedDisk.Operation;
import io.varve.engine.io.SimulatedScheduler;
import io.varve.engine.io.SimulatedThreads;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What an opening does when the device does not give a superblock out. */
class OpeningTest {
    private static final long CAPACITY = 1L << 28;

    private final SimulatedStore simulated = new SimulatedStore(CAPACITY, StoreOptions.DEFAULT);

    /** Two commits that only one superblock each knows of. */
    @BeforeEach
    void createTwoVolumes() {
        simulated.await(simulated.store().createVolume(new VolumeId(1, 1), 1 << 20));
        simulated.await(simulated.store().createVolume(new VolumeId(1, 2), 1 << 20));
    }

    /** It may be the newer one: opening with the other would undo the creation of a volume without a word. */
    @ParameterizedTest
    @ValueSource(strings = {"superblock-a", "superblock-b"})
    void aSuperblockThatCannotBeReadIsNotTakenForATornOne(String name) {
        simulated.disk.failNext(Operation.READ, name);

        assertThatThrownBy(simulated::restart).isInstanceOfSatisfying(StoreException.class, e -> {
            assertThat(e.kind()).isEqualTo(StoreException.Kind.IO);
            assertThat(e).hasMessageContaining(name).hasMessageContaining("move this file away");
        });
        simulated.restart();

        assertThat(simulated.store().volumes()).hasSize(2);
    }

    @ParameterizedTest
    @ValueSource(strings = {"superblock-a", "superblock-b"})
    void aStoreOpensWithTheOtherSuperblockOnceTheFileIsMovedAway(String name) {
        simulated.disk.failEvery(Operation.READ, name);
        assertThatThrownBy(simulated::restart).hasMessageContaining("cannot be read");

        simulated.disk.heal();
        simulated.disk.rename(name, name + ".unreadable");
        simulated.restart();

        assertThat(simulated.store().volumes()).hasSizeBetween(1, 2);
    }

    @Test
    void salvageMakesDoWithTheOtherSuperblock() {
        simulated.disk.failEvery(Operation.READ, "superblock-a");
        SimulatedScheduler scheduler = new SimulatedScheduler(1);
        SimulatedThreads threads = new SimulatedThreads(scheduler, 1);
        BlockStore target = StoreEngine.open(new SimulatedDisk(scheduler, 1, CAPACITY), StoreOptions.DEFAULT, threads);

        SalvageReport report = Salvage.run(simulated.disk, target, threads);

        assertThat(report.lost()).anyMatch(lost -> lost.where().equals("superblock-a"));
        assertThat(target.volumes()).hasSizeBetween(1, 2);
    }
}
