package io.varve.api.aws.cloudwatch;

import io.varve.api.aws.Echo;
import io.varve.api.aws.cloudwatch.CloudWatchException.Code;
import io.varve.engine.VolumeId;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Which series there are, in pages of 500; the token is the last one of a page. */
final class ListMetrics {
    private static final int PAGE = 500;

    private final MetricSamples samples;

    ListMetrics(MetricSamples samples) {
        this.samples = samples;
    }

    Map<String, Object> answer(Fields fields) {
        boolean ours = fields.text("Namespace")
                .filter(name -> !name.equals(Series.NAMESPACE))
                .isEmpty();
        Optional<String> name = fields.text("MetricName");
        List<Fields> dimensions = fields.structures("Dimensions");
        Optional<String> after = fields.text("NextToken");
        after.filter(token -> !token.matches("vol-[0-9a-f]{17}/[0-9]{1,2}")).ifPresent(token -> {
            throw new CloudWatchException(
                    Code.INVALID_TOKEN, "NextToken %s is refused: it is none of these".formatted(Echo.quoted(token)));
        });
        List<Map<String, Object>> metrics = new ArrayList<>();
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("Metrics", metrics);
        String last = "";
        for (VolumeId volume : ours ? samples.volumes() : List.<VolumeId>of()) {
            if (!dimensions.stream().allMatch(dimension -> matches(dimension, volume))) {
                continue;
            }
            for (Metric metric : samples.metrics(volume)) {
                String place = "%s/%02d".formatted(volume, metric.ordinal());
                if (name.filter(asked -> !asked.equals(metric.text())).isPresent()
                        || after.filter(token -> token.compareTo(place) >= 0).isPresent()) {
                    continue;
                }
                if (metrics.size() == PAGE) {
                    answer.put("NextToken", last);
                    return answer;
                }
                metrics.add(Series.document(volume, metric));
                last = place;
            }
        }
        return answer;
    }

    private static boolean matches(Fields dimension, VolumeId volume) {
        return dimension.requiredText("Name").equals(Series.DIMENSION)
                && dimension
                        .text("Value")
                        .filter(value -> !value.equals(volume.toString()))
                        .isEmpty();
    }
}
