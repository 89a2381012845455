package io.varve.api.rest;

import io.varve.api.control.ErrorCode;
import io.varve.api.control.LifecyclePolicies;
import io.varve.api.control.LifecyclePolicy;
import io.varve.api.control.PolicyId;
import io.varve.api.control.RequestException;
import io.varve.api.control.Schedule;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.Instant;
import java.time.LocalTime;
import java.util.List;
import java.util.function.UnaryOperator;

/** The operations under {@code /v1/lifecycle-policies}. */
final class LifecyclePolicyOperations {
    private static final String PATH = "/v1/lifecycle-policies/";

    private final LifecyclePolicies policies;

    LifecyclePolicyOperations(LifecyclePolicies policies) {
        this.policies = policies;
    }

    void addTo(Operations operations) {
        operations.add(
                "createLifecyclePolicy",
                call -> policies.create(request(call.body()))
                        .thenApply(policy -> Answer.created(policy.etag(), PATH + policy.id(), document(policy))));
        operations.addPrompt(
                "listLifecyclePolicies",
                call -> Answer.json(200, Call.page("lifecyclePolicies", policies.list(call.list()), this::document)));
        operations.addPrompt("describeLifecyclePolicy", call -> described(policies.describe(id(call))));
        operations.add(
                "changeLifecyclePolicy",
                call -> policies.change(id(call), change(call.body()), call.precondition())
                        .thenApply(this::described));
        operations.add(
                "deleteLifecyclePolicy",
                call -> policies.delete(id(call), call.precondition()).thenApply(gone -> Answer.empty()));
    }

    private static PolicyId id(Call call) {
        String text = call.path("policyId");
        try {
            return new PolicyId(text);
        } catch (IllegalArgumentException e) {
            throw Requests.malformed(
                    ErrorCode.INVALID_PARAMETER_VALUE, "policyId", text, "a lifecycle policy", PolicyId.PREFIX);
        }
    }

    private static LifecyclePolicies.Request request(JsonObject json) {
        return new LifecyclePolicies.Request(
                Requests.label(json),
                json.getString("description", ""),
                json.getBoolean("enabled", true),
                Requests.tags(json.getJsonObject("targetTags")),
                schedule(json.getJsonObject("schedule")),
                keep(json.getJsonObject("keep")),
                Requests.tags(json.getJsonObject("snapshotTags", new JsonObject())),
                json.getBoolean("copyTags", false),
                Requests.clientToken(json));
    }

    private static UnaryOperator<LifecyclePolicy> change(JsonObject json) {
        return old -> new LifecyclePolicy(
                old.id(),
                Requests.changedLabel(json).apply(old.label()),
                json.getString("description", old.description()),
                json.getBoolean("enabled", old.enabled()),
                json.containsKey("targetTags") ? Requests.tags(json.getJsonObject("targetTags")) : old.targetTags(),
                json.containsKey("schedule") ? schedule(json.getJsonObject("schedule")) : old.schedule(),
                json.containsKey("keep") ? keep(json.getJsonObject("keep")) : old.keep(),
                json.containsKey("snapshotTags")
                        ? Requests.tags(json.getJsonObject("snapshotTags"))
                        : old.snapshotTags(),
                json.getBoolean("copyTags", old.copyTags()),
                old.doneUpTo(),
                old.lastRun(),
                old.clientToken());
    }

    private static Schedule schedule(JsonObject json) {
        requireOne(json, "everyMinutes", "times");
        List<LocalTime> times = json.getJsonArray("times", new JsonArray()).stream()
                .map(String::valueOf)
                .map(LocalTime::parse)
                .toList();
        return new Schedule(json.getInteger("everyMinutes", 0), times);
    }

    private static LifecyclePolicy.Keep keep(JsonObject json) {
        requireOne(json, "count", "days");
        return new LifecyclePolicy.Keep(json.getInteger("count", 0), json.getInteger("days", 0));
    }

    private static void requireOne(JsonObject json, String first, String second) {
        if (json.containsKey(first) == json.containsKey(second)) {
            throw new RequestException(
                    ErrorCode.INVALID_PARAMETER_COMBINATION,
                    "one of %s and %s is needed, not both".formatted(first, second));
        }
    }

    private Answer described(LifecyclePolicy policy) {
        return Answer.tagged(policy.etag(), document(policy));
    }

    private JsonObject document(LifecyclePolicy policy) {
        Instant now = policies.now();
        JsonObject json = new JsonObject()
                .put("policyId", policy.id().text())
                .put("state", policy.state())
                .put("description", policy.description())
                .put("tags", Documents.tags(policy.label().tags()))
                .put("targetTags", Documents.tags(policy.targetTags()))
                .put("schedule", schedule(policy.schedule()))
                .put("keep", keep(policy.keep()))
                .put("snapshotTags", Documents.tags(policy.snapshotTags()))
                .put("copyTags", policy.copyTags());
        policy.label().name().ifPresent(name -> json.put("name", name));
        if (policy.enabled()) {
            json.put("nextRunTime", Documents.time(policy.schedule().next(now)));
        }
        policy.lastRun()
                .ifPresent(run -> json.put(
                        "lastRun",
                        new JsonObject()
                                .put("dueTime", Documents.time(run.due()))
                                .put("time", Documents.time(run.at()))
                                .put("errors", new JsonArray(run.errors()))));
        return json;
    }

    private static JsonObject schedule(Schedule schedule) {
        return schedule.everyMinutes() > 0
                ? new JsonObject().put("everyMinutes", schedule.everyMinutes())
                : new JsonObject()
                        .put(
                                "times",
                                new JsonArray(schedule.times().stream()
                                        .map(String::valueOf)
                                        .toList()));
    }

    private static JsonObject keep(LifecyclePolicy.Keep keep) {
        return keep.count() > 0
                ? new JsonObject().put("count", keep.count())
                : new JsonObject().put("days", keep.days());
    }
}
