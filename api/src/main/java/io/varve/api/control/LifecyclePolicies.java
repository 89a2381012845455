package io.varve.api.control;

import io.varve.engine.StoreException;
import io.varve.engine.VolumeId;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes and deletes snapshots as policies say. A snapshot carries a token of its policy, due time and volume: what was
 * taken before a crash is found again after it, so that nothing is taken twice or left out. Thread-safe.
 */
public final class LifecyclePolicies {
    /** How many there may be. */
    public static final int MOST = 250;

    private static final Logger LOG = LoggerFactory.getLogger(LifecyclePolicies.class);

    private static final Filters<LifecyclePolicy> FILTERS = new Filters<LifecyclePolicy>(LifecyclePolicy::label)
            .one("policy-id", LifecyclePolicy::id)
            .one("state", LifecyclePolicy::state);

    private final ControlParts parts;
    private final Volumes volumes;
    private final Snapshots snapshots;

    LifecyclePolicies(ControlParts parts, Volumes volumes, Snapshots snapshots) {
        this.parts = parts;
        this.volumes = volumes;
        this.snapshots = snapshots;
    }

    /** What somebody wants a new policy to be; see {@link LifecyclePolicy}. */
    public record Request(
            Label label,
            String description,
            boolean enabled,
            Map<String, String> targetTags,
            Schedule schedule,
            LifecyclePolicy.Keep keep,
            Map<String, String> snapshotTags,
            boolean copyTags,
            Optional<String> clientToken) {
        private Optional<ClientToken> token() {
            String canonical = String.valueOf(new Request(
                    label,
                    description,
                    enabled,
                    new TreeMap<>(targetTags),
                    schedule,
                    keep,
                    new TreeMap<>(snapshotTags),
                    copyTags,
                    Optional.empty()));
            return clientToken.map(text -> new ClientToken(text, canonical));
        }
    }

    /** Makes a policy, or finds the one that the same token made. Fails with RESOURCE_LIMIT_EXCEEDED. */
    public CompletableFuture<LifecyclePolicy> create(Request request) {
        return parts.sequencer().run("lifecycle policies", () -> {
            Optional<LifecyclePolicy> earlier = parts.policies().withToken(request.token());
            if (earlier.isPresent()) {
                return earlier.get();
            }
            if (parts.policies().all().size() >= MOST) {
                throw new RequestException(
                        ErrorCode.RESOURCE_LIMIT_EXCEEDED, "there are " + MOST + " lifecycle policies already");
            }
            LifecyclePolicy policy = new LifecyclePolicy(
                    PolicyId.random(parts.random()),
                    request.label(),
                    request.description(),
                    request.enabled(),
                    request.targetTags(),
                    request.schedule(),
                    request.keep(),
                    request.snapshotTags(),
                    request.copyTags(),
                    now(),
                    Optional.empty(),
                    request.token());
            parts.policies().put(policy);
            return policy;
        });
    }

    /** A part of the policies, in the order of their ids. */
    public ListRequest.Page<LifecyclePolicy> list(ListRequest request) {
        List<LifecyclePolicy> all = parts.policies().all().stream()
                .sorted(Comparator.comparing(policy -> policy.id().text()))
                .toList();
        return request.page(
                "lifecycle policies",
                all,
                policy -> Digits.order(policy.id()),
                Optional::of,
                FILTERS.passing(request.filters()));
    }

    /** Fails with RESOURCE_NOT_FOUND. */
    public LifecyclePolicy describe(PolicyId id) {
        return parts.policies()
                .find(id)
                .orElseThrow(
                        () -> new RequestException(ErrorCode.RESOURCE_NOT_FOUND, "there is no lifecycle policy " + id));
    }

    /** Changes a policy. What was due while it was disabled, or by another schedule, is not made up for. */
    public CompletableFuture<LifecyclePolicy> change(
            PolicyId id, UnaryOperator<LifecyclePolicy> change, Precondition precondition) {
        return parts.sequencer().run(id.toString(), () -> {
            LifecyclePolicy old = describe(id);
            precondition.require(old.etag());
            LifecyclePolicy changed = change.apply(old);
            boolean anew = !old.enabled() || !old.schedule().equals(changed.schedule());
            LifecyclePolicy begun = anew ? changed.ran(now(), changed.lastRun()) : changed;
            parts.policies().put(begun);
            return begun;
        });
    }

    /** Deletes a policy; its snapshots stay. */
    public CompletableFuture<Void> delete(PolicyId id, Precondition precondition) {
        return parts.sequencer().run(id.toString(), () -> {
            precondition.require(describe(id).etag());
            parts.policies().remove(id);
            return null;
        });
    }

    /** The time that policies go by. */
    public Instant now() {
        return parts.clock().instant();
    }

    /** Does what is due. Blocks. */
    void tick() {
        for (LifecyclePolicy policy : parts.policies().all()) {
            if (isDue(policy)) {
                parts.sequencer()
                        .run(policy.id().toString(), () -> {
                            parts.policies()
                                    .find(policy.id())
                                    .filter(this::isDue)
                                    .ifPresent(this::run);
                            return "seen to";
                        })
                        .join();
            }
        }
    }

    private boolean isDue(LifecyclePolicy policy) {
        return policy.enabled() && policy.schedule().latest(now()).isAfter(policy.doneUpTo());
    }

    private void run(LifecyclePolicy policy) {
        Instant due = policy.schedule().latest(now());
        List<String> errors = new ArrayList<>();
        for (VolumeView volume : volumes.list()) {
            if (volume.entry().phase() == Phase.READY
                    && policy.isAbout(volume.entry().label())) {
                attempt("snapshot of " + volume.record().id(), errors, () -> take(policy, due, volume));
            }
        }
        for (SnapshotView snapshot : superfluous(policy)) {
            attempt(
                    "deletion of " + snapshot.record().id(),
                    errors,
                    () -> snapshots
                            .delete(snapshot.record().id(), false, Precondition.NONE, Connections.NONE)
                            .join());
        }
        parts.policies().put(policy.ran(due, Optional.of(new LifecyclePolicy.Run(due, now(), errors))));
    }

    private void attempt(String what, List<String> errors, Runnable action) {
        try {
            action.run();
        } catch (RequestException e) {
            note(what, e, errors);
        } catch (CompletionException e) {
            if (!(e.getCause() instanceof RequestException) && !(e.getCause() instanceof StoreException)) {
                throw e;
            }
            note(what, e.getCause(), errors);
        }
    }

    private static void note(String what, Throwable failure, List<String> errors) {
        LOG.warn("lifecycle policy: {} failed: {}", what, failure.getMessage());
        if (errors.size() < LifecyclePolicy.Run.MOST_ERRORS) {
            errors.add(what + " failed: " + failure.getMessage());
        }
    }

    private void take(LifecyclePolicy policy, Instant due, VolumeView volume) {
        String token = policy.token(due, volume.record().id());
        if (parts.snapshots().knowsToken(token)) {
            return; // taken before a crash
        }
        Map<String, Optional<String>> tags = new TreeMap<>();
        policy.snapshotTags().forEach((key, value) -> tags.put(key, Optional.of(value)));
        Label label = (policy.copyTags() ? volume.entry().label() : Label.NONE).tagged(tags);
        SnapshotRequest request = new SnapshotRequest(
                volume.record().id(),
                new Label(policy.label().name(), label.tags()),
                "taken by " + policy.id() + ", due " + due,
                Optional.of(token));
        snapshots.create(request).join();
    }

    /** The policy's snapshots that it does not keep; those locked or of an image stay as long as they are. */
    private List<SnapshotView> superfluous(LifecyclePolicy policy) {
        Map<VolumeId, List<SnapshotView>> byVolume = new TreeMap<>(Comparator.comparing(VolumeId::toString));
        for (SnapshotView snapshot : snapshots.list()) {
            if (snapshot.dueBy(policy).isPresent()) {
                byVolume.computeIfAbsent(snapshot.volumeId(), volume -> new ArrayList<>())
                        .add(snapshot);
            }
        }
        Instant oldest = now().minus(Duration.ofDays(policy.keep().days()));
        List<SnapshotView> over = new ArrayList<>();
        for (List<SnapshotView> taken : byVolume.values()) {
            int surplus =
                    policy.keep().count() > 0 ? taken.size() - policy.keep().count() : 0;
            over.addAll(taken.subList(0, Math.max(0, surplus)));
            if (policy.keep().days() > 0) {
                taken.stream()
                        .filter(snapshot ->
                                !snapshot.dueBy(policy).orElseThrow().isAfter(oldest))
                        .forEach(over::add);
            }
        }
        over.removeIf(snapshot ->
                snapshot.isLocked() || parts.imageOf(snapshot.record().id()).isPresent());
        return over;
    }
}
