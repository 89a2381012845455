package io.varve.api;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The walls between the modules, and between the rooms of this one. */
@AnalyzeClasses(packages = "io.varve", importOptions = ImportOption.DoNotIncludeTests.class)
class WallsTest {
    @ArchTest
    static final ArchRule ARROWS_POINT_ONE_WAY = layeredArchitecture()
            .consideringOnlyDependenciesInLayers()
            .layer("engine")
            .definedBy("io.varve.engine..")
            .layer("nbd")
            .definedBy("io.varve.nbd..")
            .layer("api")
            .definedBy("io.varve.api..")
            .whereLayer("api")
            .mayNotBeAccessedByAnyLayer()
            .whereLayer("nbd")
            .mayOnlyBeAccessedByLayers("api");

    @ArchTest
    static final ArchRule ONLY_THE_FACE_OF_THE_ENGINE_IS_USED = noClasses()
            .that()
            .resideOutsideOfPackage("io.varve.engine..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("io.varve.engine.*..");

    @ArchTest
    static final ArchRule THE_NBD_SERVER_KNOWS_VOLUMES_NOT_STORES = noClasses()
            .that()
            .resideInAPackage("io.varve.nbd..")
            .should()
            .dependOnClassesThat()
            .haveFullyQualifiedName("io.varve.engine.BlockStore");

    @ArchTest
    static final ArchRule THE_CONTROL_PLANE_KNOWS_NO_FACE = noClasses()
            .that()
            .resideInAPackage("io.varve.api.control..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                    "io.varve.api.rest..",
                    "io.varve.api.aws..",
                    "io.varve.api.cli..",
                    "io.varve.api.metrics..",
                    "io.vertx.core.http..",
                    "io.vertx.ext..");

    @ArchTest
    static final ArchRule AWS_FACES_SEE_THE_CONTROL_PLANE_ONLY = noClasses()
            .that()
            .resideInAPackage("io.varve.api.aws..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("io.varve.api.rest..", "io.varve.api.cli..", "io.varve.nbd..");

    @ArchTest
    static final ArchRule ACCESS_KNOWS_NO_FACE = noClasses()
            .that()
            .resideInAPackage("io.varve.api.access..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                    "io.varve.api.rest..",
                    "io.varve.api.aws..",
                    "io.varve.api.cli..",
                    "io.vertx.core.http..",
                    "io.vertx.ext..");

    @ArchTest
    static final ArchRule COMMANDS_SPEAK_REST_ONLY = noClasses()
            .that()
            .resideInAPackage("io.varve.api.cli..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                    "io.varve.engine..",
                    "io.varve.nbd..",
                    "io.varve.api.access..",
                    "io.varve.api.aws..",
                    "io.varve.api.control..",
                    "io.varve.api.rest..");
}
