package io.varve.engine.store;

import static org.assertj.core.api.Assertions.fail;

import java.util.Locale;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The simulation is itself tested: it finds each defect that is planted in the engine. */
@ExtendWith(QuietEngine.class)
@Tag("slow")
class PlantedDefectTest {
    private static final int SEEDS = Integer.getInteger("varve.crash.seeds", 2000);

    @ParameterizedTest
    @EnumSource
    void isFound(PlantedDefect defect) throws ReflectiveOperationException {
        DefectiveEngine engine = new DefectiveEngine(defect);
        for (int seed = 0; seed < SEEDS; seed++) {
            try {
                engine.simulation(seed).run();
            } catch (AssertionError found) {
                System.out.printf(
                        "%s: found after %d seeds: %s%n",
                        defect.name().toLowerCase(Locale.ROOT).replace('_', ' '), seed + 1, found.getMessage());
                return;
            }
        }
        fail("%s was not found by %d seeds", defect, SEEDS);
    }
}
