package io.varve.api.control;

import io.varve.engine.VolumeId;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Machines that others run, and the volumes attached to them. Who runs a machine tells its states; termination lets go
 * of its volumes, and deletes those that go with it. A termination is first written down, so that {@link #tick}
 * finishes what a crash left. Thread-safe.
 */
public final class Instances {
    /** How many there may be. */
    public static final int MOST = 10_000;

    /** How many of them may have one volume, if its Multi-Attach is enabled, as in EBS. */
    static final int MOST_OF_A_VOLUME = 16;

    /** How long a terminated instance is still told of, as in EC2. */
    private static final Duration TOLD = Duration.ofHours(1);

    /**
     * One after the other: a volume is attached to one instance, or to so many, and an instance has one volume at a
     * device.
     */
    static final String TURN = "instances";

    private static final Logger LOG = LoggerFactory.getLogger(Instances.class);

    private static final Filters<InstanceEntry> FILTERS = new Filters<InstanceEntry>(InstanceEntry::label)
            .one("instance-id", InstanceEntry::id)
            .one("instance-state-name", InstanceEntry::state)
            .many("image-id", instance -> instance.launch().stream().map(InstanceEntry.Launch::image))
            .many(
                    "block-device-mapping.device-name",
                    instance -> instance.attachments().stream().map(Attachment::deviceName))
            .many(
                    "block-device-mapping.volume-id",
                    instance -> instance.attachments().stream().map(Attachment::volume));

    private final ControlParts parts;
    private final Volumes volumes;

    Instances(ControlParts parts, Volumes volumes) {
        this.parts = parts;
        this.volumes = volumes;
        parts.instances()
                .all()
                .forEach(instance -> instance.attachments()
                        .forEach(attachment -> parts.attached().add(attachment.volume(), instance.id())));
    }

    /**
     * What somebody wants a new instance to be.
     *
     * @param id its name at whoever runs it; empty for a new one
     */
    public record Request(Optional<InstanceId> id, Label label, Optional<String> clientToken) {
        private Optional<ClientToken> token() {
            return clientToken.map(text -> new ClientToken(text, id + " " + label));
        }
    }

    /** Writes down a pending instance, or finds the one of the same token. Fails with INSTANCE_ID_DUPLICATE. */
    public CompletableFuture<InstanceEntry> create(Request request) {
        Optional<ClientToken> token = request.token();
        return parts.sequencer()
                .run(
                        TURN,
                        () -> parts.instances().withToken(token).orElseGet(() -> {
                            InstanceEntry instance = new InstanceEntry(
                                    newId(request.id()),
                                    request.label(),
                                    InstanceState.PENDING,
                                    List.of(),
                                    now(),
                                    Optional.empty(),
                                    token);
                            parts.instances().put(instance);
                            return instance;
                        }));
    }

    /** Fails with RESOURCE_LIMIT_EXCEEDED or INSTANCE_ID_DUPLICATE. */
    InstanceId newId(Optional<InstanceId> wanted) {
        if (parts.instances().all().size() >= MOST) {
            throw new RequestException(ErrorCode.RESOURCE_LIMIT_EXCEEDED, "there are " + MOST + " instances already");
        }
        InstanceId id = wanted.orElseGet(() -> InstanceId.random(parts.random()));
        if (parts.instances().find(id).isPresent()) {
            throw new RequestException(ErrorCode.INSTANCE_ID_DUPLICATE, "there is an instance " + id + " already");
        }
        return id;
    }

    /** A part of the instances, in the order of their ids. */
    public ListRequest.Page<InstanceEntry> list(ListRequest request) {
        List<InstanceEntry> all = request.asked(parts.instances().all(), InstanceEntry::id).stream()
                .sorted(Comparator.comparing(instance -> instance.id().text()))
                .toList();
        return request.page(
                "instances",
                all,
                instance -> Digits.order(instance.id()),
                Optional::of,
                FILTERS.passing(request.filters()));
    }

    /** Fails with INSTANCE_NOT_FOUND. */
    public InstanceEntry describe(InstanceId id) {
        return parts.instances()
                .find(id)
                .orElseThrow(() -> new RequestException(ErrorCode.INSTANCE_NOT_FOUND, "there is no instance " + id));
    }

    /**
     * Tells that an instance has come into a state. {@code terminated} disconnects the NBD clients of its volumes, lets
     * go of these, and deletes those that go with it; a volume that another instance has too keeps its clients, and
     * goes with the last. Fails with INCORRECT_INSTANCE_STATE.
     */
    public CompletableFuture<InstanceEntry> become(
            InstanceId id, InstanceState life, Precondition precondition, Connections connections) {
        return parts.sequencer().run(TURN, () -> {
            InstanceEntry old = describe(id);
            precondition.require(old.etag());
            if (!old.life().canBecome(life)) {
                throw incorrect(old, "it cannot become " + life.word());
            }
            InstanceEntry changed = old.in(life, now());
            parts.instances().put(changed);
            return life == InstanceState.TERMINATED ? letGo(changed, connections) : changed;
        });
    }

    /** Renames or tags an instance. */
    public CompletableFuture<InstanceEntry> change(InstanceId id, UnaryOperator<Label> label) {
        return parts.sequencer().run(TURN, () -> {
            InstanceEntry changed = describe(id).labelled(label);
            parts.instances().put(changed);
            return changed;
        });
    }

    private static RequestException incorrect(InstanceEntry instance, String why) {
        return new RequestException(
                ErrorCode.INCORRECT_INSTANCE_STATE,
                "instance %s is %s: %s".formatted(instance.id(), instance.state(), why));
    }

    private InstanceEntry letGo(InstanceEntry terminated, Connections connections) {
        InstanceEntry instance = terminated;
        for (Attachment attachment : terminated.attachments()) {
            VolumeId volume = attachment.volume();
            boolean last = parts.attached().others(volume, terminated.id()).isEmpty();
            if (last) {
                connections.disconnect(volume).join();
            }
            parts.attached().remove(volume, terminated.id());
            if (last && attachment.deleteOnTermination() && !deleted(volume, connections)) {
                parts.attached().add(volume, terminated.id()); // the next tick tries again
                continue;
            }
            instance = instance.without(volume);
        }
        parts.instances().put(instance);
        return instance;
    }

    private boolean deleted(VolumeId volume, Connections connections) {
        try {
            volumes.delete(volume, true, Precondition.NONE, connections).join();
            return true;
        } catch (CompletionException e) {
            if (e.getCause() instanceof RequestException refusal) {
                LOG.warn("{} was to go with its instance: {}", volume, refusal.getMessage());
                return refusal.code() == ErrorCode.VOLUME_NOT_FOUND;
            }
            throw e;
        }
    }

    /**
     * Attaches a volume. Fails with INCORRECT_INSTANCE_STATE, VOLUME_NOT_FOUND, VOLUME_IN_USE,
     * ATTACHMENT_LIMIT_EXCEEDED, or INVALID_PARAMETER_VALUE if the device is taken.
     */
    public CompletableFuture<InstanceEntry> attach(
            InstanceId id, VolumeId volume, String deviceName, boolean deleteOnTermination, Precondition precondition) {
        return parts.sequencer().run(TURN, () -> {
            InstanceEntry instance = describe(id);
            precondition.require(instance.etag());
            requireRoom(instance, deviceName);
            if (instance.attachment(volume).isPresent()) {
                throw attached(volume, id);
            }
            List<InstanceId> others = parts.attached().instances(volume);
            parts.attached().add(volume, id);
            boolean attached = false;
            try {
                requireFree(volume, others);
                InstanceEntry changed =
                        instance.with(new Attachment(volume, deviceName, deleteOnTermination, false, now()));
                parts.instances().put(changed);
                attached = true;
                return changed;
            } finally {
                if (!attached) {
                    parts.attached().remove(volume, id);
                }
            }
        });
    }

    private static RequestException attached(VolumeId volume, InstanceId instance) {
        return new RequestException(
                ErrorCode.VOLUME_IN_USE, "volume %s is attached to instance %s".formatted(volume, instance));
    }

    private static void requireRoom(InstanceEntry instance, String deviceName) {
        if (!instance.life().takesVolumes()) {
            throw incorrect(instance, "volumes are attached to what is pending, running or stopped");
        }
        if (instance.attachments().size() >= InstanceEntry.MOST_ATTACHMENTS) {
            throw new RequestException(
                    ErrorCode.ATTACHMENT_LIMIT_EXCEEDED,
                    "instance %s has %d volumes already".formatted(instance.id(), InstanceEntry.MOST_ATTACHMENTS));
        }
        if (instance.attachments().stream().anyMatch(one -> one.deviceName().equals(deviceName))) {
            throw new RequestException(
                    ErrorCode.INVALID_PARAMETER_VALUE,
                    "deviceName %s of instance %s is taken".formatted(deviceName, instance.id()));
        }
    }

    /**
     * What was begun with the volume ends first, such as a deletion or the end of its Multi-Attach; what comes later
     * sees that it is attached.
     */
    private void requireFree(VolumeId volume, List<InstanceId> others) {
        try {
            parts.sequencer()
                    .run(volume.toString(), () -> {
                        parts.requireVolume(volume);
                        requireShared(volume, others);
                        return "free";
                    })
                    .join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof RequestException refusal) {
                throw refusal;
            }
            throw e;
        }
    }

    private void requireShared(VolumeId volume, List<InstanceId> others) {
        boolean multiAttach =
                parts.volumes().find(volume).filter(VolumeEntry::multiAttach).isPresent();
        if (!others.isEmpty() && !multiAttach) {
            throw attached(volume, others.get(0));
        }
        if (others.size() >= MOST_OF_A_VOLUME) {
            throw new RequestException(
                    ErrorCode.ATTACHMENT_LIMIT_EXCEEDED,
                    "volume %s is attached to %d instances already".formatted(volume, MOST_OF_A_VOLUME));
        }
    }

    /**
     * Detaches a volume; while an NBD client has it open it is only on its way, unless by force or while another
     * instance has it too: nobody can tell whose client that is. Fails with ATTACHMENT_NOT_FOUND.
     *
     * @param force disconnect its NBD clients, those of other instances too
     */
    public CompletableFuture<InstanceEntry> detach(
            InstanceId id, VolumeId volume, boolean force, Precondition precondition, Connections connections) {
        return parts.sequencer().run(TURN, () -> {
            InstanceEntry instance = describe(id);
            precondition.require(instance.etag());
            Attachment attachment = requireAttachment(instance, volume);
            InstanceEntry leaving = instance.with(attachment.leaving());
            parts.instances().put(leaving);
            if (force) {
                connections.disconnect(volume).join();
            }
            return force || maySettle(leaving, volume) ? detached(leaving, volume) : leaving;
        });
    }

    /**
     * Says of attached volumes whether they go with the instance: of all or of none. Fails with INSTANCE_NOT_FOUND or
     * ATTACHMENT_NOT_FOUND.
     */
    public CompletableFuture<InstanceEntry> changeAttachments(
            InstanceId id, Map<VolumeId, Boolean> deleteOnTermination, Precondition precondition) {
        return parts.sequencer().run(TURN, () -> {
            InstanceEntry instance = describe(id);
            precondition.require(instance.etag());
            deleteOnTermination.keySet().forEach(volume -> requireAttachment(instance, volume));
            InstanceEntry changed = instance.withEach(one ->
                    one.goingWithInstance(deleteOnTermination.getOrDefault(one.volume(), one.deleteOnTermination())));
            parts.instances().put(changed);
            return changed;
        });
    }

    private static Attachment requireAttachment(InstanceEntry instance, VolumeId volume) {
        return instance.attachment(volume)
                .orElseThrow(() -> new RequestException(
                        ErrorCode.ATTACHMENT_NOT_FOUND,
                        "volume %s is not attached to instance %s".formatted(volume, instance.id())));
    }

    private boolean maySettle(InstanceEntry leaving, VolumeId volume) {
        return !parts.store().inUse(volume)
                || parts.attachments(volume).stream()
                        .anyMatch(one -> !one.instance().equals(leaving.id())
                                && !one.attachment().detaching());
    }

    private InstanceEntry detached(InstanceEntry instance, VolumeId volume) {
        InstanceEntry changed = instance.without(volume);
        parts.instances().put(changed);
        parts.attached().remove(volume, instance.id());
        return changed;
    }

    /** True for a volume that is attached and not on its way from there. */
    public boolean mayOpen(VolumeId volume) {
        return parts.attachments(volume).stream()
                .anyMatch(attached -> !attached.attachment().detaching());
    }

    /** Ends detachments and terminations that were begun, and forgets what was terminated long ago. Blocks. */
    void tick() {
        for (InstanceEntry instance : parts.instances().all()) {
            if (instance.life() == InstanceState.TERMINATED
                    || instance.attachments().stream().anyMatch(Attachment::detaching)) {
                parts.sequencer()
                        .run(TURN, () -> {
                            parts.instances().find(instance.id()).ifPresent(this::goOn);
                            return "seen to";
                        })
                        .join();
            }
        }
    }

    private void goOn(InstanceEntry begun) {
        InstanceEntry instance = begun;
        if (instance.life() == InstanceState.TERMINATED) {
            if (!instance.attachments().isEmpty()) {
                letGo(instance, Connections.NONE);
            } else if (!now().isBefore(instance.changedAt().plus(TOLD))) {
                parts.instances().remove(instance.id());
            }
            return;
        }
        for (Attachment attachment : begun.attachments()) {
            if (attachment.detaching() && maySettle(instance, attachment.volume())) {
                instance = detached(instance, attachment.volume());
            }
        }
    }

    private Instant now() {
        return parts.clock().instant().truncatedTo(ChronoUnit.MILLIS);
    }
}
