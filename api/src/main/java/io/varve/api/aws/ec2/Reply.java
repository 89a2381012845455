package io.varve.api.aws.ec2;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * What an action answers.
 *
 * @param content of the response, behind the request id
 * @param resources what was made or changed
 */
record Reply(Consumer<Ec2Xml> content, List<String> resources) {
    /** What was looked up. */
    static CompletableFuture<Reply> of(Consumer<Ec2Xml> content) {
        return CompletableFuture.completedFuture(new Reply(content, List.of()));
    }

    /** That something was done to {@code resource}. */
    static Reply done(Object resource) {
        return changed(resource, xml -> xml.text("return", true));
    }

    static Reply changed(Object resource, Consumer<Ec2Xml> content) {
        return new Reply(content, List.of(resource.toString()));
    }
}
