package io.varve.engine.store;

import io.varve.engine.BlockStore;
import io.varve.engine.EngineThreads;
import io.varve.engine.IoStatus;
import io.varve.engine.SnapshotId;
import io.varve.engine.SnapshotRecord;
import io.varve.engine.StoreException;
import io.varve.engine.VolumeId;
import io.varve.engine.log.SnapshotPayload;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Takes snapshots, of one volume or of several at one instant ({@link GroupSnapshot}): holds the volumes open, has the
 * record appended on their loops, and shows what is durable. Any thread.
 */
final class SnapshotTaker {
    private final StoreAccountant accountant;
    private final Catalogue catalogue;
    private final EngineThreads threads;
    /** Ids of snapshots that are being taken. */
    private final Set<SnapshotId> taking = ConcurrentHashMap.newKeySet();

    SnapshotTaker(StoreAccountant accountant, EngineThreads threads) {
        this.accountant = accountant;
        this.catalogue = accountant.catalogue();
        this.threads = threads;
    }

    CompletableFuture<SnapshotRecord> take(SnapshotId id, VolumeId of) {
        List<SnapshotId> ids = List.of(id);
        if (!reserve(ids)) {
            return CompletableFuture.failedFuture(alreadyExists(ids));
        }
        return hold(of).thenCompose(volume ->
                        take(id, catalogue.get(of), volume).whenComplete((record, failure) -> volume.release()))
                .whenComplete((record, failure) -> ids.forEach(taking::remove));
    }

    /** Ids that nobody else takes meanwhile; false if there is a snapshot of one of them. */
    private boolean reserve(Collection<SnapshotId> ids) {
        List<SnapshotId> reserved = new ArrayList<>();
        for (SnapshotId id : ids) {
            boolean free = taking.add(id);
            if (free) {
                reserved.add(id);
            }
            if (!free || catalogue.find(id) != null) {
                reserved.forEach(taking::remove);
                return false;
            }
        }
        return true;
    }

    /** Holds a volume open; waits for the accountant only if nobody else holds it. */
    private CompletableFuture<OpenVolume> hold(VolumeId id) {
        VolumeEntry entry = catalogue.find(id);
        OpenVolume held = entry == null ? null : entry.holdIfHeld();
        return held == null
                ? accountant.tasks().call(() -> accountant.volumes().open(id))
                : CompletableFuture.completedFuture(held);
    }

    private CompletableFuture<SnapshotRecord> take(SnapshotId id, VolumeEntry entry, OpenVolume volume) {
        CompletableFuture<SnapshotRecord> taken = new CompletableFuture<>();
        volume.onLoop(opened -> {
            SnapshotPayload payload = new SnapshotPayload(
                    id.high(),
                    id.low(),
                    accountant.takeNumber(),
                    opened.sizeBytes(),
                    threads.now().toEpochMilli(),
                    0,
                    1);
            SnapshotEntry snapshot = new SnapshotEntry(payload, entry);
            opened.snapshot(payload, used -> snapshot.usedBlocks = used, status -> {
                if (status == IoStatus.OK) {
                    catalogue.addSnapshot(snapshot, entry);
                    taken.complete(snapshot.record());
                } else {
                    taken.completeExceptionally(failure(entry.id.toString(), status));
                }
            });
        });
        return taken;
    }

    CompletableFuture<List<SnapshotRecord>> takeTogether(Map<VolumeId, SnapshotId> wanted) {
        Set<SnapshotId> ids = Set.copyOf(wanted.values());
        if (wanted.isEmpty() || wanted.size() > BlockStore.MOST_SNAPSHOTS_AT_ONCE || ids.size() < wanted.size()) {
            return CompletableFuture.failedFuture(new StoreException(
                    StoreException.Kind.INVALID,
                    "snapshots of 1 to " + BlockStore.MOST_SNAPSHOTS_AT_ONCE
                            + " volumes can be taken at once, each with an id of its own"));
        }
        if (!reserve(ids)) {
            return CompletableFuture.failedFuture(alreadyExists(ids));
        }
        List<CompletableFuture<OpenVolume>> opening = new ArrayList<>();
        wanted.keySet().forEach(of -> opening.add(hold(of)));
        return CompletableFuture.allOf(opening.toArray(CompletableFuture[]::new))
                .thenCompose(all -> {
                    List<GroupSnapshot.Member> members = new ArrayList<>();
                    int i = 0;
                    for (Map.Entry<VolumeId, SnapshotId> want : wanted.entrySet()) {
                        OpenVolume volume = opening.get(i++).join();
                        members.add(new GroupSnapshot.Member(want.getValue(), catalogue.get(want.getKey()), volume));
                    }
                    return take(members);
                })
                .whenComplete((records, failure) -> {
                    opening.forEach(opened -> opened.thenAccept(OpenVolume::release));
                    ids.forEach(taking::remove);
                });
    }

    private CompletableFuture<List<SnapshotRecord>> take(List<GroupSnapshot.Member> members) {
        long group = accountant.takeNumber();
        GroupSnapshot snapshot =
                new GroupSnapshot(group, members, threads.now().toEpochMilli(), accountant::takeNumber);
        catalogue.beginGroup(group);
        return snapshot.take().thenCompose(status -> {
            if (status == IoStatus.OK) {
                catalogue.addGroup(group, snapshot.taken());
                return CompletableFuture.completedFuture(snapshot.taken().keySet().stream()
                        .map(SnapshotEntry::record)
                        .toList());
            }
            StoreException failure = failure("a group of volumes", status);
            return accountant
                    .tasks()
                    .run(() -> accountant.deletions().dropGroup(group))
                    .handle((nothing, problem) -> {
                        throw failure;
                    });
        });
    }

    private static StoreException alreadyExists(Collection<SnapshotId> ids) {
        return new StoreException(
                StoreException.Kind.ALREADY_EXISTS,
                ids.size() == 1
                        ? "there is a snapshot " + ids.iterator().next() + " already"
                        : "there is a snapshot of one of these ids already: " + ids);
    }

    private static StoreException failure(String of, IoStatus status) {
        StoreException.Kind kind = switch (status) {
            case ENOSPC -> StoreException.Kind.NO_SPACE;
            case ESHUTDOWN -> StoreException.Kind.CLOSED;
            default -> StoreException.Kind.IO;
        };
        return new StoreException(kind, "no snapshot of " + of + ": " + status);
    }
}
