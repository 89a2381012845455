package io.varve.api.aws.ec2;

import io.varve.api.access.Role;
import io.varve.api.aws.Action;
import io.varve.api.aws.Echo;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;

/** One action: who may do it, what becomes of each parameter, and what does it. */
record Ec2Action(
        String name,
        Role needs,
        List<Parameter> parameters,
        String note,
        Function<Parameters, CompletableFuture<Reply>> handler) {
    /** Those of every list with pages. */
    static final String[] LISTING = {"Filter.N.Name", "Filter.N.Value.N", "MaxResults", "NextToken"};

    /** Those of what is created with tags. */
    static final String[] TAGS = {
        "TagSpecification.N.ResourceType", "TagSpecification.N.Tag.N.Key", "TagSpecification.N.Tag.N.Value"
    };

    static final String DRY_RUN = "DryRun";

    /** What every request has besides. */
    static final List<String> COMMON = List.of("Action", "Version");

    Ec2Action {
        parameters = List.copyOf(parameters);
    }

    static Builder reading(String name) {
        return new Builder(name, Role.READ);
    }

    static Builder changing(String name) {
        return new Builder(name, Role.OPERATE);
    }

    /** For the gate. */
    Action action() {
        return new Action(name, needs, needs != Role.READ);
    }

    /** Does it, if all parameters are known. */
    CompletableFuture<Reply> run(Map<String, String> form, String host) {
        form.forEach(this::check);
        Parameters request = new Parameters(form, host);
        if (request.flag(DRY_RUN)) {
            throw Ec2Exception.dryRun();
        }
        return handler.apply(request);
    }

    private void check(String name, String value) {
        if (COMMON.contains(name)) {
            return;
        }
        String pattern = Parameters.pattern(name);
        parameters.stream()
                .filter(parameter -> parameter.covers(pattern))
                .findFirst()
                .orElseThrow(() -> new Ec2Exception(
                        "UnknownParameter", "%s has no parameter %s".formatted(this.name, Echo.quoted(name))))
                .check(name, value);
    }

    /** An action as it is written down. */
    static final class Builder {
        private final String name;
        private final Role needs;
        private final List<Parameter> parameters = new ArrayList<>();
        private String note = "";

        private Builder(String name, Role needs) {
            this.name = name;
            this.needs = needs;
            done(DRY_RUN);
        }

        Builder done(String... patterns) {
            return add(Parameter.Handling.DONE, "", patterns);
        }

        Builder ignored(String reason, String... patterns) {
            return add(Parameter.Handling.IGNORED, reason, patterns);
        }

        Builder refused(String reason, String... patterns) {
            return add(Parameter.Handling.REFUSED, reason, patterns);
        }

        private Builder add(Parameter.Handling handling, String reason, String... patterns) {
            for (String pattern : patterns) {
                parameters.add(new Parameter(pattern, handling, reason));
            }
            return this;
        }

        /** What people have to know of it. */
        Builder note(String text) {
            note = text;
            return this;
        }

        Ec2Action by(Function<Parameters, CompletableFuture<Reply>> handler) {
            return new Ec2Action(name, needs, parameters, note, handler);
        }
    }
}
