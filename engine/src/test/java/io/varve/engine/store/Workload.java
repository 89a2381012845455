package io.varve.engine.store;

import io.varve.engine.Compression;
import io.varve.engine.QosLimits;
import io.varve.engine.SnapshotId;
import io.varve.engine.SnapshotRecord;
import io.varve.engine.StoreException;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import io.varve.engine.VolumeStatus;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;

/** Random calls of the store's public face, and what of them the model takes note of. */
final class Workload {
    private static final int MAX_VOLUMES = 4;
    private static final int MAX_SNAPSHOTS = 6;
    private static final List<Compression> COMPRESSIONS = List.of(Compression.values());

    private final SimulatedWorld world;
    private final SplittableRandom random;
    private final Requests requests;

    Workload(SimulatedWorld world) {
        this.world = world;
        this.random = world.random;
        this.requests = new Requests(world);
    }

    /** Does one thing. */
    void act() {
        int choice = random.nextInt(100);
        if (world.volumes.isEmpty() || choice < 2) {
            createVolume();
        } else if (choice < 5) {
            snapshot(pick(world.volumes));
        } else if (choice < 6) {
            snapshotsAtOnce();
        } else if (choice < 8 && !world.snapshots.isEmpty()) {
            cloneOf(pick(world.snapshots));
        } else if (choice < 10 && !world.snapshots.isEmpty()) {
            deleteSnapshot(pick(world.snapshots));
        } else if (choice < 12) {
            deleteVolume(pick(world.volumes));
        } else if (choice < 15) {
            control(world.store.checkpoint(), "checkpoint", done -> {}, () -> {});
        } else if (choice < 16) {
            extend(pick(world.volumes));
        } else if (choice < 17) {
            if (random.nextBoolean()) {
                limit(pick(world.volumes));
            } else {
                compress(pick(world.volumes));
            }
        } else if (choice < 19) {
            letGo(pick(world.volumes));
        } else if (choice < 20 && !world.snapshots.isEmpty()) {
            readSnapshot(pick(world.snapshots));
        } else if (choice < 21 && random.nextInt(3) == 0) {
            world.rest(1 + random.nextInt(12));
        } else {
            request(pick(world.volumes));
        }
    }

    private <T> T pick(List<T> from) {
        return from.get(random.nextInt(from.size()));
    }

    /**
     * Follows a call of the store. What was refused has changed nothing, unless the device failed: then nobody knows
     * until the next life.
     */
    private <T> void control(CompletableFuture<T> call, String what, Consumer<T> whenDone, Runnable whenRefused) {
        world.inFlight++;
        world.note("%s", what);
        CompletableFuture<?> unused = call.handle((result, failure) -> {
                    world.inFlight--;
                    Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
                    world.note("%s: %s", what, cause == null ? "done" : cause);
                    if (cause == null) {
                        whenDone.accept(result);
                        return true;
                    }
                    world.excuse(cause);
                    if (((StoreException) cause).kind() == StoreException.Kind.NO_SPACE) {
                        whenRefused.run();
                    }
                    return true;
                })
                .whenComplete((result, failure) -> {
                    if (failure != null) {
                        world.failed(failure instanceof CompletionException ? failure.getCause() : failure);
                    }
                });
    }

    // ---- volumes ----

    private void createVolume() {
        if (world.volumes.size() < MAX_VOLUMES) {
            Regions regions = world.plan.regions();
            long size = regions.sizeBytes();
            ModelVolume made =
                    new ModelVolume(VolumeId.random(random), new int[regions.sectors()], size, world.newFamily());
            world.volumes.add(made);
            control(
                    world.store.createVolume(made.id, size, pick(COMPRESSIONS)),
                    "create " + made.id,
                    done -> made.created = true,
                    () -> world.volumes.remove(made));
        }
    }

    private void cloneOf(ModelSnapshot shot) {
        int[] content = shot.content;
        if (world.volumes.size() < MAX_VOLUMES && content != null && !shot.deleting) {
            long extended = Math.max(shot.sizeBytes, world.plan.regions().extendedBytes());
            long size = random.nextBoolean() ? shot.sizeBytes : extended;
            ModelVolume made = new ModelVolume(VolumeId.random(random), content, size, shot.of.family);
            world.volumes.add(made);
            shot.users++;
            control(
                    world.store
                            .cloneVolume(made.id, size, shot.id, pick(COMPRESSIONS))
                            .whenComplete((record, failure) -> shot.users--),
                    "clone " + made.id + " of " + shot.id,
                    done -> made.created = true,
                    () -> world.volumes.remove(made));
        }
    }

    private void deleteVolume(ModelVolume volume) {
        Volume open = volume.open;
        if (volume.usable() && volume.inFlight == 0) {
            volume.deleting = true;
            if (open != null) {
                open.release();
                volume.open = null;
            }
            control(
                    world.store.deleteVolume(volume.id),
                    "delete " + volume.id,
                    done -> world.volumes.remove(volume),
                    () -> volume.deleting = false);
        }
    }

    private void extend(ModelVolume volume) {
        if (volume.usable()) {
            long size = Math.max(volume.sizeBytes, world.plan.regions().extendedBytes());
            volume.askedSizeBytes = size;
            volume.inFlight++;
            control(
                    world.store.extendVolume(volume.id, size).whenComplete((record, failure) -> volume.inFlight--),
                    "extend " + volume.id,
                    done -> volume.sizeBytes = size,
                    () -> {});
        }
    }

    private void compress(ModelVolume volume) {
        if (volume.usable()) {
            Compression compression = pick(COMPRESSIONS);
            volume.inFlight++;
            control(
                    world.store
                            .setCompression(volume.id, compression)
                            .whenComplete((record, failure) -> volume.inFlight--),
                    "compress " + volume.id + ": " + compression,
                    done -> {},
                    () -> {});
        }
    }

    private void limit(ModelVolume volume) {
        if (volume.usable()) {
            boolean free = random.nextBoolean();
            world.store.limit(
                    volume.id,
                    free
                            ? QosLimits.UNLIMITED
                            : new QosLimits(100 + random.nextInt(10_000), 1L << (20 + random.nextInt(8))));
        }
    }

    /** A volume whose log has failed goes through recovery when it is opened again: the model must know of that. */
    private void letGo(ModelVolume volume) {
        Volume open = volume.open;
        if (!volume.usable() || open == null || volume.inFlight > 0) {
            return;
        }
        boolean failed = healthOf(volume) == VolumeStatus.Health.FAILED;
        if (failed || !world.tolerant) {
            volume.open = null;
            open.release();
            volume.recovering = failed;
        }
    }

    private VolumeStatus.Health healthOf(ModelVolume volume) {
        return world.store.volume(volume.id).orElseThrow().status().health();
    }

    private void request(ModelVolume volume) {
        if (!volume.usable()) {
            return;
        }
        Volume open = volume.open;
        if (open != null) {
            requests.make(volume, open);
            return;
        }
        volume.opening = true;
        volume.inFlight++;
        control(
                world.store.open(volume.id).whenComplete((opened, failure) -> {
                    volume.opening = false;
                    volume.inFlight--;
                }),
                "open " + volume.id,
                opened -> {
                    volume.open = opened;
                    if (volume.recovering) {
                        recovered(volume, opened);
                    }
                },
                () -> {});
    }

    /** What recovery has left is read, until every block could be, and is what the volume goes on from. */
    private void recovered(ModelVolume volume, Volume opened) {
        volume.opening = true;
        volume.inFlight++;
        control(
                requests.readAll(opened).whenComplete((found, failure) -> {
                    volume.opening = false;
                    volume.inFlight--;
                }),
                "read " + volume.id + " after its recovery",
                found -> {
                    if (found.isWhole()) {
                        volume.history.check(found.stamps, null);
                        world.snapshots.forEach(shot -> shot.settle(volume));
                        volume.history.restart(found.stamps);
                        volume.recovering = false;
                        volume.failed = false;
                    } else {
                        recovered(volume, opened);
                    }
                },
                () -> {});
    }

    // ---- snapshots ----

    private void snapshot(ModelVolume of) {
        if (world.snapshots.size() < MAX_SNAPSHOTS && canBeTaken(of)) {
            ModelSnapshot shot = new ModelSnapshot(SnapshotId.random(random), of, world.tick());
            ask(List.of(shot), world.store.createSnapshot(shot.id, of.id).thenApply(List::of));
        }
    }

    private boolean canBeTaken(ModelVolume of) {
        return of.usable() && !of.failed && (!world.tolerant || of.open != null);
    }

    /** Of all volumes that there are, at one instant. */
    private void snapshotsAtOnce() {
        List<ModelSnapshot> shots = new ArrayList<>();
        Map<VolumeId, SnapshotId> wanted = new LinkedHashMap<>();
        for (ModelVolume of : world.volumes) {
            if (canBeTaken(of) && world.snapshots.size() + shots.size() < MAX_SNAPSHOTS) {
                ModelSnapshot shot = new ModelSnapshot(SnapshotId.random(random), of, world.tick());
                shots.add(shot);
                wanted.put(of.id, shot.id);
            }
        }
        if (shots.size() > 1) {
            shots.forEach(shot -> shot.group = shots);
            ask(shots, world.store.createSnapshots(wanted));
        }
    }

    private void ask(List<ModelSnapshot> shots, CompletableFuture<List<SnapshotRecord>> call) {
        world.snapshots.addAll(shots);
        shots.forEach(shot -> shot.of.inFlight++);
        control(
                call.whenComplete((records, failure) -> shots.forEach(shot -> shot.of.inFlight--)),
                "snapshots "
                        + shots.stream()
                                .map(shot -> shot.id + " of " + shot.of.id)
                                .toList(),
                records -> {
                    for (int i = 0; i < shots.size(); i++) {
                        taken(shots.get(i), records.get(i));
                    }
                },
                () -> world.snapshots.removeAll(shots));
    }

    private void taken(ModelSnapshot shot, SnapshotRecord record) {
        shot.created = true;
        shot.sizeBytes = record.sizeBytes();
        shot.possible = shot.of.history.ofSnapshot(shot.asked);
        shot.of.history.flushed(shot.asked);
        if (random.nextBoolean()) {
            readSnapshot(shot);
        }
    }

    private void readSnapshot(ModelSnapshot shot) {
        if (!shot.created || shot.deleting) {
            return;
        }
        shot.users++;
        control(
                world.store
                        .openSnapshot(shot.id)
                        .thenCompose(volume -> requests.readAll(volume).whenComplete((found, failure) -> {
                            volume.release();
                        }))
                        .whenComplete((found, failure) -> shot.users--),
                "read " + shot.id,
                found -> {
                    if (found.isWhole()) {
                        shot.check(found.stamps);
                    }
                },
                () -> {});
    }

    private void deleteSnapshot(ModelSnapshot shot) {
        if (shot.created && !shot.deleting && shot.users == 0) {
            shot.deleting = true;
            control(
                    world.store.deleteSnapshot(shot.id),
                    "delete " + shot.id,
                    done -> world.snapshots.remove(shot),
                    () -> shot.deleting = false);
        }
    }
}
