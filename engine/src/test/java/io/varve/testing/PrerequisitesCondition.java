package io.varve.testing;

import static org.junit.platform.commons.support.AnnotationSupport.findAnnotation;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Decides on {@link RequiresTools} and {@link RequiresRoot}. */
final class PrerequisitesCondition implements ExecutionCondition {

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        List<String> missing = findAnnotation(context.getElement(), RequiresTools.class).stream()
                .flatMap(annotation -> Arrays.stream(annotation.value()))
                .filter(tool -> Tools.find(tool).isEmpty())
                .toList();
        boolean rootMissing =
                findAnnotation(context.getElement(), RequiresRoot.class).isPresent() && !isRoot();
        ConditionEvaluationResult verdict =
                decide(missing, rootMissing, "1".equals(System.getenv("VARVE_REQUIRE_TOOLS")));
        if (verdict.isDisabled()) {
            SkippedTests.RUN.add(nameOf(context), missing, rootMissing);
        }
        return verdict;
    }

    /** Enabled where nothing is missing; otherwise disabled, or an error where everything must run. */
    static ConditionEvaluationResult decide(List<String> missingTools, boolean rootMissing, boolean required) {
        if (missingTools.isEmpty() && !rootMissing) {
            return ConditionEvaluationResult.enabled("all prerequisites are there");
        }
        String reason = reason(missingTools, rootMissing);
        if (required) {
            throw new IllegalStateException(reason + ", and VARVE_REQUIRE_TOOLS=1 forbids to skip the test");
        }
        return ConditionEvaluationResult.disabled(reason);
    }

    private static String reason(List<String> missingTools, boolean rootMissing) {
        if (missingTools.isEmpty()) {
            return "needs root";
        }
        String tools =
                "needs " + String.join(", ", missingTools) + " (" + DebianPackages.installCommand(missingTools) + ")";
        return rootMissing ? tools + " and root" : tools;
    }

    private static String nameOf(ExtensionContext context) {
        String className = context.getRequiredTestClass().getSimpleName();
        return context.getTestMethod()
                .map(method -> className + "." + method.getName())
                .orElse(className);
    }

    private static boolean isRoot() {
        try {
            return Integer.valueOf(0).equals(Files.getAttribute(Path.of("/proc/self"), "unix:uid"));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the owner of /proc/self; is /proc mounted?", e);
        }
    }
}
