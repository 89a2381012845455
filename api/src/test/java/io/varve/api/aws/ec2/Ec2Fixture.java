package io.varve.api.aws.ec2;

import io.varve.api.ManualClock;
import io.varve.api.TestEngine;
import io.varve.api.access.Caller;
import io.varve.api.aws.AwsAnswer;
import io.varve.api.aws.SignedRequest;
import io.varve.api.control.Connections;
import io.varve.api.control.ControlDatabase;
import io.varve.api.control.ControlPlane;
import io.varve.api.control.Metadata;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** The face on a real control plane and engine, without a network. */
final class Ec2Fixture implements AutoCloseable {
    private final TestEngine engine;
    private final Metadata metadata;
    private final ManualClock clock = new ManualClock();
    private final ControlPlane control;
    private final Ec2Face face;

    Ec2Fixture(Path directory) {
        engine = TestEngine.open(directory);
        metadata = ControlDatabase.open(directory, () -> false);
        control = ControlPlane.start(engine.store(), metadata, new SecureRandom(), clock);
        face = new Ec2Face(control, Connections.NONE);
    }

    ManualClock clock() {
        return clock;
    }

    ControlPlane control() {
        return control;
    }

    Ec2Actions actions() {
        return new Ec2Actions(control, Connections.NONE);
    }

    /** What a form is answered. */
    AwsAnswer send(String form) {
        return send(Buffer.buffer(form));
    }

    AwsAnswer send(Buffer body) {
        SignedRequest request = new SignedRequest(
                "POST", "/", List.of(), MultiMap.caseInsensitiveMultiMap(), body, Caller.OPEN, "request-1");
        face.action(request);
        return face.answer(request).toCompletionStage().toCompletableFuture().join();
    }

    AwsAnswer call(String action, String... namesAndValues) {
        StringBuilder form = new StringBuilder("Action=" + action + "&Version=2016-11-15");
        for (int i = 0; i < namesAndValues.length; i += 2) {
            form.append('&').append(namesAndValues[i]).append('=').append(encoded(namesAndValues[i + 1]));
        }
        return send(form.toString());
    }

    /** What is done and answered as the service model says, or the test fails. */
    AwsAnswer done(String action, String... namesAndValues) {
        AwsAnswer answer = call(action, namesAndValues);
        if (answer.status() != 200) {
            throw new AssertionError(action + " answered " + answer.body());
        }
        List<String> unknown = Ec2ResponseCheck.unknown(action, answer.body());
        if (!unknown.isEmpty()) {
            throw new AssertionError("clients know nothing of %s in %s".formatted(unknown, answer.body()));
        }
        return answer;
    }

    String instance() {
        return first(done("RunInstances", "MinCount", "1", "MaxCount", "1"), "instanceId");
    }

    String instanceWithVolume(String device) {
        String volume = first(done("CreateVolume", "Size", "1"), "volumeId");
        String instance = instance();
        done("AttachVolume", "VolumeId", volume, "InstanceId", instance, "Device", device);
        return instance;
    }

    String imageOf(String instance, String name) {
        return first(done("CreateImage", "InstanceId", instance, "Name", name), "imageId");
    }

    static String form(Map<String, String> parameters) {
        return parameters.entrySet().stream()
                .map(one -> encoded(one.getKey()) + "=" + encoded(one.getValue()))
                .collect(Collectors.joining("&"));
    }

    static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    /** The text of the first element with this name. */
    static String first(AwsAnswer answer, String element) {
        Matcher matcher = Pattern.compile("<" + element + ">([^<]*)</" + element + ">")
                .matcher(answer.body().toString());
        if (!matcher.find()) {
            throw new AssertionError("no " + element + " in " + answer.body());
        }
        return matcher.group(1);
    }

    @Override
    public void close() {
        control.close();
        metadata.close();
        engine.close();
    }
}
