package io.varve.api.diskimage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import io.varve.testing.RequiresTools;
import io.varve.testing.Tools;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The bounds of a look at an image. A script stands in for a qemu-img that an image has led astray. */
@RequiresTools({"prlimit", "qemu-img", "dd", "head"})
class QemuImgTest {
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final String PATH = System.getenv("PATH");

    @TempDir
    private Path directory;

    private Path image;

    @BeforeEach
    void start() throws IOException {
        image = Files.write(directory.resolve("a.img"), new byte[1 << 20]);
        Files.createDirectory(directory.resolve("bin"));
    }

    @Test
    void whoTakesTooLongIsEnded() throws IOException {
        standIn("exec " + program("sleep") + " 98765432");
        assertThat(refusal(Duration.ofMillis(500))).contains("more than 500 ms");
        await().until(() -> ProcessHandle.current()
                .children()
                .noneMatch(child -> child.info().commandLine().orElse("").contains("98765432")
                        || child.info().commandLine().orElse("").contains(directory.toString())));
    }

    @Test
    void whoWantsTooMuchMemoryGetsNone() throws IOException {
        long more = QemuImg.MEMORY_BYTES + (1 << 20);
        standIn("exec " + program("dd") + " if=/dev/zero of=/dev/null count=1 bs=" + more);
        assertThat(refusal(LONG)).contains("memory exhausted");
    }

    @Test
    void whoSaysTooMuchIsCutOff() throws IOException {
        standIn("exec " + program("head") + " -c " + (QemuImg.INFO_OUTPUT_BYTES + 1) + " /dev/zero");
        assertThat(refusal(LONG)).contains("more than 1048576 bytes");
    }

    @Test
    void whoComplainsTooMuchIsCutOffAndRepeatedInPart() throws IOException {
        standIn("exec " + program("head") + " -c 4000000 /dev/zero >&2");
        assertThat(refusal(LONG).length()).isLessThan(1000);
    }

    @Test
    void nonsenseIsRefused() throws IOException {
        standIn("echo nonsense");
        assertThat(refusal(LONG)).contains("cannot be read");
        standIn("echo '[]'");
        assertThat(refusal(LONG)).contains("cannot be read");
        standIn(program("head") + " -c 100000 /dev/zero | " + program("tr") + " '\\0' '['");
        assertThat(refusal(LONG)).contains("cannot be read");
    }

    @Test
    void aDiskThatIsLargerThanAnyVolumeIsRefused() {
        assertThat(real(QemuImg.MOST_BYTES)).isEqualTo(QemuImg.MOST_BYTES);
        assertThatThrownBy(() -> real(QemuImg.MOST_BYTES + 512))
                .isInstanceOf(DiskImageException.class)
                .hasMessageContaining("its disk has 70368744178176 bytes; from 1 to 70368744177664 are allowed");
        assertThatThrownBy(() -> real(0)).hasMessageContaining("its disk has 0 bytes");
    }

    private long real(long sizeBytes) {
        Path large = directory.resolve("large.qcow2");
        Tools.run(
                        LONG,
                        "qemu-img",
                        "create",
                        "-q",
                        "-f",
                        "qcow2",
                        "-o",
                        "cluster_size=2M",
                        large.toString(),
                        String.valueOf(sizeBytes))
                .succeeded();
        return new QemuImg(PATH).inspect(large, DiskImageFormat.QCOW2);
    }

    private String refusal(Duration time) {
        QemuImg qemuImg = new QemuImg(directory.resolve("bin").toString(), time);
        DiskImageException refusal =
                catchThrowableOfType(DiskImageException.class, () -> qemuImg.inspect(image, DiskImageFormat.RAW));
        assertThat(refusal.reason()).isEqualTo(DiskImageException.Reason.IMAGE);
        return String.valueOf(refusal.getMessage());
    }

    private void standIn(String commands) throws IOException {
        Path script = directory.resolve("bin/qemu-img");
        Files.writeString(script, "#!/bin/sh\n" + commands + "\n");
        Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwx------"));
        Path prlimit = directory.resolve("bin/prlimit");
        if (Files.notExists(prlimit)) {
            Files.createSymbolicLink(prlimit, Path.of(program("prlimit")));
        }
    }

    private static String program(String name) {
        return Tools.find(name).orElseThrow().toString();
    }
}
