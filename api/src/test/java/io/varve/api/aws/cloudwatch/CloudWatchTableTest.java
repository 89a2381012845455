package io.varve.api.aws.cloudwatch;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** The table in docs/aws.md calls those metrics done that there are, and says of EBS's others that they are not. */
class CloudWatchTableTest {
    private static final Path DOCUMENT = Path.of("..", "docs", "aws.md");
    private static final String SECTION = "## CloudWatch";
    private static final List<String> LEFT_OUT = List.of(
            "VolumeIdleTime",
            "VolumeThroughputPercentage",
            "VolumeIOPSExceededCheck",
            "VolumeThroughputExceededCheck",
            "VolumeStalledIOCheck");

    @Test
    void everyMetricHasItsRowAndNoOtherHas() throws IOException {
        Map<String, String> expected = new TreeMap<>();
        Arrays.stream(Metric.values()).forEach(metric -> expected.put(metric.text(), "done"));
        LEFT_OUT.forEach(name -> expected.put(name, "left out"));
        assertThat(rows()).isEqualTo(expected);
    }

    private static Map<String, String> rows() throws IOException {
        String text = Files.readString(DOCUMENT);
        String section = text.substring(text.indexOf(SECTION) + SECTION.length());
        int end = section.indexOf("\n## ");
        Map<String, String> rows = new TreeMap<>();
        (end < 0 ? section : section.substring(0, end))
                .lines()
                .filter(line -> line.startsWith("| ") && !line.startsWith("| metric"))
                .map(line ->
                        Arrays.stream(line.split("\\|", -1)).map(String::strip).toList())
                .forEach(cells -> assertThat(rows.put(cells.get(1), cells.get(2)))
                        .as("a second row of " + cells.get(1))
                        .isNull());
        return rows;
    }
}
