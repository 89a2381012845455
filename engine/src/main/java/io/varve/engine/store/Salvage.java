package io.varve.engine.store;

import io.varve.engine.BlockStore;
import io.varve.engine.Completion;
import io.varve.engine.EngineThreads;
import io.varve.engine.IoStatus;
import io.varve.engine.SalvageReport;
import io.varve.engine.StoreException;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.engine.VolumeStatus;
import io.varve.engine.check.Findings;
import io.varve.engine.check.KeptTree;
import io.varve.engine.check.TreeCopy;
import io.varve.engine.io.Disk;
import io.varve.engine.io.DiskFile;
import io.varve.engine.io.OverlayDisk;
import io.varve.engine.log.SegmentStore;
import io.varve.engine.map.FramePool;
import io.varve.engine.map.PageFile;
import io.varve.engine.meta.SuperblockCopies;
import io.varve.engine.meta.SuperblockImage;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Copies what can be read of a damaged store into an empty one: every volume's history in order, so that snapshots and
 * clones share what they shared. The damaged store is recovered in memory only. Waits for storage; on none of the
 * engine's own threads.
 */
final class Salvage {
    private static final long FRAME_BYTES = 64L * 6144;

    private final BlockStore target;
    private final EngineThreads threads;
    private final Findings lost = new Findings();
    private final List<String> copied = new ArrayList<>();
    private long dataBytes;

    private Salvage(BlockStore target, EngineThreads threads) {
        this.target = target;
        this.threads = threads;
    }

    /**
     * Copies everything.
     *
     * @param damaged the damaged store, locked; nothing is written to it
     * @throws StoreException whatever keeps the damaged store from opening, and what the target fails with
     */
    static SalvageReport run(Disk damaged, BlockStore target, EngineThreads threads) {
        Salvage salvage = new Salvage(target, threads);
        OverlayDisk recovered = new OverlayDisk(damaged);
        salvage.leaveOutUnreadable(recovered);
        salvage.recover(recovered);
        try (SuperblockCopies copies = SuperblockCopies.read(recovered, StoreOpening.TABLES);
                DiskFile map = recovered.open(StoreOpening.MAP_FILE, Disk.Mode.EXISTING);
                FramePool frames = new FramePool(FRAME_BYTES)) {
            SuperblockImage image = copies.newest()
                    .orElseThrow(
                            () -> new StoreException(StoreException.Kind.DAMAGED, "no superblock: " + copies.damage()));
            SegmentStore segments =
                    new SegmentStore(recovered, image.table(SegmentStore.TABLE), Checkpointer.nextSegmentId(image));
            StoreModel model = StoreModel.read(image, salvage.lost);
            for (VolumeRow volume : model.volumes()) {
                salvage.new History(volume, model, new PageFile(map), frames, segments).copy();
            }
            model.hiddenOrigins().forEach(snapshot -> salvage.await(target.deleteSnapshot(snapshot.id())));
        }
        return new SalvageReport(salvage.lost.all(), salvage.copied, salvage.dataBytes);
    }

    /** A superblock that cannot be read keeps a store from opening; here the other one has to do. */
    private void leaveOutUnreadable(OverlayDisk disk) {
        try (SuperblockCopies copies = SuperblockCopies.read(disk, StoreOpening.TABLES)) {
            for (String name : copies.unreadable()) {
                lost.damage(name, "it cannot be read: the last commit may be missing", List.of());
                disk.delete(name);
            }
        }
    }

    /** Replays the logs of volumes that were not closed, in memory. */
    private void recover(OverlayDisk disk) {
        try (BlockStore store = StoreEngine.open(disk, StoreOptions.DEFAULT.withBallast(0), threads)) {
            store.volumes().forEach(volume -> {
                if (volume.status().health() != VolumeStatus.Health.OK) {
                    lost.damage(
                            "log of " + volume.id(),
                            volume.status().detail(),
                            List.of(volume.id().toString()));
                }
            });
        }
    }

    private <T> T await(CompletableFuture<T> future) {
        return AccountantTasks.join(future, threads);
    }

    /** One volume's snapshots, oldest first, and its own content. */
    private final class History implements TreeCopy.Target {
        private final VolumeRow row;
        private final StoreModel model;
        private final TreeCopy copy;
        private @Nullable KeptTree before;
        private @Nullable Volume volume;
        private String current = "";
        private long sizeBlocks;

        History(VolumeRow row, StoreModel model, PageFile pages, FramePool frames, SegmentStore segments) {
            this.row = row;
            this.model = model;
            this.copy = new TreeCopy(pages, frames, segments, this);
        }

        void copy() {
            List<SnapshotRow> snapshots = model.snapshotsToKeep(row);
            if (snapshots.isEmpty() && !row.isLive()) {
                return;
            }
            create(snapshots.isEmpty() ? row.sizeBytes() : snapshots.get(0).sizeBytes());
            for (SnapshotRow snapshot : snapshots) {
                copy(model.treeOf(snapshot));
                await(target.createSnapshot(snapshot.id(), row.id()));
                if (snapshot.isLive()) {
                    copied.add(snapshot.id().toString());
                }
            }
            KeptTree own = model.treeOf(row);
            if (own != null) {
                copy(own);
                copied.add(own.name());
                call(Volume::flush);
            }
            open().release();
            if (own == null) {
                await(target.deleteVolume(row.id()));
            }
        }

        private void create(long sizeBytes) {
            SnapshotRow origin = model.originOf(row);
            if (origin == null) {
                await(target.createVolume(row.id(), sizeBytes, row.compression()));
            } else {
                before = model.treeOf(origin);
                long least = Math.max(sizeBytes, origin.sizeBytes());
                await(target.cloneVolume(row.id(), least, origin.id(), row.compression()));
            }
            volume = await(target.open(row.id()));
        }

        private void copy(KeptTree tree) {
            current = tree.name();
            sizeBlocks = tree.sizeBlocks();
            if (open().sizeBytes() < sizeBlocks * BlockStore.BLOCK_BYTES) {
                await(target.extendVolume(row.id(), sizeBlocks * BlockStore.BLOCK_BYTES));
            }
            copy.copy(tree, before);
            before = tree;
        }

        private Volume open() {
            Volume opened = volume;
            if (opened == null) {
                throw new IllegalStateException("the volume was not created");
            }
            return opened;
        }

        @Override
        public void data(long firstBlock, ByteBuffer blocks) {
            dataBytes += blocks.remaining();
            call((to, done) -> to.write(firstBlock * BlockStore.BLOCK_BYTES, blocks, false, done));
        }

        @Override
        public void cleared(long firstBlock, long endBlock, boolean hole) {
            long offset = firstBlock * BlockStore.BLOCK_BYTES;
            long length = (Math.min(endBlock, sizeBlocks) - firstBlock) * BlockStore.BLOCK_BYTES;
            if (length > 0) {
                call((to, done) -> {
                    if (hole) {
                        to.trim(offset, length, false, done);
                    } else {
                        to.writeZeroes(offset, length, true, false, done);
                    }
                });
            }
        }

        @Override
        public void unreadable(long firstBlock, long endBlock, String why) {
            long end = Math.min(endBlock, sizeBlocks);
            lost.damage(
                    current,
                    "offset " + firstBlock * BlockStore.BLOCK_BYTES + ", " + (end - firstBlock) * BlockStore.BLOCK_BYTES
                            + " bytes, left as a hole, also in what was taken or cloned later: " + why,
                    List.of(current));
        }

        /** One request after the other, each when the volume takes requests in. */
        private void call(BiConsumer<Volume, Completion> request) {
            Volume to = open();
            CompletableFuture<IoStatus> answer = new CompletableFuture<>();
            to.loop()
                    .execute(() -> to.whenWritable(() -> {
                        request.accept(to, answer::complete);
                        to.submit();
                    }));
            IoStatus status = await(answer);
            if (status != IoStatus.OK) {
                StoreException.Kind kind =
                        status == IoStatus.ENOSPC ? StoreException.Kind.NO_SPACE : StoreException.Kind.IO;
                throw new StoreException(kind, "the copy of " + current + " fails: " + status);
            }
        }
    }
}
