package io.varve.api.control;

import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;

/** The rules by which the recycle bin keeps what is deleted. Thread-safe. */
public final class RetentionRules {
    /** How many there may be. */
    public static final int MOST = 250;

    private static final Filters<RetentionRule> FILTERS = new Filters<RetentionRule>(RetentionRule::label)
            .one("rule-id", RetentionRule::id)
            .one("resource-type", rule -> rule.resource().name().toLowerCase(Locale.ROOT));

    private final ControlParts parts;

    RetentionRules(ControlParts parts) {
        this.parts = parts;
    }

    /** What somebody wants a new rule to be; see {@link RetentionRule}. */
    public record Request(
            Label label,
            String description,
            RetentionRule.Resource resource,
            Map<String, String> resourceTags,
            int retentionDays,
            int unlockDelayDays,
            Optional<String> clientToken) {
        private Optional<ClientToken> token() {
            String canonical = label + description + resource + new TreeMap<>(resourceTags) + retentionDays + " "
                    + unlockDelayDays;
            return clientToken.map(text -> new ClientToken(text, canonical));
        }
    }

    /** Makes a rule, or finds the one that the same token made. Fails with RESOURCE_LIMIT_EXCEEDED. */
    public CompletableFuture<RetentionRule> create(Request request) {
        return parts.sequencer().run("retention rules", () -> {
            Optional<RetentionRule> earlier = parts.rules().withToken(request.token());
            if (earlier.isPresent()) {
                return earlier.get();
            }
            if (parts.rules().all().size() >= MOST) {
                throw new RequestException(
                        ErrorCode.RESOURCE_LIMIT_EXCEEDED, "there are " + MOST + " retention rules already");
            }
            RetentionRule rule = new RetentionRule(
                    RuleId.random(parts.random()),
                    request.label(),
                    request.description(),
                    request.resource(),
                    request.resourceTags(),
                    request.retentionDays(),
                    new RetentionRule.Lock(request.unlockDelayDays(), Optional.empty()),
                    request.token());
            parts.rules().put(rule);
            return rule;
        });
    }

    /** A part of the rules, in the order of their ids. */
    public ListRequest.Page<RetentionRule> list(ListRequest request) {
        List<RetentionRule> all = parts.rules().all().stream()
                .sorted(Comparator.comparing(rule -> rule.id().text()))
                .toList();
        return request.page(
                "retention rules",
                all,
                rule -> Digits.order(rule.id()),
                Optional::of,
                FILTERS.passing(request.filters()));
    }

    /** Fails with RESOURCE_NOT_FOUND. */
    public RetentionRule describe(RuleId id) {
        return parts.rules()
                .find(id)
                .orElseThrow(
                        () -> new RequestException(ErrorCode.RESOURCE_NOT_FOUND, "there is no retention rule " + id));
    }

    /** Changes a rule; what is in the bin already stays as long as it was to stay. Fails if the rule is locked. */
    public CompletableFuture<RetentionRule> change(
            RuleId id, UnaryOperator<RetentionRule> change, Precondition precondition) {
        return parts.sequencer().run(id.toString(), () -> {
            RetentionRule changed = change.apply(unlocked(id, precondition));
            parts.rules().put(changed);
            return changed;
        });
    }

    /** Deletes a rule; what it keeps stays as long as it was to stay. Fails if the rule is locked. */
    public CompletableFuture<Void> delete(RuleId id, Precondition precondition) {
        return parts.sequencer().run(id.toString(), () -> {
            parts.rules().remove(unlocked(id, precondition).id());
            return null;
        });
    }

    private RetentionRule unlocked(RuleId id, Precondition precondition) {
        RetentionRule rule = describe(id);
        precondition.require(rule.etag());
        if (rule.lock().holds(now())) {
            throw new RequestException(
                    ErrorCode.OPERATION_NOT_PERMITTED,
                    "retention rule %s is locked: unlock it and wait %d days"
                            .formatted(id, rule.lock().unlockDelayDays()));
        }
        return rule;
    }

    /**
     * Locks a rule, or asks for it to be unlocked.
     *
     * @param unlockDelayDays how long it is to stay locked after that was asked for; 0 to ask
     */
    public CompletableFuture<RetentionRule> lock(RuleId id, int unlockDelayDays, Precondition precondition) {
        return parts.sequencer().run(id.toString(), () -> {
            RetentionRule rule = describe(id);
            precondition.require(rule.etag());
            RetentionRule.Lock old = rule.lock();
            if (unlockDelayDays > 0 && old.holds(now()) && unlockDelayDays < old.unlockDelayDays()) {
                throw new RequestException(
                        ErrorCode.OPERATION_NOT_PERMITTED,
                        "retention rule %s is locked with a delay of %d days, which cannot be made shorter"
                                .formatted(id, old.unlockDelayDays()));
            }
            RetentionRule changed = rule.with(unlockDelayDays > 0 ? locked(unlockDelayDays) : unlocking(id, old));
            parts.rules().put(changed);
            return changed;
        });
    }

    private static RetentionRule.Lock locked(int unlockDelayDays) {
        return new RetentionRule.Lock(unlockDelayDays, Optional.empty());
    }

    private RetentionRule.Lock unlocking(RuleId id, RetentionRule.Lock old) {
        if (!old.holds(now())) {
            throw new RequestException(ErrorCode.INCORRECT_STATE, "retention rule " + id + " is not locked");
        }
        Instant at = now().plus(Duration.ofDays(old.unlockDelayDays()));
        return new RetentionRule.Lock(
                old.unlockDelayDays(), Optional.of(old.unlockedAt().orElse(at)));
    }

    /** How long something that is deleted now is kept: as long as the longest rule says; empty if none is about it. */
    Optional<Recycled> keep(RetentionRule.Resource kind, Label label) {
        return parts.rules().all().stream()
                .filter(rule -> rule.keeps(kind, label))
                .max(Comparator.comparingInt(RetentionRule::retentionDays))
                .map(rule -> rule.recycled(now()));
    }

    /** Fails with OPERATION_NOT_PERMITTED if a locked rule keeps it. */
    void requirePurgeable(Recycled recycled) {
        Optional<RetentionRule> keeper = parts.rules().find(recycled.rule());
        if (keeper.isPresent() && keeper.get().lock().holds(now())) {
            throw new RequestException(
                    ErrorCode.OPERATION_NOT_PERMITTED,
                    "the locked retention rule %s keeps it until %s".formatted(recycled.rule(), recycled.until()));
        }
    }

    /** The time by which rules are locked. */
    public Instant now() {
        return parts.clock().instant();
    }
}
