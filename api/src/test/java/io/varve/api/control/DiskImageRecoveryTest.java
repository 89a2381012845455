package io.varve.api.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.varve.api.diskimage.DiskImageFormat;
import io.varve.api.diskimage.DiskImages;
import io.varve.engine.SnapshotId;
import io.varve.engine.VolumeId;
import io.varve.nbd.NettyLoops;
import io.varve.nbd.Transport;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Disk images where something is missing: the end of an earlier life, or a program. */
class DiskImageRecoveryTest {
    private static final ImportEntry.Image IMAGE =
            new ImportEntry.Image("a.img", DiskImageFormat.RAW, Optional.empty());

    @TempDir
    private Path directory;

    @Test
    void anImportThatACrashCutShortLeavesNoVolumeAndFailsWithoutADirectory() {
        VolumeId hidden = VolumeId.random(new Random(1));
        ImportEntry entry = new ImportEntry(
                ImportId.random(new Random(2)),
                Label.NONE,
                "",
                hidden,
                SnapshotId.random(new Random(3)),
                Optional.empty(),
                new ImportEntry.Progress(0, 0, "", 1 << 30),
                Instant.EPOCH,
                Optional.of(IMAGE),
                false,
                Optional.empty());
        try (ControlFixture fixture = new ControlFixture(directory)) {
            EngineCalls.await(fixture.store().createVolume(hidden, 1 << 30));
            fixture.restartWith(metadata -> metadata.imports().put(entry));

            assertThat(fixture.store().volume(hidden)).isEmpty();
            ImportEntry found = fixture.control().imports().describe(entry.id());
            assertThat(found.state()).isEqualTo("failed");
            assertThat(found.image().flatMap(ImportEntry.Image::failure).orElse(""))
                    .contains("--import-dir");
            fixture.restart();
            assertThat(fixture.control().imports().describe(entry.id())).isEqualTo(found);
        }
    }

    @Test
    void aMissingProgramIsNamedAndAnUnfinishedFileRemoved() throws Exception {
        Path images = Files.createDirectory(directory.resolve("images"));
        Path left = Files.createFile(images.resolve(".varve-export-b.img"));
        Files.write(images.resolve("a.img"), new byte[1 << 20]);
        try (NettyLoops loops = NettyLoops.start(Transport.auto(), 1);
                DiskImageJobs jobs =
                        new DiskImageJobs(Optional.of(new DiskImages(images, loops, directory.toString())))) {
            jobs.deleteUnfinished();
            assertThat(left).doesNotExist();
            assertThatThrownBy(() -> jobs.sizeBytes(IMAGE))
                    .isInstanceOf(RequestException.class)
                    .hasMessageContaining("the server has no program qemu-img");
        }
    }
}
