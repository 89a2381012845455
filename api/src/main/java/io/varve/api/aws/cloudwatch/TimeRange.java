package io.varve.api.aws.cloudwatch;

/** Seconds since 1970: the first inclusive, the last exclusive. */
record TimeRange(long from, long to) {
    static TimeRange of(Fields fields) {
        TimeRange range = new TimeRange(fields.second("StartTime"), fields.second("EndTime"));
        if (range.from >= range.to) {
            throw CloudWatchException.invalid("StartTime is refused: it is not before EndTime");
        }
        return range;
    }
}
