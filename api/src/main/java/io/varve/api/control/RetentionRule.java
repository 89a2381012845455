package io.varve.api.control;

import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/**
 * Which deleted things the recycle bin keeps, and how long.
 *
 * @param label the rule's own name and tags
 * @param resource what it is about
 * @param resourceTags of which a thing must have one; empty for everything
 * @param retentionDays from 1 to 3,650
 * @param lock whether it can be changed
 */
public record RetentionRule(
        RuleId id,
        Label label,
        String description,
        Resource resource,
        Map<String, String> resourceTags,
        int retentionDays,
        Lock lock,
        Optional<ClientToken> clientToken)
        implements Entry<RuleId> {
    /** What can be kept. */
    public enum Resource {
        VOLUME,
        SNAPSHOT,
        IMAGE
    }

    /**
     * Protection from being changed or deleted.
     *
     * @param unlockDelayDays how long it stays locked after unlocking was asked for; 0 if it is not locked at all
     * @param unlockedAt when it will be unlocked; empty as long as nobody asked for it
     */
    public record Lock(int unlockDelayDays, Optional<Instant> unlockedAt) {
        public static final Lock NONE = new Lock(0, Optional.empty());

        /** In the words of EC2: {@code unlocked}, {@code locked} or {@code pending_unlock}. */
        public String state(Instant now) {
            if (!holds(now)) {
                return "unlocked";
            }
            return unlockedAt.isPresent() ? "pending_unlock" : "locked";
        }

        boolean holds(Instant now) {
            return unlockDelayDays > 0
                    && unlockedAt.filter(at -> !now.isBefore(at)).isEmpty();
        }
    }

    @Override
    public String state() {
        return "available";
    }

    /** The version of what is said about it. */
    public String etag() {
        return ETag.of(this);
    }

    boolean keeps(Resource kind, Label of) {
        return resource == kind
                && (resourceTags.isEmpty()
                        || resourceTags.entrySet().stream().anyMatch(of.tags().entrySet()::contains));
    }

    Recycled recycled(Instant now) {
        return new Recycled(now, now.plus(Duration.ofDays(retentionDays)), id);
    }

    RetentionRule with(Lock newLock) {
        return new RetentionRule(id, label, description, resource, resourceTags, retentionDays, newLock, clientToken);
    }
}
