package io.varve.testing;

import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * The test runs other programs, and is skipped where one of them is missing. With {@code VARVE_REQUIRE_TOOLS=1} in the
 * environment, as in CI, it fails instead, so that a green run has really run it. What was skipped, and the command
 * that installs the missing programs, is printed at the end of the module's tests.
 */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@Inherited
@ExtendWith(PrerequisitesCondition.class)
public @interface RequiresTools {

    /** Names of the programs, as typed at a shell: {@code "qemu-img"}. */
    String[] value();
}
