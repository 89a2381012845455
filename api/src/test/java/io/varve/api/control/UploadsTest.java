package io.varve.api.control;

import static io.varve.api.control.ControlFixture.refusal;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.varve.api.BlockIo;
import io.varve.engine.Compression;
import io.varve.engine.SnapshotId;
import io.varve.engine.VolumeId;
import io.vertx.core.buffer.Buffer;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A snapshot that is sent block by block is pending until it is completed, and is then one like others. */
class UploadsTest {
    private static final int BLOCK = DirectBlocks.BYTES;
    private static final int BLOCKS = (1 << 30) / BLOCK;
    private static final Label LABEL = ControlFixture.tagged("team", "red");

    @TempDir
    private Path directory;

    private final SplittableRandom random = new SplittableRandom(3);
    private ControlFixture fixture;

    @BeforeEach
    void start() {
        fixture = new ControlFixture(directory);
    }

    @AfterEach
    void stop() {
        fixture.close();
    }

    @Test
    void whatWasSentIsInTheSnapshotAndNothingStaysBehind() {
        SnapshotId id = begin(Optional.empty());
        byte[] first = noise();
        byte[] last = noise();
        put(id, 0, noise());
        put(id, 0, first); // the last one counts
        put(id, BLOCKS - 1, last);
        put(id, 7, new byte[BLOCK]); // zeroes that were sent are a block like any other
        assertThat(complete(id, 3)).isTrue();

        assertThat(BlockIo.read(fixture.store(), id, 0, BLOCK)).isEqualTo(first);
        assertThat(BlockIo.read(fixture.store(), id, BLOCK, BLOCK)).isEqualTo(new byte[BLOCK]);
        assertThat(BlockIo.read(fixture.store(), id, (1L << 30) - BLOCK, BLOCK)).isEqualTo(last);
        SnapshotView view = fixture.control().snapshots().describe(id);
        assertThat(view.state()).isEqualTo("completed");
        assertThat(view.progressPercent()).isEqualTo(100);
        assertThat(view.entry().label()).isEqualTo(LABEL);
        assertThat(fixture.store().volumes()).isEmpty();
        assertThat(complete(id, 3)).as("a completion that is sent again").isTrue();
    }

    @Test
    void onTopOfAParentOnlyWhatWasSentIsOtherwise() {
        VolumeId volume = fixture.volume();
        byte[] old = noise();
        BlockIo.write(fixture.store(), volume, 0, old);
        BlockIo.write(fixture.store(), volume, 5L * BLOCK, old);
        SnapshotId parent = fixture.snapshot(volume);
        SnapshotId id = begin(Optional.of(parent));
        fixture.control()
                .snapshots()
                .delete(parent, false, Precondition.NONE, Connections.NONE)
                .join();
        byte[] changed = noise();
        put(id, 5, changed);
        assertThat(complete(id, 1)).isTrue();
        assertThat(BlockIo.read(fixture.store(), id, 0, BLOCK)).isEqualTo(old);
        assertThat(BlockIo.read(fixture.store(), id, 5L * BLOCK, BLOCK)).isEqualTo(changed);
    }

    @Test
    void itIsShownAsPendingWithItsProgress() {
        SnapshotId earlier = fixture.snapshot(fixture.volume());
        SnapshotId id = begin(Optional.empty());
        put(id, 1, noise(), 40);
        put(id, 2, noise(), 30);
        SnapshotView view = fixture.control().snapshots().describe(id);
        assertThat(view.state()).isEqualTo("pending");
        assertThat(view.progressPercent()).isEqualTo(40);
        assertThat(view.record().sizeBytes()).isEqualTo(1L << 30);
        assertThat(view.usage().usedBytes()).isEqualTo(2L * BLOCK);
        assertThat(fixture.control().snapshots().list())
                .extracting(shown -> shown.record().id())
                .containsExactly(earlier, id);
        assertThat(fixture.control().volumes().list()).hasSize(1);
    }

    @Test
    void itGoesOnAfterARestart() {
        SnapshotId id = begin(Optional.empty());
        byte[] bytes = noise();
        put(id, 1, bytes);
        fixture.restart();
        put(id, 2, noise());
        assertThat(complete(id, 2)).isTrue();
        assertThat(BlockIo.read(fixture.store(), id, BLOCK, BLOCK)).isEqualTo(bytes);
    }

    @Test
    void aWrongCountOrChecksumLeavesItPending() {
        SnapshotId id = begin(Optional.empty());
        byte[] one = noise();
        byte[] two = noise();
        put(id, 9, two);
        put(id, 3, one);
        Uploads uploads = fixture.control().uploads();
        assertThat(refusal(uploads.complete(id, 3, Optional.empty()))).isEqualTo(ErrorCode.INVALID_PARAMETER_VALUE);
        byte[] wrongOrder = linear(two, one);
        assertThat(refusal(uploads.complete(id, 2, Optional.of(wrongOrder))))
                .isEqualTo(ErrorCode.INVALID_PARAMETER_VALUE);
        assertThat(fixture.control().snapshots().describe(id).state()).isEqualTo("pending");
        put(id, 10, noise());
        put(id, 10, one);
        assertThat(uploads.complete(id, 3, Optional.of(linear(one, two, one))).join())
                .isTrue();
    }

    @Test
    void aBadBlockChangesNothing() {
        SnapshotId id = begin(Optional.empty());
        Uploads uploads = fixture.control().uploads();
        byte[] bytes = noise();
        byte[] digest = sha256(bytes);
        bytes[100] ^= 1;
        assertThat(refusal(uploads.put(id, 0, Buffer.buffer(bytes), digest, Optional.empty())))
                .isEqualTo(ErrorCode.INVALID_PARAMETER_VALUE);
        byte[] shorter = new byte[BLOCK - 1];
        assertThat(refusal(uploads.put(id, 0, Buffer.buffer(shorter), sha256(shorter), Optional.empty())))
                .isEqualTo(ErrorCode.INVALID_PARAMETER_VALUE);
        byte[] good = noise();
        for (int index : new int[] {-1, BLOCKS, Integer.MAX_VALUE}) {
            assertThat(refusal(uploads.put(id, index, Buffer.buffer(good), sha256(good), Optional.of(50))))
                    .isEqualTo(ErrorCode.INVALID_BLOCK);
        }
        assertThat(fixture.control().snapshots().describe(id).progressPercent()).isZero();
        assertThat(complete(id, 0)).isTrue();
    }

    @Test
    void blocksAreForPendingSnapshotsOnly() {
        SnapshotId taken = fixture.snapshot(fixture.volume());
        Uploads uploads = fixture.control().uploads();
        byte[] bytes = noise();
        assertThat(refusal(uploads.put(taken, 0, Buffer.buffer(bytes), sha256(bytes), Optional.empty())))
                .isEqualTo(ErrorCode.INCORRECT_STATE);
        assertThat(refusal(uploads.complete(taken, 0, Optional.empty()))).isEqualTo(ErrorCode.INCORRECT_STATE);
        SnapshotId unknown = new SnapshotId(1, 2);
        assertThat(refusal(uploads.put(unknown, 0, Buffer.buffer(bytes), sha256(bytes), Optional.empty())))
                .isEqualTo(ErrorCode.SNAPSHOT_NOT_FOUND);
        SnapshotId done = begin(Optional.empty());
        assertThat(complete(done, 0)).isTrue();
        assertThat(refusal(uploads.put(done, 0, Buffer.buffer(bytes), sha256(bytes), Optional.empty())))
                .isEqualTo(ErrorCode.INCORRECT_STATE);
    }

    @Test
    void aPendingSnapshotCanBeDeletedButNotUsed() {
        SnapshotId id = begin(Optional.empty());
        put(id, 0, noise());
        VolumeRequest restore = new VolumeRequest(
                Optional.of(1),
                Optional.of(id),
                Optional.empty(),
                VolumeLimits.NONE,
                Compression.AUTO,
                Label.NONE,
                Optional.empty());
        assertThat(refusal(fixture.control().volumes().create(restore))).isEqualTo(ErrorCode.INCORRECT_STATE);
        assertThat(refusal(fixture.control()
                        .snapshots()
                        .copy(new SnapshotCopyRequest(id, Label.NONE, "", Optional.empty()))))
                .isEqualTo(ErrorCode.INCORRECT_STATE);
        fixture.control()
                .snapshots()
                .delete(id, false, Precondition.NONE, Connections.NONE)
                .join();
        assertThat(fixture.control().snapshots().list()).isEmpty();
        assertThat(fixture.store().volumes()).isEmpty();
        assertThat(fixture.metadata().snapshots().all()).isEmpty();
    }

    @Test
    void withoutBlocksItFailsInItsTimeAndGivesItsSpaceBack() {
        SnapshotId id = begin(Optional.empty());
        put(id, 0, noise());
        fixture.clock().advance(Duration.ofMinutes(9));
        put(id, 1, noise());
        fixture.clock().advance(Duration.ofMinutes(9));
        fixture.control().tick();
        assertThat(fixture.control().snapshots().describe(id).state()).isEqualTo("pending");
        fixture.clock().advance(Duration.ofMinutes(1));
        fixture.control().tick();
        assertThat(fixture.control().snapshots().describe(id).state()).isEqualTo("error");
        assertThat(fixture.store().volumes()).isEmpty();
        fixture.restart();
        assertThat(fixture.control().snapshots().describe(id).failure()).isPresent();
        byte[] bytes = noise();
        assertThat(refusal(
                        fixture.control().uploads().put(id, 0, Buffer.buffer(bytes), sha256(bytes), Optional.empty())))
                .isEqualTo(ErrorCode.INCORRECT_STATE);
        fixture.clock().advance(Uploads.FAILED_SHOWN);
        fixture.control().tick();
        assertThat(fixture.control().snapshots().list()).isEmpty();
    }

    @Test
    void ofTwoThatWriteOneBlockAtOnceOneIsTold() {
        VolumeId hidden = new VolumeId(0, 1);
        fixture.store().createVolume(hidden, 1L << 30).join();
        try (DirectBlocks blocks = new DirectBlocks()) {
            UploadSession session = new UploadSession(
                    fixture.store(), blocks, hidden, fixture.clock().instant());
            byte[] bytes = noise();
            AtomicReference<Throwable> second = new AtomicReference<>();
            session.write(
                    3,
                    bytes,
                    () -> second.set(catchThrowable(() ->
                            session.write(3, bytes, () -> {}, fixture.clock().instant()))),
                    fixture.clock().instant());
            assertThat(second.get())
                    .isInstanceOfSatisfying(
                            RequestException.class,
                            refusal -> assertThat(refusal.code()).isEqualTo(ErrorCode.CONFLICTING_BLOCK_UPDATE));
            session.alone(() -> assertThat(catchThrowable(() -> CompletableFuture.runAsync(() -> session.write(
                                    4, bytes, () -> {}, fixture.clock().instant()))
                            .join()))
                    .hasRootCauseInstanceOf(RequestException.class));
            assertThat(session.written()).containsExactly(3);
            session.close();
        }
    }

    @Test
    void moreRequestsThanCanWaitAreTurnedAway() {
        try (DirectBlocks blocks = new DirectBlocks()) {
            CompletableFuture<Void> gate = new CompletableFuture<>();
            List<CompletableFuture<?>> admitted = new ArrayList<>();
            CompletableFuture<?> last = blocks.run(gate::join);
            while (!last.isCompletedExceptionally()) {
                admitted.add(last);
                last = blocks.run(gate::join);
            }
            assertThat(refusal(last)).isEqualTo(ErrorCode.REQUEST_LIMIT_EXCEEDED);
            assertThat(admitted).hasSize(72);
            gate.complete(null);
            admitted.forEach(CompletableFuture::join);
        }
    }

    @Test
    void theSameTokenBeginsOne() {
        UploadRequest request = request(Optional.empty(), 10, Optional.of("token"));
        SnapshotId id = fixture.control().uploads().start(request).join();
        assertThat(fixture.control().uploads().start(request).join()).isEqualTo(id);
        assertThat(refusal(fixture.control().uploads().start(request(Optional.empty(), 11, Optional.of("token")))))
                .isEqualTo(ErrorCode.IDEMPOTENT_PARAMETER_MISMATCH);
        assertThat(fixture.store().volumes()).hasSize(1);
    }

    @Test
    void onlySoManyArePending() {
        for (int i = 0; i < Uploads.MOST_PENDING; i++) {
            begin(Optional.empty());
        }
        assertThat(refusal(fixture.control().uploads().start(request(Optional.empty(), 10, Optional.empty()))))
                .isEqualTo(ErrorCode.RESOURCE_LIMIT_EXCEEDED);
        assertThat(fixture.store().volumes()).hasSize(Uploads.MOST_PENDING);
    }

    private SnapshotId begin(Optional<SnapshotId> parent) {
        return fixture.control()
                .uploads()
                .start(request(parent, 10, Optional.empty()))
                .join();
    }

    private static UploadRequest request(Optional<SnapshotId> parent, int minutes, Optional<String> token) {
        return new UploadRequest(1, parent, LABEL, "sent", minutes, token);
    }

    private void put(SnapshotId id, int index, byte[] bytes) {
        put(id, index, bytes, 0);
    }

    private void put(SnapshotId id, int index, byte[] bytes, int progress) {
        fixture.control()
                .uploads()
                .put(id, index, Buffer.buffer(bytes), sha256(bytes), Optional.of(progress))
                .join();
    }

    private boolean complete(SnapshotId id, int count) {
        return fixture.control().uploads().complete(id, count, Optional.empty()).join();
    }

    private byte[] noise() {
        byte[] bytes = new byte[BLOCK];
        random.nextBytes(bytes);
        return bytes;
    }

    private static byte[] sha256(byte[] bytes) {
        return DirectBlocks.newDigest().digest(bytes);
    }

    private static byte[] linear(byte[]... blocks) {
        MessageDigest all = DirectBlocks.newDigest();
        for (byte[] block : blocks) {
            all.update(sha256(block));
        }
        return all.digest();
    }
}
