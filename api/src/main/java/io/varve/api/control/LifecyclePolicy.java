package io.varve.api.control;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Which volumes get snapshots when, and how long these are kept (what EBS calls DLM).
 *
 * @param label the policy's own name and tags
 * @param enabled whether it does anything
 * @param targetTags of which a volume must have one
 * @param schedule when snapshots are due
 * @param keep which of its snapshots stay
 * @param snapshotTags what its snapshots are tagged with
 * @param copyTags whether they get their volume's tags too
 * @param doneUpTo the last due time that was seen to; earlier ones are not made up for
 * @param lastRun how the last time went
 */
public record LifecyclePolicy(
        PolicyId id,
        Label label,
        String description,
        boolean enabled,
        Map<String, String> targetTags,
        Schedule schedule,
        Keep keep,
        Map<String, String> snapshotTags,
        boolean copyTags,
        Instant doneUpTo,
        Optional<Run> lastRun,
        Optional<ClientToken> clientToken)
        implements Entry<PolicyId> {
    /**
     * How many of a volume's snapshots stay, or how long; one of both is 0.
     *
     * @param count from 1 to 1,000
     * @param days from 1 to 36,500
     */
    public record Keep(int count, int days) {}

    /**
     * How one time went.
     *
     * @param due when it was due
     * @param at when it was done
     * @param errors what went wrong, at most {@value #MOST_ERRORS} lines
     */
    public record Run(Instant due, Instant at, List<String> errors) {
        static final int MOST_ERRORS = 10;
    }

    /** In the words of DLM: {@code enabled}, {@code disabled} or {@code error}. */
    @Override
    public String state() {
        if (!enabled) {
            return "disabled";
        }
        return lastRun.filter(run -> !run.errors().isEmpty()).isPresent() ? "error" : "enabled";
    }

    /** The version of what is said about it, its runs left out. */
    public String etag() {
        return ETag.of(ran(Instant.EPOCH, Optional.empty()));
    }

    LifecyclePolicy ran(Instant newDoneUpTo, Optional<Run> run) {
        return new LifecyclePolicy(
                id,
                label,
                description,
                enabled,
                targetTags,
                schedule,
                keep,
                snapshotTags,
                copyTags,
                newDoneUpTo,
                run,
                clientToken);
    }

    boolean isAbout(Label volume) {
        return targetTags.entrySet().stream().anyMatch(volume.tags().entrySet()::contains);
    }

    /**
     * What makes a snapshot this policy's, and the only one of its volume that was due then. Clients cannot send it.
     */
    String token(Instant due, Object volume) {
        return tokenPrefix() + due.toEpochMilli() + " " + volume;
    }

    /** The due time in a {@link #token} of this policy; empty for any other token. */
    Optional<Instant> dueTime(String token) {
        String prefix = tokenPrefix();
        return token.startsWith(prefix)
                ? Optional.of(
                        Instant.ofEpochMilli(Long.parseLong(token.substring(prefix.length(), token.lastIndexOf(' ')))))
                : Optional.empty();
    }

    private String tokenPrefix() {
        return "policy " + id + " ";
    }
}
