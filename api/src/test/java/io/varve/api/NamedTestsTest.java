package io.varve.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** docs/nbd.md names the tests that show what it says: they exist, and every "yes" in Varve's column names one. */
class NamedTestsTest {
    private static final Path REPOSITORY = Path.of("..");
    private static final Path DOCUMENT = REPOSITORY.resolve(Path.of("docs", "nbd.md"));
    private static final List<String> MODULES = List.of("engine", "nbd-server", "api");

    /** {@code HandshakeTest}, or with one of its methods {@code HandshakeTest#abortIsAcknowledgedAndClosed}. */
    private static final Pattern NAMED = Pattern.compile("\\b([A-Z]\\w*Test)\\b(?:#(\\w+))?");

    @Test
    void everyNamedTestExists() throws IOException {
        Map<String, String> sources = sources();
        Matcher named = NAMED.matcher(Files.readString(DOCUMENT));
        int found = 0;
        while (named.find()) {
            assertThat(sources).as("test classes").containsKey(named.group(1));
            if (named.group(2) != null) {
                assertThat(sources.get(named.group(1))).as(named.group(1)).contains("    void " + named.group(2) + "(");
            }
            found++;
        }
        assertThat(found).isPositive();
    }

    @Test
    void everyYesNamesATest() throws IOException {
        List<String> cells = Files.readAllLines(DOCUMENT).stream()
                .dropWhile(line -> !line.startsWith("| feature | Varve |"))
                .skip(2)
                .takeWhile(line -> line.startsWith("|"))
                .map(line -> line.split("\\|", -1)[2].strip())
                .toList();

        assertThat(cells).isNotEmpty().allMatch(cell -> cell.startsWith("yes: ") || cell.startsWith("no"));
        assertThat(cells.stream().filter(cell -> cell.startsWith("yes")))
                .allMatch(cell -> NAMED.matcher(cell).find());
    }

    /** The test classes' sources by their simple names. */
    private static Map<String, String> sources() {
        return MODULES.stream()
                .map(module -> REPOSITORY.resolve(Path.of(module, "src", "test", "java")))
                .flatMap(NamedTestsTest::javaFiles)
                .collect(Collectors.toMap(
                        file -> file.getFileName().toString().replace(".java", ""),
                        NamedTestsTest::text,
                        String::concat));
    }

    private static Stream<Path> javaFiles(Path directory) {
        try (Stream<Path> files = Files.walk(directory)) {
            return files.filter(file -> file.toString().endsWith(".java")).toList().stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
