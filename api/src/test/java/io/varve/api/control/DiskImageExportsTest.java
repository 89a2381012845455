package io.varve.api.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.varve.api.ManualClock;
import io.varve.api.TestEngine;
import io.varve.api.diskimage.DiskImageFormat;
import io.varve.api.diskimage.DiskImages;
import io.varve.engine.Compression;
import io.varve.engine.SnapshotId;
import io.varve.nbd.NettyLoops;
import io.varve.nbd.Transport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is known of exports. The program for them is missing here, so that each fails, or another one than qemu-img. */
class DiskImageExportsTest {
    @TempDir
    private Path directory;

    private final ManualClock clock = new ManualClock();
    private TestEngine engine;
    private Path images = Path.of("");
    private NettyLoops loops;
    private Metadata metadata;
    private ControlPlane control;
    private SnapshotId snapshot;

    @BeforeEach
    void start() throws Exception {
        engine = TestEngine.open(directory);
        images = Files.createDirectory(directory.resolve("images"));
        loops = NettyLoops.start(Transport.auto(), 1);
        begin();
        VolumeRequest volume = new VolumeRequest(
                Optional.of(1),
                Optional.empty(),
                Optional.empty(),
                VolumeLimits.NONE,
                Compression.AUTO,
                Label.NONE,
                Optional.empty());
        snapshot = control.snapshots()
                .create(new SnapshotRequest(
                        control.volumes().create(volume).join().record().id(), Label.NONE, "", Optional.empty()))
                .join()
                .record()
                .id();
    }

    private void begin() {
        metadata = ControlDatabase.open(directory, () -> false);
        control = ControlPlane.start(
                engine.store(),
                metadata,
                new SecureRandom(),
                clock,
                ControlSettings.DEFAULT,
                Optional.of(new DiskImages(images, loops, directory.toString())));
    }

    private void end() {
        control.close();
        metadata.close();
    }

    @AfterEach
    void stop() {
        end();
        loops.close();
        engine.close();
    }

    @Test
    void theyAreToldAsEventsAndKnownAfterARestart() {
        List<Event> events = new CopyOnWriteArrayList<>();
        control.events().listen(control.events().last(), events::add);
        DiskImageExport failed = export("a.img", DiskImageFormat.RAW);

        assertThat(failed.failure().orElse("")).contains("qemu-img");
        assertThat(events)
                .extracting(event -> event.kind() + " " + event.id() + " " + event.state())
                .containsExactly("export " + failed.id() + " converting", "export " + failed.id() + " failed");
        end();
        begin();
        assertThat(exports().describe(failed.id())).isEqualTo(failed);
        exports().delete(failed.id()).join();
        end();
        begin();
        assertThat(exports().list(ListRequest.FIRST).items()).isEmpty();
    }

    @Test
    void oneThatACrashCutShortIsBegunAgain() throws IOException {
        program("exec sleep 600");
        Files.createFile(images.resolve(".varve-export-a.img"));
        DiskImageExport begun = leftBehind("a.img");
        assertThat(exports().describe(begun.id())).isEqualTo(begun);
        await().until(() -> Files.exists(directory.resolve("running")));
        assertThat(begun.state()).isEqualTo("converting");

        exports().delete(begun.id()).join();
        assertThat(images).isEmptyDirectory();
    }

    @Test
    void oneThatTheServersStopCutShortIsBegunAgain() throws IOException {
        program("exec sleep 600");
        DiskImageExport begun =
                exports().create(snapshot, "a.img", DiskImageFormat.RAW).join();
        await().until(() -> Files.exists(directory.resolve("running")));
        end();
        program("exit 3");
        begin();
        await().until(() -> exports().describe(begun.id()).ended());
        assertThat(exports().describe(begun.id()).failure().orElse("")).contains("qemu-img ended with 3");
        assertThat(images).isEmptyDirectory();
    }

    @Test
    void oneThatWasWholeBeforeTheCrashIsCompleted() throws IOException {
        Files.writeString(images.resolve(".varve-export-a.img"), "whole");
        Files.createLink(images.resolve("a.img"), images.resolve(".varve-export-a.img"));
        DiskImageExport begun = leftBehind("a.img");
        assertThat(exports().describe(begun.id())).isEqualTo(begun.done());
        assertThat(images).isDirectoryNotContaining("glob:**/.varve-export*");
        assertThat(images.resolve("a.img")).hasContent("whole");
    }

    @Test
    void aFileOfOthersIsNotTakenForOneThatACrashCutShort() throws IOException {
        Files.writeString(images.resolve("a.img"), "another");
        Files.writeString(images.resolve(".varve-export-a.img"), "hal");
        DiskImageExport begun = leftBehind("a.img");
        await().until(() -> exports().describe(begun.id()).ended());
        assertThat(exports().describe(begun.id()).failure().orElse("")).contains("is there already");
        assertThat(images.resolve("a.img")).hasContent("another");
        assertThat(images).isDirectoryNotContaining("glob:**/.varve-export*");
    }

    @Test
    void withoutADirectoryOneThatACrashCutShortHasFailed() {
        DiskImageExport begun = DiskImageExport.begun(
                ExportId.random(new SecureRandom()), snapshot, "a.img", DiskImageFormat.RAW, clock.instant());
        end();
        metadata = ControlDatabase.open(directory, () -> false);
        metadata.exports().put(begun);
        control = ControlPlane.start(engine.store(), metadata, new SecureRandom(), clock);
        assertThat(exports().describe(begun.id()).failure().orElse("")).contains("--import-dir");
    }

    @Test
    void aSnapshotIsKeptWhileItIsWritten() throws IOException {
        program("exec sleep 600");
        DiskImageExport begun =
                exports().create(snapshot, "a.img", DiskImageFormat.RAW).join();
        for (boolean force : new boolean[] {false, true}) {
            CompletableFuture<Void> deletion =
                    control.snapshots().delete(snapshot, force, Precondition.NONE, Connections.NONE);
            assertThat(ControlFixture.refusal(deletion)).isEqualTo(ErrorCode.SNAPSHOT_IN_USE);
        }
        exports().delete(begun.id()).join();
        control.snapshots()
                .delete(snapshot, false, Precondition.NONE, Connections.NONE)
                .join();
        assertThat(engine.store().snapshot(snapshot)).isEmpty();
    }

    @Test
    void theyAreFoundByFiltersAndComeInPages() {
        List<DiskImageExport> all = List.of(
                export("a.img", DiskImageFormat.RAW),
                export("b.img", DiskImageFormat.QCOW2),
                export("c.img", DiskImageFormat.QCOW2));
        assertThat(found("format", "qcow2")).containsExactlyInAnyOrder(all.get(1), all.get(2));
        assertThat(found("file", "a*")).containsExactly(all.get(0));
        assertThat(found("state", "failed")).hasSize(3);
        assertThat(found("state", "completed")).isEmpty();
        assertThat(found("snapshot-id", snapshot.toString())).hasSize(3);
        assertThat(found("export-id", all.get(2).id().text())).containsExactly(all.get(2));
        assertThatThrownBy(() -> found("volume-id", "x")).isInstanceOf(RequestException.class);

        List<DiskImageExport> paged = new ArrayList<>();
        Optional<String> next = Optional.empty();
        do {
            ListRequest.Page<DiskImageExport> page = exports().list(new ListRequest(List.of(), 2, next));
            assertThat(page.items()).hasSizeLessThanOrEqualTo(2);
            paged.addAll(page.items());
            next = page.next();
        } while (next.isPresent());
        assertThat(paged).containsExactlyInAnyOrderElementsOf(all);
    }

    @Test
    void theOldestAreForgotten() {
        DiskImageExport first = export("first.img", DiskImageFormat.RAW);
        DiskImageExport second = export("second.img", DiskImageFormat.RAW);
        for (int i = 1; i < DiskImageExports.MOST_KNOWN; i++) {
            export("more.img", DiskImageFormat.RAW);
        }
        assertThat(exports().list(ListRequest.FIRST).items())
                .hasSize(DiskImageExports.MOST_KNOWN)
                .contains(second)
                .doesNotContain(first);
        assertThat(metadata.exports().all()).hasSize(DiskImageExports.MOST_KNOWN);
    }

    /** One that an earlier life has begun; the next life is here. */
    private DiskImageExport leftBehind(String file) {
        DiskImageExport begun = DiskImageExport.begun(
                ExportId.random(new SecureRandom()), snapshot, file, DiskImageFormat.RAW, clock.instant());
        end();
        try (Metadata between = ControlDatabase.open(directory, () -> false)) {
            between.exports().put(begun);
        }
        begin();
        return begun;
    }

    /** What is run for qemu-img, after it has made a file {@code running}. */
    private void program(String command) throws IOException {
        script("prlimit", "while [ \"$1\" != -- ]; do shift; done; shift; exec \"$@\"");
        script("qemu-img", ": >%s/running\n%s".formatted(directory, command));
    }

    private void script(String name, String text) throws IOException {
        Path script = directory.resolve(name);
        Files.writeString(script, "#!/bin/sh\nPATH=/usr/bin:/bin\n" + text + "\n");
        Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private DiskImageExport export(String file, DiskImageFormat format) {
        clock.advance(Duration.ofSeconds(1));
        ExportId id = await().ignoreException(CompletionException.class) // while the last one's thread still ends
                .until(() -> exports().create(snapshot, file, format).join().id(), created -> true);
        await().until(() -> exports().describe(id).ended());
        return exports().describe(id);
    }

    private List<DiskImageExport> found(String filter, String value) {
        Filter wanted = new Filter(filter, List.of(value));
        return exports()
                .list(new ListRequest(List.of(wanted), 10, Optional.empty()))
                .items();
    }

    private DiskImageExports exports() {
        return control.diskImageExports();
    }
}
