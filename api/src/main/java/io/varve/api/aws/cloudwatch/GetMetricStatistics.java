package io.varve.api.aws.cloudwatch;

import static io.varve.api.aws.cloudwatch.CloudWatchException.invalid;

import io.varve.api.aws.cloudwatch.CloudWatchException.Code;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Several statistics of one series. */
final class GetMetricStatistics {
    private static final int DATAPOINTS = 1_440;

    private final MetricSamples samples;

    GetMetricStatistics(MetricSamples samples) {
        this.samples = samples;
    }

    Map<String, Object> answer(Fields fields) {
        Series series = Series.of(fields);
        TimeRange range = TimeRange.of(fields);
        int period = fields.period();
        List<Statistic> statistics = fields.texts("Statistics").stream()
                .map(text -> Statistic.of("Statistics", text))
                .distinct()
                .toList();
        if (!fields.texts("ExtendedStatistics").isEmpty()) {
            throw invalid("ExtendedStatistics is refused: there are no percentiles here");
        }
        if (statistics.isEmpty()) {
            throw fields.missing("Statistics");
        }
        if ((range.to() - range.from()) / period > DATAPOINTS) {
            throw new CloudWatchException(
                    Code.INVALID_COMBINATION,
                    "%d datapoints are asked for, the most are %d: a larger Period or a shorter time helps"
                            .formatted((range.to() - range.from()) / period, DATAPOINTS));
        }
        String unit = series.metric().map(Metric::unit).orElse("None");
        boolean otherUnit =
                fields.text("Unit").filter(asked -> !asked.equals(unit)).isPresent();
        List<Map<String, Object>> datapoints = new ArrayList<>();
        series.periods(samples, range.from(), otherUnit ? range.from() : range.to(), period)
                .forEach((second, values) -> {
                    Map<String, Object> datapoint = new LinkedHashMap<>();
                    datapoint.put("Timestamp", Instant.ofEpochSecond(second));
                    statistics.forEach(statistic -> datapoint.put(statistic.text(), statistic.value(values)));
                    datapoint.put("Unit", unit);
                    datapoints.add(datapoint);
                });
        return Map.of("Label", fields.requiredText("MetricName"), "Datapoints", datapoints);
    }
}
