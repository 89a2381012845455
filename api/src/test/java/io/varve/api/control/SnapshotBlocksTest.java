package io.varve.api.control;

import static io.varve.api.control.ControlFixture.refusal;
import static org.assertj.core.api.Assertions.assertThat;

import io.varve.api.BlockIo;
import io.varve.engine.SnapshotId;
import io.varve.engine.VolumeId;
import io.vertx.core.buffer.Buffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is told of a snapshot's blocks is what comparing all its bytes would tell. */
class SnapshotBlocksTest {
    private static final int BLOCK = DirectBlocks.BYTES;
    private static final int BLOCKS = (1 << 30) / BLOCK;
    private static final int MOST = 10_000;

    @TempDir
    private Path directory;

    private final SplittableRandom random = new SplittableRandom(11);
    private ControlFixture fixture;
    private SnapshotBlocks blocks;
    private VolumeId volume;

    @BeforeEach
    void start() {
        fixture = new ControlFixture(directory);
        blocks = fixture.control().snapshotBlocks();
        volume = fixture.volume();
    }

    @AfterEach
    void stop() {
        fixture.close();
    }

    @Test
    void theListHasEveryBlockWithDataOnceAndInOrder() {
        write(3L * BLOCK + 8192, 4096);
        write(3L * BLOCK + 32768, 4096);
        write(10L * BLOCK - 4096, 8192); // on both sides of a border
        write((1L << 30) - 4096, 4096);
        SnapshotId snapshot = fixture.snapshot(volume);
        assertThat(list(snapshot, 0, MOST)).containsExactly(3, 9, 10, BLOCKS - 1);
        assertThat(list(snapshot, 4, MOST)).containsExactly(9, 10, BLOCKS - 1);
        assertThat(list(snapshot, BLOCKS, MOST)).isEmpty();
        assertThat(list(snapshot, Integer.MAX_VALUE, MOST)).isEmpty();
        assertThat(list(fixture.snapshot(fixture.volume()), 0, MOST)).isEmpty();
    }

    @Test
    void pagesOfAnySizeGiveTheSameList() {
        TreeSet<Integer> written = new TreeSet<>();
        for (int i = 0; i < 60; i++) {
            int block = random.nextInt(BLOCKS);
            write((long) block * BLOCK + random.nextInt(BLOCK / 4096) * 4096L, 4096);
            written.add(block);
        }
        SnapshotId snapshot = fixture.snapshot(volume);
        for (int most : new int[] {1, 2, 7, 59, MOST}) {
            List<Integer> all = new ArrayList<>();
            Optional<Integer> from = Optional.of(0);
            while (from.isPresent()) {
                SnapshotBlocks.Page<Integer> page =
                        blocks.list(snapshot, from.get(), most).join();
                assertThat(page.items()).hasSizeLessThanOrEqualTo(most);
                assertThat(page.next().orElse(BLOCKS)).isGreaterThan(from.get());
                all.addAll(page.items());
                from = page.next();
            }
            assertThat(all).containsExactlyElementsOf(written);
        }
    }

    @Test
    void aChangeTellsWhichOfBothHasTheBlock() {
        write(0, 4096);
        write(5L * BLOCK, BLOCK);
        write(6L * BLOCK, BLOCK);
        SnapshotId first = fixture.snapshot(volume);
        write(100, 10);
        BlockIo.trim(fixture.store(), volume, 6L * BLOCK, BLOCK);
        write(7L * BLOCK, 4096);
        SnapshotId second = fixture.snapshot(volume);
        assertThat(changed(first, second))
                .containsExactly(
                        new SnapshotBlocks.Change(0, true, true),
                        new SnapshotBlocks.Change(6, true, false),
                        new SnapshotBlocks.Change(7, false, true));
        assertThat(changed(second, first))
                .containsExactly(
                        new SnapshotBlocks.Change(0, true, true),
                        new SnapshotBlocks.Change(6, false, true),
                        new SnapshotBlocks.Change(7, true, false));
    }

    @Test
    void changesOfAnUploadedSnapshotAreWhatWasSent() {
        write(0, BLOCK);
        SnapshotId parent = fixture.snapshot(volume);
        SnapshotId child = fixture.control()
                .uploads()
                .start(new UploadRequest(2, Optional.of(parent), Label.NONE, "", 10, Optional.empty()))
                .join();
        byte[] bytes = new byte[BLOCK];
        for (int index : new int[] {0, 9, BLOCKS + 4}) {
            fixture.control()
                    .uploads()
                    .put(
                            child,
                            index,
                            Buffer.buffer(bytes),
                            DirectBlocks.newDigest().digest(bytes),
                            Optional.empty())
                    .join();
        }
        assertThat(refusal(blocks.list(child, 0, MOST))).isEqualTo(ErrorCode.INCORRECT_STATE);
        fixture.control().uploads().complete(child, 3, Optional.empty()).join();
        assertThat(changed(parent, child))
                .containsExactly(
                        new SnapshotBlocks.Change(0, true, true),
                        new SnapshotBlocks.Change(9, false, true),
                        new SnapshotBlocks.Change(BLOCKS + 4, false, true));
    }

    @Test
    void strangersHaveNoDifferences() {
        SnapshotId one = fixture.snapshot(volume);
        SnapshotId other = fixture.snapshot(fixture.volume());
        assertThat(refusal(blocks.changed(one, other, 0, MOST))).isEqualTo(ErrorCode.UNRELATED_SNAPSHOTS);
        assertThat(refusal(blocks.changed(one, new SnapshotId(1, 2), 0, MOST))).isEqualTo(ErrorCode.SNAPSHOT_NOT_FOUND);
        assertThat(refusal(blocks.list(new SnapshotId(1, 2), 0, MOST))).isEqualTo(ErrorCode.SNAPSHOT_NOT_FOUND);
    }

    @Test
    void aBlockIsReadWholeWithItsDigest() {
        byte[] bytes = write(8L * BLOCK, BLOCK);
        SnapshotId snapshot = fixture.snapshot(volume);
        write(8L * BLOCK, BLOCK);
        SnapshotBlocks.Block block = blocks.read(snapshot, 8).join();
        assertThat(block.bytes().getBytes()).isEqualTo(bytes);
        assertThat(block.sha256())
                .isEqualTo(Base64.getEncoder()
                        .encodeToString(DirectBlocks.newDigest().digest(bytes)));
        assertThat(blocks.read(snapshot, 9).join().bytes().getBytes()).isEqualTo(new byte[BLOCK]);
        for (int index : new int[] {-1, BLOCKS, Integer.MAX_VALUE}) {
            assertThat(refusal(blocks.read(snapshot, index))).isEqualTo(ErrorCode.INVALID_BLOCK);
        }
    }

    @Test
    void whoHasReadASnapshotDoesNotKeepItFromBeingDeleted() {
        SnapshotId snapshot = fixture.snapshot(volume);
        blocks.read(snapshot, 0).join();
        assertThat(fixture.store().inUse(snapshot)).isTrue();
        fixture.control()
                .snapshots()
                .delete(snapshot, false, Precondition.NONE, Connections.NONE)
                .join();
        assertThat(fixture.store().snapshots()).isEmpty();
        assertThat(refusal(blocks.read(snapshot, 0))).isEqualTo(ErrorCode.SNAPSHOT_NOT_FOUND);
    }

    private List<Integer> list(SnapshotId snapshot, int from, int most) {
        return blocks.list(snapshot, from, most).join().items();
    }

    private List<SnapshotBlocks.Change> changed(SnapshotId first, SnapshotId second) {
        return blocks.changed(first, second, 0, MOST).join().items();
    }

    private byte[] write(long offset, int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        BlockIo.write(fixture.store(), volume, offset, bytes);
        return bytes;
    }
}
