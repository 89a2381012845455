package io.varve.api.aws.cloudwatch;

import static io.varve.api.aws.cloudwatch.CloudWatchException.invalid;

import io.varve.api.aws.Echo;
import java.util.Arrays;
import java.util.DoubleSummaryStatistics;
import java.util.function.ToDoubleFunction;

/** What is made of the samples of a period. */
enum Statistic {
    SUM("Sum", DoubleSummaryStatistics::getSum),
    AVERAGE("Average", DoubleSummaryStatistics::getAverage),
    MINIMUM("Minimum", DoubleSummaryStatistics::getMin),
    MAXIMUM("Maximum", DoubleSummaryStatistics::getMax),
    SAMPLE_COUNT("SampleCount", DoubleSummaryStatistics::getCount);

    private final String text;

    @SuppressWarnings("ImmutableEnumChecker") // the functions hold nothing
    private final ToDoubleFunction<DoubleSummaryStatistics> value;

    Statistic(String text, ToDoubleFunction<DoubleSummaryStatistics> value) {
        this.text = text;
        this.value = value;
    }

    /** @param name of the field that it stands in, for messages */
    static Statistic of(String name, String text) {
        return Arrays.stream(values())
                .filter(statistic -> statistic.text.equals(text))
                .findFirst()
                .orElseThrow(() -> invalid("%s %s is refused: there are Sum, Average, Minimum, Maximum and SampleCount"
                        .formatted(name, Echo.quoted(text))));
    }

    String text() {
        return text;
    }

    double value(DoubleSummaryStatistics period) {
        return value.applyAsDouble(period);
    }
}
