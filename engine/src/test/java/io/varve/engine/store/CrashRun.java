package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.BlockStore;
import io.varve.engine.Completion;
import io.varve.engine.Finding;
import io.varve.engine.IoStatus;
import io.varve.engine.SnapshotId;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import io.varve.engine.VolumeStatus;
import io.varve.engine.io.SimulatedCrash;
import io.varve.engine.io.SimulatedDisk;
import io.varve.engine.io.SimulatedScheduler;
import io.varve.engine.io.SimulatedThreads;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Four lives of a store, all chance in which comes from one seed. */
final class CrashRun {
    private static final int LIVES = 4;
    private static final long VOLUME_BYTES = 1L << 30;
    private static final int MAX_VOLUMES = 4;
    private static final int MAX_SNAPSHOTS = 5;
    /** A store that has failed makes no more operations to crash at. */
    private static final int MAX_ACTS = 400;

    private static final int MAX_IN_FLIGHT = 16;
    /** Little memory and log, so that a few requests meet evicted pages, full segments and checkpoints. */
    private static final StoreOptions OPTIONS = new StoreOptions(1 << 20, 1 << 20, 1 << 20, 1 << 20, 1 << 20);

    /** A volume, as the test knows it. */
    private static final class Disk {
        final VolumeId id;
        final VolumeHistory history;

        @Nullable
        Volume open;

        boolean created;
        boolean opening;
        boolean deleting;
        boolean failed;
        int inFlight;

        Disk(VolumeId id, int[] content) {
            this.id = id;
            this.history = new VolumeHistory(content);
        }
    }

    /** A snapshot, as the test knows it. */
    private static final class Shot {
        final SnapshotId id;
        final long asked;
        final Disk of;
        /** What it may hold; known when it is there, or when the crash came. */
        @Nullable
        VolumeHistory possible;
        /** What it was found to hold. */
        int @Nullable [] content;

        boolean created;
        boolean deleting;
        int users;

        Shot(SnapshotId id, Disk of, long asked) {
            this.id = id;
            this.of = of;
            this.asked = asked;
        }
    }

    private final boolean syncsFail;
    private final String name;
    private final SplittableRandom random;
    private final SimulatedDisk disk;
    private final List<Disk> volumes = new ArrayList<>();
    private final List<Shot> snapshots = new ArrayList<>();
    private SimulatedScheduler scheduler;
    private BlockStore store;
    private long clock;
    private int stamps;
    private String trace = "life 0";
    /** What went wrong inside a callback, where an exception would be swallowed. */
    private @Nullable Throwable problem;

    CrashRun(long seed, boolean syncsFail) {
        this.syncsFail = syncsFail;
        this.name = "seed " + seed;
        random = new SplittableRandom(seed);
        scheduler = new SimulatedScheduler(seed);
        disk = new SimulatedDisk(scheduler, seed, 1L << 30);
        store = openStore();
    }

    void go() {
        try {
            for (int life = 0; life < LIVES; life++) {
                boolean kill = random.nextBoolean();
                boolean fault = live();
                trace = "life " + life + (kill ? " killed" : " without power") + (fault ? ", with a fault" : "");
                restart(kill);
                inspect(kill && !fault);
                recount("after recovery");
            }
            store.close();
            recount("after closing");
        } catch (AssertionError | RuntimeException e) {
            throw new AssertionError(name + ", " + trace + ": " + e.getMessage(), e);
        }
    }

    // ---- a life ----

    /** Works until the crash; true if a sync was made to fail. */
    private boolean live() {
        boolean fault = syncsFail && random.nextInt(4) > 0;
        disk.crashAfter(20 + random.nextInt(300));
        if (fault) {
            String names = random.nextInt(3) == 0 ? ".*" : "segments/.*";
            disk.failNth(SimulatedDisk.Operation.SYNC, names, 1 + random.nextInt(30));
        }
        try {
            for (int acts = 0; acts < MAX_ACTS; acts++) {
                act();
                if (problem != null) {
                    throw new AssertionError("in a callback", problem);
                }
                for (int steps = random.nextInt(12); steps > 0 && scheduler.runOne(); steps--) {}
            }
        } catch (SimulatedCrash expected) {
            // the end of this life
        }
        return fault;
    }

    private void act() {
        int choice = random.nextInt(100);
        if (volumes.isEmpty() || choice < 2) {
            createVolume();
        } else if (choice < 5) {
            snapshot(pick(volumes));
        } else if (choice < 7 && !snapshots.isEmpty()) {
            cloneOf(pick(snapshots));
        } else if (choice < 9 && !snapshots.isEmpty()) {
            deleteSnapshot(pick(snapshots));
        } else if (choice < 10) {
            deleteVolume(pick(volumes));
        } else if (choice < 12) {
            control(store.checkpoint(), () -> {});
        } else {
            requests(pick(volumes));
        }
    }

    private <T> T pick(List<T> from) {
        return from.get(random.nextInt(from.size()));
    }

    /** Follows a call of the store. Without a fault none may fail; with one, the object is left alone from then on. */
    private void control(CompletableFuture<?> call, Runnable whenDone) {
        CompletableFuture<?> unused = call.handle((result, failure) -> {
                    if (failure == null) {
                        whenDone.run();
                    } else if (!syncsFail) {
                        throw new AssertionError("a call of the store failed", failure);
                    }
                    return true;
                })
                .whenComplete((result, failure) -> problem = failure == null ? problem : failure);
    }

    private void createVolume() {
        if (volumes.size() < MAX_VOLUMES) {
            Disk made = new Disk(VolumeId.random(random), new int[VolumeHistory.SECTORS]);
            volumes.add(made);
            control(store.createVolume(made.id, VOLUME_BYTES), () -> made.created = true);
        }
    }

    private void cloneOf(Shot shot) {
        int[] content = shot.content;
        if (volumes.size() < MAX_VOLUMES && content != null && !shot.deleting) {
            Disk made = new Disk(VolumeId.random(random), content);
            volumes.add(made);
            shot.users++;
            control(store.cloneVolume(made.id, VOLUME_BYTES, shot.id), () -> {
                made.created = true;
                shot.users--;
            });
        }
    }

    private void snapshot(Disk of) {
        if (snapshots.size() >= MAX_SNAPSHOTS || !of.created || of.deleting || of.failed) {
            return;
        }
        Shot shot = new Shot(SnapshotId.random(random), of, clock++);
        snapshots.add(shot);
        of.inFlight++;
        control(store.createSnapshot(shot.id, of.id).whenComplete((record, failure) -> of.inFlight--), () -> {
            shot.created = true;
            shot.possible = of.history.ofSnapshot(shot.asked);
            of.history.flushed(shot.asked);
            if (random.nextBoolean()) {
                readSnapshot(shot);
            }
        });
    }

    private void readSnapshot(Shot shot) {
        shot.users++;
        control(
                store.openSnapshot(shot.id)
                        .thenCompose(volume -> readAll(volume).whenComplete((found, failure) -> {
                            volume.release();
                            shot.users--;
                            if (found != null) {
                                checkSnapshot(shot, found);
                            }
                        })),
                () -> {});
    }

    private void deleteSnapshot(Shot shot) {
        if (shot.created && !shot.deleting && shot.users == 0) {
            shot.deleting = true;
            control(store.deleteSnapshot(shot.id), () -> snapshots.remove(shot));
        }
    }

    private void deleteVolume(Disk volume) {
        Volume open = volume.open;
        if (volume.created && !volume.deleting && !volume.opening && volume.inFlight == 0) {
            volume.deleting = true;
            if (open != null) {
                open.release();
            }
            control(store.deleteVolume(volume.id), () -> volumes.remove(volume));
        }
    }

    // ---- requests ----

    private void requests(Disk volume) {
        if (!volume.created || volume.deleting || volume.opening) {
            return;
        }
        Volume open = volume.open;
        if (open == null) {
            volume.opening = true;
            control(
                    store.open(volume.id).thenAccept(opened -> {
                        volume.open = opened;
                        volume.opening = false;
                    }),
                    () -> {});
            return;
        }
        int count = Math.min(1 + random.nextInt(6), MAX_IN_FLIGHT - volume.inFlight);
        volume.inFlight++;
        open.loop().execute(() -> {
            for (int i = 0; i < count; i++) {
                request(volume, open);
            }
            open.submit();
            volume.inFlight--;
        });
    }

    private void request(Disk volume, Volume open) {
        int run = random.nextInt(VolumeHistory.RUNS);
        int unit = random.nextBoolean() ? 1 : 8;
        int sectors = VolumeHistory.sectors(run);
        int length = unit * (1 + random.nextInt(Math.min(4, sectors / unit)));
        int inRun = unit * random.nextInt((sectors - length) / unit + 1);
        int first = VolumeHistory.firstSector(run) + inRun;
        switch (random.nextInt(10)) {
            case 0 -> flush(volume, open);
            case 1, 2 -> read(volume, open, first, length);
            default -> {
                if (!volume.history.isBusy(first, first + length)) {
                    change(volume, open, first, length);
                }
            }
        }
    }

    private void change(Disk volume, Volume open, int first, int length) {
        boolean whole = first % 8 == 0 && length % 8 == 0;
        int kind = random.nextInt(8);
        boolean clears = kind == 0 || kind == 1 && whole;
        boolean fua = random.nextInt(6) == 0;
        VolumeHistory.Change change =
                new VolumeHistory.Change(clears ? 0 : ++stamps, first, first + length, fua, clock++);
        volume.history.submit(change);
        volume.inFlight++;
        long offset = VolumeHistory.offsetOf(first);
        long bytes = (long) length * VolumeHistory.SECTOR_BYTES;
        Completion done = status -> {
            volume.inFlight--;
            note(volume, status);
            if (status == IoStatus.OK) {
                volume.history.acknowledge(change, clock++);
            } else {
                volume.history.refuse(change);
            }
        };
        if (!clears) {
            open.write(offset, VolumeHistory.content(change.stamp, length), fua, done);
        } else if (kind == 1) {
            open.trim(offset, bytes, fua, done);
        } else {
            open.writeZeroes(offset, bytes, random.nextBoolean(), fua, done);
        }
    }

    private void flush(Disk volume, Volume open) {
        long asked = clock++;
        volume.inFlight++;
        open.flush(status -> {
            volume.inFlight--;
            note(volume, status);
            if (status == IoStatus.OK) {
                volume.history.flushed(asked);
            }
        });
    }

    private void read(Disk volume, Volume open, int first, int length) {
        long asked = clock++;
        volume.inFlight++;
        ByteBuffer into = ByteBuffer.allocateDirect(length * VolumeHistory.SECTOR_BYTES);
        open.read(VolumeHistory.offsetOf(first), into, status -> {
            volume.inFlight--;
            assertThat(status).as("a read").isEqualTo(IoStatus.OK);
            volume.history.checkRead(first, VolumeHistory.stamps(into), asked);
        });
    }

    /** Law 5: once the log has failed, the volume says so, and nothing is promised any more. */
    private void note(Disk volume, IoStatus status) {
        if (status == IoStatus.OK) {
            assertThat(volume.failed)
                    .as("%s promises after a failure", volume.id)
                    .isFalse();
        } else {
            assertThat(status).isEqualTo(IoStatus.EIO);
            assertThat(syncsFail).as("a request failed").isTrue();
            volume.failed |= store.volume(volume.id)
                    .filter(record -> record.status().health() == VolumeStatus.Health.FAILED)
                    .isPresent();
        }
    }

    // ---- the next life ----

    private BlockStore openStore() {
        return StoreEngine.open(disk, OPTIONS, new SimulatedThreads(scheduler, 2));
    }

    private void restart(boolean kill) {
        disk.heal();
        for (int attempt = 0; ; attempt++) {
            scheduler = new SimulatedScheduler(random.nextLong(), scheduler.nanoTime());
            if (kill) {
                disk.processKill(scheduler);
            } else {
                disk.powerLoss(scheduler);
            }
            recount("before recovery");
            try {
                if (attempt < 2 && random.nextInt(3) == 0) {
                    disk.crashAfter(1 + random.nextInt(20));
                }
                store = openStore();
                disk.crashAfter(0);
                return;
            } catch (SimulatedCrash expected) {
                // a crash during recovery
            }
        }
    }

    /** What the tables count is what is there, at any instant at which no commit is under way. */
    private void recount(String when) {
        assertThat(StoreInspection.check(disk, true).findings())
                .as("a recount %s", when)
                .noneMatch(finding -> finding.severity() != Finding.Severity.NOTE);
    }

    private void inspect(boolean keptAcknowledged) {
        snapshots.removeIf(shot ->
                isGone(shot.created, shot.deleting, store.snapshot(shot.id).isPresent()));
        volumes.removeIf(volume ->
                isGone(volume.created, volume.deleting, store.volume(volume.id).isPresent()));
        assertThat(store.snapshots()).hasSize(snapshots.size());
        assertThat(store.volumes()).hasSize(volumes.size());
        for (Shot shot : snapshots) {
            if (shot.possible == null) {
                shot.possible = shot.of.history.ofSnapshot(shot.asked);
            }
            shot.created = true;
            shot.deleting = false;
            shot.users = 0;
            Volume open = await(store.openSnapshot(shot.id));
            checkSnapshot(shot, await(readAll(open)));
            open.release();
        }
        for (Disk volume : volumes) {
            Volume open = await(store.open(volume.id));
            int[] found = await(readAll(open));
            open.release();
            if (keptAcknowledged) {
                volume.history.keepAcknowledged();
            }
            volume.history.check(found);
            volume.history.restart(found);
            volume.created = true;
            volume.deleting = false;
            volume.opening = false;
            volume.failed = false;
            volume.open = null;
            volume.inFlight = 0;
        }
    }

    /** What was created is there and what was deleted is gone; a call cut short may have done its work or not. */
    private static boolean isGone(boolean created, boolean deleting, boolean found) {
        if (created && !deleting) {
            assertThat(found).as("what was created is there").isTrue();
        }
        return !found;
    }

    private static void checkSnapshot(Shot shot, int[] found) {
        VolumeHistory possible = shot.possible;
        if (shot.content != null) {
            assertThat(found).as("snapshot %s never changes", shot.id).isEqualTo(shot.content);
        } else if (possible != null) {
            possible.check(found);
        }
        shot.content = found;
    }

    private CompletableFuture<int[]> readAll(Volume volume) {
        CompletableFuture<int[]> all = new CompletableFuture<>();
        int[] found = new int[VolumeHistory.SECTORS];
        int[] left = {VolumeHistory.RUNS};
        volume.loop().execute(() -> {
            for (int run = 0; run < VolumeHistory.RUNS; run++) {
                int first = VolumeHistory.firstSector(run);
                ByteBuffer into = ByteBuffer.allocateDirect(VolumeHistory.sectors(run) * VolumeHistory.SECTOR_BYTES);
                volume.read(VolumeHistory.offset(run), into, status -> {
                    assertThat(status).as("a read").isEqualTo(IoStatus.OK);
                    int[] part = VolumeHistory.stamps(into);
                    System.arraycopy(part, 0, found, first, part.length);
                    if (--left[0] == 0) {
                        all.complete(found);
                    }
                });
            }
            volume.submit();
        });
        return all;
    }

    private <T> T await(CompletableFuture<T> future) {
        scheduler.runUntil(future::isDone);
        return future.join();
    }
}
