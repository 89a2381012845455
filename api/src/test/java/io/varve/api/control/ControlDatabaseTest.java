package io.varve.api.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.varve.engine.QosShare;
import io.varve.engine.SnapshotId;
import io.varve.engine.StoreException;
import io.varve.engine.VolumeId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ControlDatabaseTest {
    private static final VolumeEntry ENTRY = new VolumeEntry(
            new VolumeId(1, 2),
            Phase.CREATING,
            new Label(Optional.of("dïsk \"1\""), Map.of("a", "b", "empty", "")),
            new VolumeLimits("local", 100, 20),
            new QosShare(50, 700),
            true,
            3L << 30,
            Optional.of(new ClientToken("token", "{}")),
            Optional.of(new VolumeEntry.Copy(new VolumeId(3, 4), new SnapshotId(5, 6))),
            Optional.of(new Recycled(
                    Instant.parse("2030-01-31T12:00:00.123456789Z"),
                    Instant.parse("2031-01-31T12:00:00Z"),
                    new RuleId("rule-00000000000000001"))),
            List.of(
                    new VolumeModification(
                            1,
                            VolumeModification.State.FAILED,
                            new VolumeModification.Shape(3, new VolumeLimits("gp3", 3000, 125)),
                            new VolumeModification.Shape(4, new VolumeLimits("io2", 100, 20), true),
                            Instant.parse("2030-01-31T12:00:00.123456789Z"),
                            Optional.of(Instant.parse("2030-01-31T12:00:01Z")),
                            "the disk is \"full\""),
                    VolumeModification.begun(
                            2,
                            new VolumeModification.Shape(3, VolumeLimits.NONE),
                            new VolumeModification.Shape(65_536, VolumeLimits.NONE),
                            Instant.parse("2030-01-31T13:00:00Z"))));

    @TempDir
    private Path directory;

    private Path file() {
        return directory.resolve(ControlDatabase.FILE_NAME);
    }

    @Test
    void whatWasPutIsThereAfterReopening() {
        try (ControlDatabase database = ControlDatabase.open(directory, () -> false)) {
            database.volumes().put(ENTRY);
            database.setDefaultVolume(ENTRY.id());
        }
        try (ControlDatabase database = ControlDatabase.open(directory, () -> false)) {
            assertThat(database.volumes().all()).containsExactly(ENTRY);
            assertThat(database.defaultVolume()).contains(ENTRY.id());
            database.volumes().remove(ENTRY.id());
            assertThat(database.volumes().all()).isEmpty();
        }
    }

    @Test
    void aNewerSchemaIsRefusedAndTheFileLeftAsItIs() throws IOException {
        ControlDatabase.open(file(), twoVersions(), () -> false).close();
        byte[] before = Files.readAllBytes(file());
        assertThatThrownBy(() -> ControlDatabase.open(directory, () -> false))
                .isInstanceOf(StoreException.class)
                .extracting(e -> ((StoreException) e).kind())
                .isEqualTo(StoreException.Kind.NEWER_FORMAT);
        assertThat(Files.readAllBytes(file())).isEqualTo(before);
        assertThat(names()).containsExactly(ControlDatabase.FILE_NAME);
    }

    @Test
    void anOlderSchemaIsCopiedAndThenMigrated() throws IOException {
        try (ControlDatabase database = ControlDatabase.open(directory, () -> false)) {
            database.volumes().put(ENTRY);
        }
        try (ControlDatabase database = ControlDatabase.open(file(), twoVersions(), () -> false)) {
            assertThat(database.volumes().all()).containsExactly(ENTRY);
        }
        Path copy =
                directory.resolve("control.db.v" + Schema.CURRENT.migrations().size());
        try (ControlDatabase database = ControlDatabase.open(copy, Schema.CURRENT, () -> false)) {
            assertThat(database.volumes().all()).containsExactly(ENTRY);
        }
    }

    @Test
    void launchesThatEarlierVersionsLeftHalfMadeAreTakenBack() throws SQLException {
        VolumeEntry half =
                VolumeEntry.begun(new VolumeId(7, 7), Phase.READY, Label.NONE, VolumeLimits.NONE, Optional.empty());
        InstanceEntry launching = launched("i-00000000000000001", half.id());
        InstanceEntry whole = launched("i-00000000000000002", ENTRY.id());
        Schema before = new Schema(Schema.CURRENT.migrations().subList(0, 17));
        try (ControlDatabase database = ControlDatabase.open(file(), before, () -> false)) {
            database.volumes().put(List.of(ENTRY, half));
            database.instances().put(List.of(launching, whole));
        }
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file());
                Statement statement = connection.createStatement()) {
            statement.execute("UPDATE instance SET launch = json_set(launch, '$.whole', json('true'))");
            statement.execute("UPDATE instance SET launch = json_set(launch, '$.whole', json('false')) WHERE id = '"
                    + launching.id() + "'");
        }
        try (ControlDatabase database = ControlDatabase.open(directory, () -> false)) {
            assertThat(database.instances().all()).containsExactly(whole);
            assertThat(database.volumes().all()).containsExactlyInAnyOrder(ENTRY, half.with(Phase.PROVISIONAL));
        }
    }

    private static InstanceEntry launched(String id, VolumeId volume) {
        Instant now = Instant.parse("2030-01-31T12:00:00Z");
        return new InstanceEntry(
                new InstanceId(id),
                Label.NONE,
                InstanceState.PENDING,
                List.of(new Attachment(volume, "/dev/sda1", true, false, now)),
                now,
                Optional.of(new InstanceEntry.Launch(new ImageId("ami-00000000000000001"))),
                Optional.empty());
    }

    @Test
    void aMigrationThatWasCutShortIsDoneAgain() throws IOException {
        ControlDatabase.open(directory, () -> false).close();
        Files.writeString(
                directory.resolve("control.db.v" + Schema.CURRENT.migrations().size()), "half a copy");
        ControlDatabase.open(file(), twoVersions(), () -> false).close();
        ControlDatabase.open(
                        directory.resolve(
                                "control.db.v" + Schema.CURRENT.migrations().size()),
                        Schema.CURRENT,
                        () -> false)
                .close();
    }

    @Test
    void aDamagedFileIsRefusedAndLeftAsItIs() throws IOException {
        Files.writeString(file(), "this was a database once ".repeat(100));
        byte[] before = Files.readAllBytes(file());
        assertThatThrownBy(() -> ControlDatabase.check(directory))
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("damaged");
        assertThat(Files.readAllBytes(file())).isEqualTo(before);
    }

    @Test
    void damageInsideIsFound() throws IOException {
        try (ControlDatabase database = ControlDatabase.open(directory, () -> false)) {
            database.volumes().put(ENTRY);
        }
        byte[] bytes = Files.readAllBytes(file());
        for (int i = 4096; i < bytes.length; i++) {
            bytes[i] ^= 0x5a;
        }
        Files.write(file(), bytes);
        assertThatThrownBy(() -> ControlDatabase.open(directory, () -> false))
                .isInstanceOf(StoreException.class)
                .extracting(e -> ((StoreException) e).kind())
                .isEqualTo(StoreException.Kind.DAMAGED);
    }

    @Test
    void anEmptyFileThatACrashLeftIsBegunAnew() throws IOException {
        Files.createFile(file());
        ControlDatabase.check(directory);
        ControlDatabase.open(directory, () -> false).close();
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(path -> path.getFileName().toString()).toList();
        }
    }

    private static Schema twoVersions() {
        List<List<String>> migrations = new ArrayList<>(Schema.CURRENT.migrations());
        migrations.add(List.of("CREATE TABLE later (id TEXT PRIMARY KEY) STRICT"));
        return new Schema(migrations);
    }
}
