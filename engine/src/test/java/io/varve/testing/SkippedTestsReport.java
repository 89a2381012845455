package io.varve.testing;

import org.junit.platform.launcher.LauncherSession;
import org.junit.platform.launcher.LauncherSessionListener;

/** Prints {@link SkippedTests} when the tests of a module have ended. Found by JUnit through META-INF/services. */
public final class SkippedTestsReport implements LauncherSessionListener {

    @Override
    public void launcherSessionClosed(LauncherSession session) {
        SkippedTests.RUN.report().ifPresent(System.out::print);
    }
}
