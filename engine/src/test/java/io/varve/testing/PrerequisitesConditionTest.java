package io.varve.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;

class PrerequisitesConditionTest {

    private static final List<String> NONE = List.of();
    private static final List<String> QEMU = List.of("qemu-img", "qemu-io");

    @Test
    void aTestWithAllItNeedsRuns() {
        assertThat(PrerequisitesCondition.decide(NONE, false, true).isDisabled())
                .isFalse();
    }

    @Test
    void aMissingToolSkipsTheTestAndTheReasonSaysHowToInstallIt() {
        ConditionEvaluationResult verdict = PrerequisitesCondition.decide(QEMU, false, false);

        assertThat(verdict.isDisabled()).isTrue();
        assertThat(verdict.getReason()).contains("needs qemu-img, qemu-io (sudo apt-get install qemu-utils)");
    }

    @Test
    void missingRootSkipsTheTest() {
        ConditionEvaluationResult verdict = PrerequisitesCondition.decide(NONE, true, false);

        assertThat(verdict.isDisabled()).isTrue();
        assertThat(verdict.getReason()).contains("needs root");
    }

    @Test
    void whereEverythingMustRunAMissingToolIsAFailure() {
        assertThatThrownBy(() -> PrerequisitesCondition.decide(QEMU, false, true))
                .hasMessageContaining("needs qemu-img, qemu-io")
                .hasMessageContaining("VARVE_REQUIRE_TOOLS=1");
    }

    @Test
    void whereEverythingMustRunMissingRootIsAFailure() {
        assertThatThrownBy(() -> PrerequisitesCondition.decide(NONE, true, true))
                .hasMessageContaining("needs root");
    }

    @Test
    @RequiresTools("sh")
    void aToolThatIsThereIsFound() {
        assertThat(Tools.find("sh")).isPresent();
    }
}
