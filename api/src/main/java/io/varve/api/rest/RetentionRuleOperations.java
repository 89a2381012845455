package io.varve.api.rest;

import io.varve.api.control.RetentionRule;
import io.varve.api.control.RetentionRules;
import io.varve.api.control.RuleId;
import io.vertx.core.json.JsonObject;

/** The operations under {@code /v1/retention-rules}. */
final class RetentionRuleOperations {
    private static final String PATH = "/v1/retention-rules/";

    private final RetentionRules rules;

    RetentionRuleOperations(RetentionRules rules) {
        this.rules = rules;
    }

    void addTo(Operations operations) {
        operations.add(
                "createRetentionRule",
                call -> rules.create(Requests.createRetentionRule(call.body()))
                        .thenApply(rule -> Answer.created(rule.etag(), PATH + rule.id(), document(rule))));
        operations.addPrompt(
                "listRetentionRules",
                call -> Answer.json(200, Call.page("retentionRules", rules.list(call.list()), this::document)));
        operations.addPrompt("describeRetentionRule", call -> described(rules.describe(id(call))));
        operations.add(
                "changeRetentionRule",
                call -> rules.change(id(call), Requests.changeRetentionRule(call.body()), call.precondition())
                        .thenApply(this::described));
        operations.add(
                "deleteRetentionRule",
                call -> rules.delete(id(call), call.precondition()).thenApply(gone -> Answer.empty()));
        operations.add(
                "lockRetentionRule",
                call -> rules.lock(id(call), call.body().getInteger("unlockDelayDays"), call.precondition())
                        .thenApply(this::described));
        operations.add(
                "unlockRetentionRule",
                call -> rules.lock(id(call), 0, call.precondition()).thenApply(this::described));
    }

    private static RuleId id(Call call) {
        return Requests.ruleId(call.path("ruleId"));
    }

    private Answer described(RetentionRule rule) {
        return Answer.tagged(rule.etag(), document(rule));
    }

    private JsonObject document(RetentionRule rule) {
        return Documents.retentionRule(rule, rules.now());
    }
}
