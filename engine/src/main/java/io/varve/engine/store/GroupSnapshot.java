package io.varve.engine.store;

import io.varve.engine.Completion;
import io.varve.engine.IoStatus;
import io.varve.engine.SnapshotId;
import io.varve.engine.log.SnapshotPayload;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiConsumer;
import java.util.function.LongSupplier;

/**
 * Takes snapshots of several volumes at one instant. First every volume makes its log ready. Then every volume holds
 * its answers back; when all do, each appends its SNAPSHOT record; when all have, the answers are given. So a request
 * that somebody made after being answered by another volume cannot be in one snapshot while what it followed is not in
 * the other. Any thread; what it does to a volume it does on that volume's loop.
 */
final class GroupSnapshot {
    private final long group;
    private final List<Member> members;
    private final long nowMillis;
    private final LongSupplier numbers;
    private final Map<Member, SnapshotEntry> taken = new ConcurrentHashMap<>();

    /** One of the snapshots to be taken. */
    record Member(SnapshotId id, VolumeEntry entry, OpenVolume volume) {}

    /**
     * @param group names the group, for ever
     * @param numbers gives numbers to snapshots
     */
    GroupSnapshot(long group, List<Member> members, long nowMillis, LongSupplier numbers) {
        this.group = group;
        this.members = members;
        this.nowMillis = nowMillis;
        this.numbers = numbers;
    }

    /** The snapshots, in the order of the members, after {@link #take} was answered OK. */
    Map<SnapshotEntry, VolumeEntry> taken() {
        Map<SnapshotEntry, VolumeEntry> inOrder = new LinkedHashMap<>();
        members.forEach(member -> inOrder.put(Objects.requireNonNull(taken.get(member)), member.entry));
        return inOrder;
    }

    /** Answers OK when every record is durable, else the first other answer of a volume. */
    CompletableFuture<IoStatus> take() {
        return onEach((member, ready) -> member.volume.onLoop(volume -> volume.prepareSnapshot(ready)))
                .thenCompose(
                        ready -> ready == IoStatus.OK ? holdAndAppend() : CompletableFuture.completedFuture(ready));
    }

    private CompletableFuture<IoStatus> holdAndAppend() {
        return onEach((member, held) -> member.volume.onLoop(volume -> {
                    volume.holdAnswers();
                    held.completed(IoStatus.OK);
                }))
                .thenCompose(held -> append());
    }

    private CompletableFuture<IoStatus> append() {
        List<CompletableFuture<IoStatus>> passed = new ArrayList<>();
        CompletableFuture<IoStatus> durable = onEach((member, done) -> {
            CompletableFuture<IoStatus> appended = new CompletableFuture<>();
            passed.add(appended);
            member.volume.onLoop(volume -> append(member, appended, done));
        });
        CompletableFuture<Void> unused = CompletableFuture.allOf(passed.toArray(CompletableFuture[]::new))
                .thenRun(() -> members.forEach(member -> member.volume.onLoop(OpenVolume::releaseAnswers)));
        return durable;
    }

    /**
     * On the volume's loop, where the number is taken too: a volume's snapshots are numbered as they stand in its log.
     */
    private void append(Member member, CompletableFuture<IoStatus> appended, Completion done) {
        SnapshotPayload payload = new SnapshotPayload(
                member.id.high(),
                member.id.low(),
                numbers.getAsLong(),
                member.volume.sizeBytes(),
                nowMillis,
                group,
                members.size());
        SnapshotEntry snapshot = new SnapshotEntry(payload, member.entry);
        taken.put(member, snapshot);
        member.volume.snapshot(
                payload,
                used -> {
                    snapshot.usedBlocks = used;
                    appended.complete(IoStatus.OK);
                },
                status -> {
                    appended.complete(status);
                    done.completed(status);
                });
    }

    private CompletableFuture<IoStatus> onEach(BiConsumer<Member, Completion> step) {
        List<CompletableFuture<IoStatus>> answers = new ArrayList<>();
        for (Member member : members) {
            CompletableFuture<IoStatus> answer = new CompletableFuture<>();
            answers.add(answer);
            step.accept(member, answer::complete);
        }
        return CompletableFuture.allOf(answers.toArray(CompletableFuture[]::new))
                .thenApply(all -> answers.stream()
                        .map(CompletableFuture::join)
                        .filter(status -> status != IoStatus.OK)
                        .findFirst()
                        .orElse(IoStatus.OK));
    }
}
