package io.varve.api.aws.ebs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.core.SdkPojo;
import software.amazon.awssdk.services.ebs.model.CompleteSnapshotRequest;
import software.amazon.awssdk.services.ebs.model.GetSnapshotBlockRequest;
import software.amazon.awssdk.services.ebs.model.ListChangedBlocksRequest;
import software.amazon.awssdk.services.ebs.model.ListSnapshotBlocksRequest;
import software.amazon.awssdk.services.ebs.model.PutSnapshotBlockRequest;
import software.amazon.awssdk.services.ebs.model.StartSnapshotRequest;

/**
 * The table in docs/aws.md says something of every action that there is, and of every field that the model gives it.
 */
class EbsTableTest {
    private static final Path DOCUMENT = Path.of("..", "docs", "aws.md");
    private static final String SECTION = "## EBS direct APIs";

    /** Their own word for it is the body, which is no field to the SDK. */
    private static final String BODY = "PutSnapshotBlock.BlockData";

    @Test
    void everyActionAndFieldHasItsRowAndNoOtherHas() throws IOException {
        List<String> expected = new ArrayList<>(List.of(BODY));
        Map<String, SdkPojo> model = model();
        for (EbsOperation operation : EbsOperation.values()) {
            String name = operation.action().name();
            expected.add(name);
            model.get(name).sdkFields().forEach(field -> expected.add(name + "." + field.memberName()));
        }
        assertThat(model).hasSameSizeAs(EbsOperation.values());
        assertThat(rows().keySet()).containsExactlyInAnyOrderElementsOf(expected);
        assertThat(rows().values()).isSubsetOf(Set.of("done", "ignored", "refused"));
    }

    private static Map<String, SdkPojo> model() {
        return Map.of(
                "StartSnapshot", StartSnapshotRequest.builder().build(),
                "PutSnapshotBlock", PutSnapshotBlockRequest.builder().build(),
                "CompleteSnapshot", CompleteSnapshotRequest.builder().build(),
                "ListSnapshotBlocks", ListSnapshotBlocksRequest.builder().build(),
                "ListChangedBlocks", ListChangedBlocksRequest.builder().build(),
                "GetSnapshotBlock", GetSnapshotBlockRequest.builder().build());
    }

    /** What the table says, by action or field. */
    private static Map<String, String> rows() throws IOException {
        String text = Files.readString(DOCUMENT);
        String section = text.substring(text.indexOf(SECTION) + SECTION.length());
        int end = section.indexOf("\n## ");
        Map<String, String> rows = new TreeMap<>();
        (end < 0 ? section : section.substring(0, end))
                .lines()
                .filter(line -> line.startsWith("| ") && !line.startsWith("| action"))
                .map(line ->
                        Arrays.stream(line.split("\\|", -1)).map(String::strip).toList())
                .forEach(cells -> assertThat(rows.put(cells.get(1), cells.get(2)))
                        .as("a second row of " + cells.get(1))
                        .isNull());
        return rows;
    }
}
