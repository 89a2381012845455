package io.varve.api.aws.cloudwatch;

import io.varve.engine.VolumeId;
import java.util.DoubleSummaryStatistics;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Whose samples of what are asked for. Nothing of what is not here: as in CloudWatch that is no error, there are just
 * no data.
 */
record Series(Optional<VolumeId> volume, Optional<Metric> metric) {
    static final String NAMESPACE = "AWS/EBS";
    static final String DIMENSION = "VolumeId";
    private static final int MOST_DIMENSIONS = 30;

    /** @param fields with Namespace, MetricName and Dimensions */
    static Series of(Fields fields) {
        boolean ours = fields.requiredText("Namespace").equals(NAMESPACE);
        Optional<Metric> metric = Metric.of(fields.requiredText("MetricName"));
        List<Fields> dimensions = fields.structures("Dimensions");
        if (dimensions.size() > MOST_DIMENSIONS) {
            throw CloudWatchException.invalid(
                    "%s is refused: it has more than %d members".formatted(fields.path("Dimensions"), MOST_DIMENSIONS));
        }
        Optional<VolumeId> volume = Optional.empty();
        for (Fields dimension : dimensions) {
            String value = dimension.requiredText("Value");
            if (dimension.requiredText("Name").equals(DIMENSION) && dimensions.size() == 1) {
                volume = volume(value);
            }
        }
        return new Series(ours ? volume : Optional.empty(), metric);
    }

    static Optional<VolumeId> volume(String text) {
        try {
            return Optional.of(VolumeId.parse(text));
        } catch (IllegalArgumentException e) { // so there is none
            return Optional.empty();
        }
    }

    NavigableMap<Long, DoubleSummaryStatistics> periods(MetricSamples samples, long from, long to, int period) {
        return volume.isPresent() && metric.isPresent()
                ? samples.periods(volume.get(), metric.get(), from, to, period)
                : new TreeMap<>();
    }

    static Map<String, Object> document(VolumeId volume, Metric metric) {
        return Map.of(
                "Namespace",
                NAMESPACE,
                "MetricName",
                metric.text(),
                "Dimensions",
                List.of(Map.of("Name", DIMENSION, "Value", volume.toString())));
    }
}
