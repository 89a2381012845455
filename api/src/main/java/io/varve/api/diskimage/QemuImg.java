package io.varve.api.diskimage;

import io.varve.api.diskimage.DiskImageException.Reason;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * The program qemu-img, which reads files that anybody may have made: it runs as a child with bounds on its memory, and
 * before an image is opened for its data, its description is looked at, with bounds on time and output too. Blocks.
 */
final class QemuImg {
    /** As large as the largest volume of EBS. */
    static final long MOST_BYTES = 64L << 40;

    /** How much it may say about an image. */
    static final long INFO_OUTPUT_BYTES = 1 << 20;

    /** Of addresses, most of which it never touches. */
    static final long MEMORY_BYTES = 2L << 30;

    /** How long it may look at an image. */
    private static final Duration INFO_TIME = Duration.ofSeconds(10);

    private static final int MESSAGE_CHARS = 500;

    private final String searchPath;
    private final Duration infoTime;

    /** @param searchPath where programs are, as in PATH */
    QemuImg(String searchPath) {
        this(searchPath, INFO_TIME);
    }

    QemuImg(String searchPath, Duration infoTime) {
        this.searchPath = searchPath;
        this.infoTime = infoTime;
    }

    /**
     * Looks at an image without reading its data.
     *
     * @return the size of the disk in bytes
     * @throws DiskImageException IMAGE if it is not one file of that format that stands alone, UNAVAILABLE
     */
    long inspect(Path image, DiskImageFormat format) {
        JsonObject info = info(image, format);
        String name = String.valueOf(image.getFileName());
        if (!format.text().equals(info.getString("format"))) {
            throw refused(name, "qemu-img reads it as " + info.getString("format"));
        }
        if (info.containsKey("backing-filename") || info.containsKey("full-backing-filename")) {
            throw refused(name, "it has a backing file: make one image of both with qemu-img convert");
        }
        if (info.getBoolean("encrypted", false)) {
            throw refused(name, "it is encrypted: decrypt it with qemu-img convert");
        }
        JsonObject data =
                info.getJsonObject("format-specific", new JsonObject()).getJsonObject("data");
        requireOneFile(image, name, data == null ? new JsonObject() : data);
        long size = info.getLong("virtual-size", 0L);
        if (size <= 0 || size > MOST_BYTES) {
            throw refused(name, "its disk has %d bytes; from 1 to %d are allowed".formatted(size, MOST_BYTES));
        }
        return size;
    }

    private static void requireOneFile(Path image, String name, JsonObject data) {
        if (data.containsKey("data-file")) {
            throw refused(name, "it has an external data file: make one image of both with qemu-img convert");
        }
        JsonArray extents = data.getJsonArray("extents", new JsonArray());
        boolean elsewhere = extents.stream()
                .anyMatch(extent -> !(extent instanceof JsonObject json)
                        || !image.toString().equals(json.getString("filename")));
        if (extents.size() > 1 || elsewhere) {
            throw refused(name, "its data is in extent files beside it: make one image of them with qemu-img convert");
        }
    }

    private JsonObject info(Path image, DiskImageFormat format) {
        String name = String.valueOf(image.getFileName());
        try (ScratchDirectory scratch = ScratchDirectory.create()) {
            Path out = scratch.path().resolve("out");
            Path err = scratch.path().resolve("err");
            Process process = builder(
                            List.of("--fsize=" + INFO_OUTPUT_BYTES),
                            List.of("info", "--output=json", "-f", format.text(), image.toString()))
                    .redirectOutput(out.toFile())
                    .redirectError(err.toFile())
                    .start();
            boolean ended = wait(process);
            if (!ended) {
                throw refused(name, "qemu-img needs more than %d ms to look at it".formatted(infoTime.toMillis()));
            }
            if (Files.size(out) >= INFO_OUTPUT_BYTES) {
                throw refused(name, "qemu-img says more than %d bytes about it".formatted(INFO_OUTPUT_BYTES));
            }
            if (process.exitValue() != 0) {
                throw refused(name, "qemu-img: " + shortened(read(err)).replace(image.getParent() + "/", ""));
            }
            return new JsonObject(read(out));
        } catch (DecodeException e) {
            throw new DiskImageException(
                    Reason.IMAGE, name + " is refused: what qemu-img says about it cannot be read", e);
        } catch (IOException e) {
            throw new DiskImageException(Reason.FAILED, "cannot run qemu-img: " + e.getMessage(), e);
        }
    }

    private boolean wait(Process process) {
        try {
            return process.waitFor(infoTime.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } finally {
            process.destroyForcibly();
        }
    }

    /** A conversion, not started yet; it says its progress on standard output. */
    ProcessBuilder convert(List<String> arguments) {
        List<String> all =
                Stream.concat(Stream.of("convert", "-p"), arguments.stream()).toList();
        return builder(List.of(), all).redirectErrorStream(true);
    }

    private ProcessBuilder builder(List<String> limits, List<String> arguments) {
        String program = find("qemu-img");
        List<String> command = new ArrayList<>(List.of(find("prlimit"), "--core=0", "--as=" + MEMORY_BYTES));
        command.addAll(limits);
        command.add("--");
        command.add(program);
        command.addAll(arguments);
        ProcessBuilder builder = new ProcessBuilder(command).redirectInput(new File("/dev/null"));
        builder.environment().clear();
        builder.environment().put("LC_ALL", "C");
        return builder;
    }

    private String find(String program) {
        Optional<Path> found = Arrays.stream(searchPath.split(File.pathSeparator, -1))
                .filter(directory -> !directory.isEmpty())
                .map(directory -> Path.of(directory, program))
                .filter(Files::isExecutable)
                .findFirst();
        return found.orElseThrow(() -> new DiskImageException(
                        Reason.UNAVAILABLE,
                        "the server has no program %s, which disk images need: install %s on its machine"
                                .formatted(program, program.equals("qemu-img") ? "qemu-utils" : "util-linux")))
                .toString();
    }

    private static String read(Path file) throws IOException {
        return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
    }

    static String shortened(String text) {
        String stripped = text.strip();
        return stripped.length() <= MESSAGE_CHARS ? stripped : stripped.substring(0, MESSAGE_CHARS);
    }

    private static DiskImageException refused(String name, String why) {
        return new DiskImageException(Reason.IMAGE, name + " is refused: " + why);
    }
}
