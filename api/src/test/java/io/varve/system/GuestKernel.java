package io.varve.system;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.varve.testing.Tools;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * What guests boot: Debian's kernel for virtual machines, fetched once into the module's build directory, and an
 * initramfs. Where the kernel cannot be had, tests are skipped, or fail with {@code VARVE_REQUIRE_TOOLS=1}.
 *
 * @param image the kernel's file
 * @param root what is in the initramfs, as a directory
 */
record GuestKernel(Path image, Path initramfs, Path root) {
    /** How long one step of a guest may take in software emulation. */
    static final Duration PATIENCE = Duration.ofMinutes(2);

    private static final Path KERNEL = Path.of("target", "guest-kernel").toAbsolutePath();

    /** Packs the initramfs, with more of this machine's {@code programs} in it, into {@code directory}. */
    static GuestKernel into(Path directory, String... programs) {
        if (!Files.exists(KERNEL)) {
            fetch();
        }
        List<String> command =
                new ArrayList<>(List.of("sh", resource("make-initramfs").toString()));
        command.addAll(List.of(KERNEL.toString(), directory.toString()));
        command.addAll(List.of(programs));
        Tools.run(PATIENCE, command.toArray(String[]::new)).succeeded();
        return new GuestKernel(kernelFile(), directory.resolve("initramfs"), directory.resolve("root"));
    }

    /** The same with the files of a directory in the initramfs, under {@code /name}. */
    GuestKernel with(String name, Path files) {
        Path more = initramfs.resolveSibling("initramfs-" + name);
        Tools.run(
                        PATIENCE,
                        "sh",
                        resource("add-files").toString(),
                        initramfs.toString(),
                        more.toString(),
                        name,
                        files.toString())
                .succeeded();
        return new GuestKernel(image, more, root);
    }

    /** Gathers Python, with a script of the guests' resources, in a directory that {@link #with} can pack. */
    static void gatherPython(Path directory, String script) {
        Tools.run(PATIENCE, "sh", resource("gather-python").toString(), directory.toString())
                .succeeded();
        try {
            Files.copy(resource(script), directory.resolve(script));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path kernelFile() {
        try (Stream<Path> files = Files.list(KERNEL.resolve("boot"))) {
            return files.filter(file -> file.getFileName().toString().startsWith("vmlinuz-"))
                    .findFirst()
                    .orElseThrow();
        } catch (IOException e) {
            throw new AssertionError("no kernel in " + KERNEL, e);
        }
    }

    private static void fetch() {
        Tools.Finished fetched =
                Tools.run(PATIENCE, "sh", resource("fetch-kernel").toString(), KERNEL.toString());
        if ("1".equals(System.getenv("VARVE_REQUIRE_TOOLS"))) {
            fetched.succeeded();
        }
        assumeTrue(
                fetched.exitCode() == 0,
                () -> "needs Debian's linux-image-cloud-amd64, which apt cannot download here: " + fetched.errors());
    }

    /** A file of the guests' resources. */
    static Path resource(String name) {
        try {
            return Path.of(Objects.requireNonNull(GuestKernel.class.getResource("guest/" + name))
                    .toURI());
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }

    /** Boots a guest; see {@link Guest#boot}. */
    Guest boot(String script, Map<String, String> environment, String... devices) {
        return Guest.boot(image, initramfs, script, environment, List.of(devices));
    }
}
