package io.varve.api;

import io.varve.api.aws.Face;
import io.varve.api.aws.cloudwatch.CloudWatchFace;
import io.varve.api.aws.cloudwatch.MetricSamples;
import io.varve.api.aws.ebs.EbsFace;
import io.varve.api.aws.ec2.Ec2Face;
import io.varve.api.control.Connections;
import io.varve.api.control.ControlPlane;
import java.time.InstantSource;
import java.util.Map;

/** The AWS services that this server speaks, by the names that signatures have for them. */
final class AwsFaces {
    private AwsFaces() {}

    /** One line a service. */
    static Map<String, Face> of(ControlPlane control, Connections connections, MetricSamples samples) {
        return Map.ofEntries(
                Map.entry(Ec2Face.SERVICE, new Ec2Face(control, connections)),
                Map.entry(CloudWatchFace.SERVICE, new CloudWatchFace(samples)),
                Map.entry(EbsFace.SERVICE, new EbsFace(control, InstantSource.system())));
    }
}
