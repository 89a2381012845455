package io.varve.api.control;

import static io.varve.api.control.ControlFixture.refusal;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.varve.api.BlockIo;
import io.varve.api.portable.PortableException;
import io.varve.api.portable.PortableHeader;
import io.varve.api.portable.PortableReader;
import io.varve.api.portable.SnapshotExport;
import io.varve.engine.BlockStore;
import io.varve.engine.SnapshotId;
import io.varve.engine.VolumeId;
import java.io.ByteArrayOutputStream;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A snapshot goes into a file and comes out of it as it was, in another store, whatever breaks off on the way. */
class PortableFileTest {
    private static final int MIB = 1 << 20;
    private static final int BLOCK = BlockStore.BLOCK_BYTES;

    @TempDir
    private Path here;

    @TempDir
    private Path there;

    private final SplittableRandom random = new SplittableRandom(7);
    private ControlFixture from;
    private ControlFixture to;
    private VolumeId volume;

    @BeforeEach
    void start() {
        from = new ControlFixture(here);
        to = new ControlFixture(there);
        volume = from.volume();
        write(0, noise(700 << 10)); // several records, and a border between two
        write(100L * MIB, new byte[64 << 10]); // data that compresses
        write((1L << 30) - BLOCK, noise(BLOCK)); // the last block
    }

    @AfterEach
    void stop() {
        from.close();
        to.close();
    }

    @Test
    void aFullFileBringsEverything() {
        SnapshotId snapshot = from.snapshot(volume);
        byte[] file = export(snapshot, Optional.empty());
        SnapshotId imported = importInPieces(file);
        sameEverywhere(snapshot, imported);
        SnapshotView view = to.control().snapshots().describe(imported);
        assertThat(view.entry().copy().orElseThrow().of()).isEqualTo(snapshot);
        assertThat(view.entry().description()).isEqualTo("from elsewhere");
        assertThat(to.store().volumes()).isEmpty();
    }

    @Test
    void anIncrementalFileBringsWhatWasChangedAndTakesAwayWhatWasTrimmed() {
        SnapshotId first = from.snapshot(volume);
        write(8192, noise(BLOCK));
        BlockIo.trim(from.store(), volume, 300L << 10, 100 << 10);
        write(500L * MIB, noise(3 * BLOCK));
        SnapshotId second = from.snapshot(volume);
        byte[] full = export(first, Optional.empty());
        byte[] changes = export(second, Optional.of(first));
        assertThat(changes.length).isLessThan(8 * BLOCK);

        importInPieces(full);
        SnapshotId imported = importInPieces(changes);
        sameEverywhere(second, imported);
    }

    @Test
    void anIncrementalFileWithoutItsBaseIsRefused() {
        SnapshotId first = from.snapshot(volume);
        write(0, noise(BLOCK));
        byte[] changes = export(from.snapshot(volume), Optional.of(first));
        ImportId id = begin();
        assertThatThrownBy(() -> send(id, 0, changes))
                .isInstanceOf(RequestException.class)
                .hasMessageContaining(first.toString());
        assertThat(to.store().volumes()).isEmpty();
    }

    @Test
    void anImportGoesOnWhereItBrokeOffAlsoInAnotherLife() {
        SnapshotId snapshot = from.snapshot(volume);
        byte[] file = export(snapshot, Optional.empty());
        ImportId id = begin();
        send(id, 0, Arrays.copyOf(file, file.length / 2));
        to.restart();
        long received = to.control().imports().describe(id).progress().receivedBytes();
        assertThat(received).isPositive().isLessThanOrEqualTo(file.length / 2);
        assertThat(to.store().volumes()).hasSize(1);
        assertThat(to.control().volumes().list()).isEmpty();
        assertThatThrownBy(() -> send(id, received + 1, file)).isInstanceOf(RequestException.class);
        send(id, received, Arrays.copyOfRange(file, (int) received, file.length));
        sameEverywhere(snapshot, to.control().imports().describe(id).snapshot());
    }

    @Test
    void aDamagedFileIsNoticedWhereverItIsDamagedAndTheRightBytesCanFollow() {
        SnapshotId snapshot = from.snapshot(volume);
        byte[] file = export(snapshot, Optional.empty());
        ImportId id = begin();
        for (int i = 0; i < 20; i++) {
            long received = to.control().imports().describe(id).progress().receivedBytes();
            byte[] rest = Arrays.copyOfRange(file, (int) received, file.length);
            rest[random.nextInt(rest.length)] ^= 1;
            Throwable refused = catchThrowable(() -> send(id, received, rest));
            assertThat(refused).isInstanceOf(RequestException.class);
            assertThat(to.control().imports().describe(id).completed()).isFalse();
        }
        long received = to.control().imports().describe(id).progress().receivedBytes();
        send(id, received, Arrays.copyOfRange(file, (int) received, file.length));
        sameEverywhere(snapshot, to.control().imports().describe(id).snapshot());
    }

    @Test
    void whateverStandsInAFileItIsReadOrRefused() {
        byte[] file = export(from.snapshot(volume), Optional.empty());
        for (int i = 0; i < 300; i++) {
            byte[] mangled = Arrays.copyOf(file, 1000 + random.nextInt(file.length - 1000));
            for (int changes = random.nextInt(4); changes >= 0; changes--) {
                mangled[random.nextInt(i % 2 == 0 ? 400 : mangled.length)] = (byte) random.nextInt();
            }
            try {
                new PortableReader(new Nothing()).read(mangled);
            } catch (PortableException refused) {
                assertThat(refused).hasMessageMatching("(?s).+");
            }
        }
    }

    @Test
    void anExportGoesOnBehindAnyRecord() {
        SnapshotId snapshot = from.snapshot(volume);
        byte[] file = export(snapshot, Optional.empty());
        for (int cut : new int[] {128, 5000, 300_000, file.length - 65}) {
            PortableReader reader = new PortableReader(new Nothing());
            reader.read(Arrays.copyOf(file, cut));
            ByteArrayOutputStream joined = new ByteArrayOutputStream();
            joined.write(file, 0, (int) reader.position());
            from.control()
                    .export(snapshot, Optional.empty())
                    .write(
                            Optional.of(new SnapshotExport.Position(reader.nextOffset(), reader.digestHex())),
                            joined::writeBytes);
            assertThat(joined.toByteArray()).isEqualTo(file);
        }
    }

    @Test
    void whatFollowsBehindTheEndIsRefused() {
        byte[] file = export(from.snapshot(volume), Optional.empty());
        PortableReader reader = new PortableReader(new Nothing());
        assertThatThrownBy(() -> reader.read(Arrays.copyOf(file, file.length + 1)))
                .isInstanceOf(PortableException.class);
        assertThat(reader.ended()).isTrue();
    }

    @Test
    void anUnfinishedImportIsTakenBackOnDemandOrAfterAWeek() {
        byte[] file = export(from.snapshot(volume), Optional.empty());
        ImportId first = begin();
        send(first, 0, Arrays.copyOf(file, 10_000));
        to.control().imports().delete(first).join();
        assertThat(to.store().volumes()).isEmpty();

        ImportId second = begin();
        send(second, 0, Arrays.copyOf(file, 10_000));
        to.clock().advance(Duration.ofDays(7));
        to.control().tick();
        assertThat(to.store().volumes()).hasSize(1);
        to.clock().advance(Duration.ofMillis(1));
        to.control().tick();
        assertThat(to.store().volumes()).isEmpty();
        assertThat(to.metadata().imports().all()).isEmpty();
    }

    @Test
    void moreUnfinishedImportsThanAllowedAreRefused() {
        for (int i = 0; i < Imports.MOST_UNFINISHED; i++) {
            begin();
        }
        assertThat(refusal(to.control()
                        .imports()
                        .create(new Imports.Request(Label.NONE, "", Optional.empty(), Optional.empty()))))
                .isEqualTo(ErrorCode.RESOURCE_LIMIT_EXCEEDED);
    }

    @Test
    void aCrashAtAnyStepLeavesAnImportThatCanBeFinished() {
        volume = from.volume();
        write(0, noise(2 * BLOCK));
        SnapshotId snapshot = from.snapshot(volume);
        byte[] file = export(snapshot, Optional.empty());
        boolean crashed = true;
        int crashAt = 0;
        while (crashed) {
            crashAt++;
            ImportId id = begin();
            CrashPoints points = new CrashPoints(crashAt);
            to.control().close();
            ControlPlane dying = ControlPlane.start(
                    points.around(BlockStore.class, to.store()),
                    points.around(Metadata.class, to.metadata()),
                    new SecureRandom(),
                    to.clock());
            Throwable unused = catchThrowable(() -> {
                try (ImportReceiver receiver = dying.imports().receive(id, 0)) {
                    receiver.accept(file);
                }
            });
            dying.close();
            crashed = points.crashed();
            to.restart();
            ImportEntry entry = to.control().imports().describe(id);
            if (!entry.completed()) {
                int received = (int) entry.progress().receivedBytes();
                send(id, received, Arrays.copyOfRange(file, received, file.length));
            }
            SnapshotId imported = to.control().imports().describe(id).snapshot();
            assertThat(BlockIo.read(to.store(), imported, 0, 2 * BLOCK))
                    .isEqualTo(BlockIo.read(from.store(), snapshot, 0, 2 * BLOCK));
            assertThat(to.store().volumes()).isEmpty();
            assertThat(to.store().snapshots()).hasSize(crashAt);
            assertThat(to.control().snapshots().list()).hasSize(crashAt);
        }
        assertThat(crashAt).as("steps of an import").isGreaterThan(8);
    }

    private ImportId begin() {
        return to.control()
                .imports()
                .create(new Imports.Request(Label.NONE, "from elsewhere", Optional.empty(), Optional.empty()))
                .join()
                .id();
    }

    private void send(ImportId id, long offset, byte[] bytes) {
        try (ImportReceiver receiver = to.control().imports().receive(id, offset)) {
            receiver.accept(bytes);
        }
    }

    private SnapshotId importInPieces(byte[] file) {
        ImportId id = begin();
        try (ImportReceiver receiver = to.control().imports().receive(id, 0)) {
            for (int at = 0; at < file.length; ) {
                int end = Math.min(file.length, at + 1 + random.nextInt(100_000));
                receiver.accept(Arrays.copyOfRange(file, at, end));
                at = end;
            }
        }
        ImportEntry entry = to.control().imports().describe(id);
        assertThat(entry.completed()).isTrue();
        return entry.snapshot();
    }

    private byte[] export(SnapshotId snapshot, Optional<SnapshotId> since) {
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        from.control().export(snapshot, since).write(Optional.empty(), file::writeBytes);
        return file.toByteArray();
    }

    private void sameEverywhere(SnapshotId wanted, SnapshotId got) {
        for (long offset : new long[] {0, 100L * MIB, 500L * MIB, (1L << 30) - MIB}) {
            assertThat(BlockIo.read(to.store(), got, offset, MIB))
                    .isEqualTo(BlockIo.read(from.store(), wanted, offset, MIB));
        }
    }

    private void write(long offset, byte[] bytes) {
        BlockIo.write(from.store(), volume, offset, bytes);
    }

    private byte[] noise(int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    private static final class Nothing implements PortableReader.Handler {
        @Override
        public void header(PortableHeader header) {}

        @Override
        public void data(long offset, byte[] bytes, int length) {}

        @Override
        public void zeroes(long offset, long length) {}

        @Override
        public void end() {}
    }
}
