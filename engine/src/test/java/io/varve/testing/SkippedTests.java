package io.varve.testing;

import java.util.Collection;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;

/** The tests of this run that were skipped because something they need is not on this machine. Thread-safe. */
final class SkippedTests {

    /** Of the run of this JVM; {@link SkippedTestsReport} prints it. */
    static final SkippedTests RUN = new SkippedTests();

    private final SortedSet<String> forTools = new TreeSet<>();
    private final SortedSet<String> forRoot = new TreeSet<>();
    private final SortedSet<String> missingTools = new TreeSet<>();

    synchronized void add(String test, Collection<String> tools, boolean rootMissing) {
        if (!tools.isEmpty()) {
            forTools.add(test);
            missingTools.addAll(tools);
        }
        if (rootMissing) {
            forRoot.add(test);
        }
    }

    /** What to tell the person at the end of the run, and nothing where all was run. */
    synchronized Optional<String> report() {
        StringBuilder text = new StringBuilder();
        if (!forTools.isEmpty()) {
            text.append(String.format(
                    "Skipped for want of %s: %s%nTo run them too: %s%n",
                    String.join(", ", missingTools),
                    String.join(", ", forTools),
                    DebianPackages.installCommand(missingTools)));
        }
        if (!forRoot.isEmpty()) {
            text.append(String.format("Skipped for want of root: %s%n", String.join(", ", forRoot)));
        }
        return text.isEmpty() ? Optional.empty() : Optional.of(text.toString());
    }
}
