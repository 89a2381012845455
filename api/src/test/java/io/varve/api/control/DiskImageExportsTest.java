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
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is known of exports, of which each fails here: the program for them is missing. */
class DiskImageExportsTest {
    @TempDir
    private Path directory;

    private final ManualClock clock = new ManualClock();
    private TestEngine engine;
    private NettyLoops loops;
    private Metadata metadata;
    private ControlPlane control;
    private SnapshotId snapshot;

    @BeforeEach
    void start() throws Exception {
        engine = TestEngine.open(directory);
        Files.createDirectory(directory.resolve("images"));
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
                Optional.of(new DiskImages(directory.resolve("images"), loops, directory.toString())));
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
    void oneThatACrashCutShortHasFailed() {
        DiskImageExport begun = DiskImageExport.begun(
                ExportId.random(new SecureRandom()), snapshot, "a.img", DiskImageFormat.VMDK, clock.instant());
        end();
        try (Metadata between = ControlDatabase.open(directory, () -> false)) {
            between.exports().put(begun);
        }
        begin();
        DiskImageExport found = exports().describe(begun.id());
        assertThat(found.state()).isEqualTo("failed");
        assertThat(found.failure().orElse("")).contains("the server ended");
        assertThat(exports().percent(found)).isZero();
        end();
        begin();
        assertThat(exports().describe(begun.id())).isEqualTo(found);
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
