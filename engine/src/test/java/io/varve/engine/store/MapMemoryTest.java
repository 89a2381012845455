package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.Extents;
import io.varve.engine.IoStatus;
import io.varve.engine.MemoryUse;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import io.varve.engine.map.Frame;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Memory for map pages is short: one volume has all of it, and the others are served all the same. */
class MapMemoryTest {
    private static final int BLOCK = 4096;
    private static final long LEAF = 2 << 20;
    private static final int PATH_PAGES = 5;
    private static final VolumeId GREEDY = new VolumeId(1, 1);
    private static final VolumeId OTHER = new VolumeId(1, 2);

    private final SimulatedStore simulated =
            new SimulatedStore(1L << 28, new StoreOptions(1, 64 << 20, 64 << 20, 64 << 20, 1 << 20));

    /** The way from the root to a leaf is brought in page by page: none of it may go while the rest comes. */
    @Test
    void aQuestionTakesNoPagesFromTheWritesBeforeIt() {
        int leaves = 200;
        Volume volume = create(GREEDY);
        for (int leaf = 0; leaf < leaves; leaf++) {
            simulated.write(volume, leaf * LEAF, BLOCK, 3);
        }
        simulated.store().close();
        simulated.restart();
        Volume opened = simulated.await(simulated.store().open(GREEDY));
        assertThat(simulated.write(opened, 0, BLOCK, 4)).isEqualTo(IoStatus.OK);
        simulated.await(simulated.store().checkpoint());
        simulated.disk.setWouldBlockPercent(0);
        CompletableFuture<IoStatus> written = new CompletableFuture<>();
        CompletableFuture<IoStatus> told = new CompletableFuture<>();

        opened.loop().execute(() -> {
            opened.write(0, SimulatedStore.filled(BLOCK, 5), false, written::complete);
            opened.blockStatus(LEAF, (leaves - 1) * LEAF, 1000, new Extents(), told::complete);
            opened.submit();
        });

        assertThat(simulated.await(written)).isEqualTo(IoStatus.OK);
        assertThat(simulated.await(told)).isEqualTo(IoStatus.OK);
    }

    @Test
    void aReadEndsWhenAnotherVolumesDirtyPagesHoldAllMemory() {
        Volume other = create(OTHER);
        assertThat(simulated.write(other, 0, BLOCK, 3)).isEqualTo(IoStatus.OK);
        create(GREEDY);
        simulated.store().close();
        simulated.restart();
        Volume writes = simulated.await(simulated.store().open(GREEDY));
        Volume reads = simulated.await(simulated.store().open(OTHER));
        assertThat(simulated.write(writes, 0, BLOCK, 5)).isEqualTo(IoStatus.OK);
        simulated.disk.setWouldBlockPercent(0);
        ByteBuffer into = ByteBuffer.allocateDirect(BLOCK);
        CompletableFuture<IoStatus> answer = new CompletableFuture<>();

        writes.loop()
                .execute(
                        () -> { // no checkpoint comes between
                            for (int leaf = 0; leaf < 200; leaf++) {
                                writes.write(leaf * LEAF, SimulatedStore.filled(BLOCK, 5), false, status -> {});
                            }
                            writes.submit();
                            reads.read(0, into, answer::complete);
                            reads.submit();
                        });

        assertThat(simulated.await(answer)).isEqualTo(IoStatus.OK);
        assertThat(into).isEqualTo(SimulatedStore.filled(BLOCK, 3));
    }

    /** Each has few of them, and writes that bring no data make them without making the log long. */
    @Test
    void dirtyPagesOfManyVolumesTogetherStayWithinTheBudget() {
        int volumes = 20;
        int leaves = 100;
        long budget = 640;
        SimulatedStore small = new SimulatedStore(
                1L << 28, new StoreOptions(budget * Frame.BYTES, 64 << 20, 64 << 20, 64 << 20, 1 << 20));
        List<Volume> opened = new ArrayList<>();
        for (int i = 0; i < volumes; i++) {
            VolumeId id = new VolumeId(2, i);
            small.await(small.store().createVolume(id, 1L << 30));
            opened.add(small.await(small.store().open(id)));
        }
        long most = 0;
        for (int leaf = 0; leaf < leaves; leaf++) {
            long offset = leaf * LEAF;
            for (Volume volume : opened) {
                small.awaitWritable(volume);
                assertThat(small.call(volume, (to, done) -> to.writeZeroes(offset, BLOCK, true, false, done)))
                        .isEqualTo(IoStatus.OK);
                most = Math.max(
                        most, small.store().memory().get(MemoryUse.MAP_PAGES).usedBytes());
            }
        }

        assertThat(most / Frame.BYTES).isLessThanOrEqualTo(budget * 5 / 4 + (long) volumes * PATH_PAGES);
    }

    private Volume create(VolumeId id) {
        simulated.await(simulated.store().createVolume(id, 1L << 30));
        return simulated.await(simulated.store().open(id));
    }
}
