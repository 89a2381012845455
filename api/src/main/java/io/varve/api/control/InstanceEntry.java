package io.varve.api.control;

import io.varve.engine.VolumeId;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * A machine that somebody else runs, as far as volumes are attached to it.
 *
 * @param life how far it has come
 * @param attachments in the order in which they were made
 * @param changedAt when it came into its state
 * @param launch what it was launched from; empty if it has no volumes but those that were attached to it
 */
public record InstanceEntry(
        InstanceId id,
        Label label,
        InstanceState life,
        List<Attachment> attachments,
        Instant changedAt,
        Optional<Launch> launch,
        Optional<ClientToken> clientToken)
        implements Entry<InstanceId> {
    /** How many volumes an instance may have, as many as EC2's largest. */
    public static final int MOST_ATTACHMENTS = 128;

    /**
     * How an instance got its volumes.
     *
     * @param image what they were made of
     */
    public record Launch(ImageId image) {}

    public InstanceEntry {
        attachments = List.copyOf(attachments);
    }

    @Override
    public String state() {
        return life.word();
    }

    /** The version of what is said about it. */
    public String etag() {
        return ETag.of(this);
    }

    /** True when nothing is on its way: no state that another one ends, and no volume that is to go. */
    public boolean settled() {
        return switch (life) {
            case PENDING, STOPPING, SHUTTING_DOWN -> false;
            case RUNNING, STOPPED -> attachments.stream().noneMatch(Attachment::detaching);
            case TERMINATED -> attachments.isEmpty();
        };
    }

    /** The attachment of a volume, if it has one here. */
    public Optional<Attachment> attachment(VolumeId volume) {
        return attachments.stream().filter(one -> one.volume().equals(volume)).findFirst();
    }

    InstanceEntry labelled(UnaryOperator<Label> change) {
        return new InstanceEntry(id, change.apply(label), life, attachments, changedAt, launch, clientToken);
    }

    InstanceEntry in(InstanceState newLife, Instant now) {
        return new InstanceEntry(id, label, newLife, attachments, now, launch, clientToken);
    }

    InstanceEntry without(VolumeId volume) {
        return with(attachments.stream().filter(one -> !one.volume().equals(volume)));
    }

    /** With an attachment, in the place of an earlier one of the same volume. */
    InstanceEntry with(Attachment attachment) {
        return with(Stream.concat(without(attachment.volume()).attachments.stream(), Stream.of(attachment)));
    }

    /** With other attachments of the same volumes, in the same order. */
    InstanceEntry withEach(UnaryOperator<Attachment> change) {
        return with(attachments.stream().map(change));
    }

    private InstanceEntry with(Stream<Attachment> newAttachments) {
        return new InstanceEntry(id, label, life, newAttachments.toList(), changedAt, launch, clientToken);
    }
}
