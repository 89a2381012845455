package io.varve.engine;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The walls between the rooms of the engine. */
@AnalyzeClasses(packages = "io.varve.engine", importOptions = ImportOption.DoNotIncludeTests.class)
class WallsTest {
    @ArchTest
    static final ArchRule ARROWS_POINT_ONE_WAY = layeredArchitecture()
            .consideringOnlyDependenciesInLayers()
            .layer("face")
            .definedBy("io.varve.engine")
            .layer("store")
            .definedBy("io.varve.engine.store")
            .layer("check")
            .definedBy("io.varve.engine.check")
            .layer("reclaim")
            .definedBy("io.varve.engine.reclaim")
            .layer("map")
            .definedBy("io.varve.engine.map")
            .layer("log")
            .definedBy("io.varve.engine.log")
            .layer("meta")
            .definedBy("io.varve.engine.meta")
            .layer("qos")
            .definedBy("io.varve.engine.qos")
            .layer("io")
            .definedBy("io.varve.engine.io")
            .whereLayer("store")
            .mayOnlyBeAccessedByLayers("face")
            .whereLayer("check")
            .mayOnlyBeAccessedByLayers("store")
            .whereLayer("reclaim")
            .mayOnlyBeAccessedByLayers("check", "store")
            .whereLayer("map")
            .mayOnlyBeAccessedByLayers("check", "reclaim", "store")
            .whereLayer("log")
            .mayOnlyBeAccessedByLayers("check", "map", "reclaim", "store")
            .whereLayer("meta")
            .mayOnlyBeAccessedByLayers("check", "log", "map", "reclaim", "store")
            .whereLayer("qos")
            .mayOnlyBeAccessedByLayers("store")
            .whereLayer("io")
            .mayOnlyBeAccessedByLayers("face", "check", "log", "map", "meta", "reclaim", "store");

    @ArchTest
    static final ArchRule ROOMS_HAVE_NO_CYCLES =
            slices().matching("io.varve.engine.(*)..").should().beFreeOfCycles();

    @ArchTest
    static final ArchRule NO_NETWORK = noClasses()
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("java.net..", "io.netty..", "io.vertx..", "com.fasterxml..", "java.sql..");

    /** The store makes its directory before the disk is there; everything else goes through the disk. */
    @ArchTest
    static final ArchRule FILES_ARE_TOUCHED_IN_IO = noClasses()
            .that()
            .resideOutsideOfPackage("io.varve.engine.io")
            .and()
            .doNotHaveFullyQualifiedName("io.varve.engine.store.StoreEngine")
            .should()
            .dependOnClassesThat()
            .haveNameMatching(
                    "java\\.nio\\.file\\.Files|java\\.nio\\.channels\\..*|java\\.io\\.(File|RandomAccessFile).*");

    /** Time and threads come in by EngineThreads, so that a test can hold them. */
    @ArchTest
    static final ArchRule TIME_IS_INJECTED = noClasses()
            .that()
            .resideOutsideOfPackage("io.varve.engine.io")
            .should()
            .callMethod(System.class, "nanoTime")
            .orShould()
            .callMethod(System.class, "currentTimeMillis")
            .orShould()
            .callMethod(Thread.class, "sleep", long.class)
            .orShould()
            .callMethod(java.time.Instant.class, "now");

    @ArchTest
    static final ArchRule THE_STORE_IS_BEHIND_ITS_FACE = classes()
            .that()
            .resideInAPackage("io.varve.engine.store")
            .and()
            .areTopLevelClasses()
            .and()
            .doNotHaveSimpleName("StoreEngine")
            .should()
            .bePackagePrivate()
            .orShould()
            .haveSimpleName("package-info");
}
