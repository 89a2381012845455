package io.varve.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class SkippedTestsTest {

    private final SkippedTests skipped = new SkippedTests();

    @Test
    void aCompleteRunReportsNothing() {
        assertThat(skipped.report()).isEmpty();
    }

    @Test
    void namesTheTestsAndTheOneLineThatInstallsAllTools() {
        skipped.add("FioTest.randomWrites", List.of("fio"), false);
        skipped.add("QemuTest", List.of("qemu-img", "qemu-io"), false);

        assertThat(skipped.report().orElseThrow()).isEqualToNormalizingNewlines("""
                        Skipped for want of fio, qemu-img, qemu-io: FioTest.randomWrites, QemuTest
                        To run them too: sudo apt-get install fio qemu-utils
                        """);
    }

    @Test
    void namesTheTestsThatNeedRoot() {
        skipped.add("MountTest", List.of(), true);

        assertThat(skipped.report().orElseThrow())
                .isEqualToNormalizingNewlines("Skipped for want of root: MountTest\n");
    }
}
