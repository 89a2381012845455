package io.varve.api.aws.cloudwatch;

import static io.varve.api.aws.cloudwatch.CloudWatchException.invalid;

import io.varve.api.aws.Echo;
import io.varve.api.aws.cloudwatch.CloudWatchException.Code;
import java.time.Instant;
import java.util.ArrayList;
import java.util.DoubleSummaryStatistics;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Many series in one request, in pages. */
final class GetMetricData {
    private static final int QUERIES = 500;
    private static final int DATAPOINTS = 100_800;
    private static final Pattern ID = Pattern.compile("[a-z][A-Za-z0-9_]{0,254}");

    /** The query that the next page begins in, the period that was given last (-1 for none), and whose token it is. */
    private static final Pattern TOKEN = Pattern.compile("([0-9]{1,3})\\.(-1|[0-9]{1,12})\\.([0-9a-f]{1,8})");

    private final MetricSamples samples;

    GetMetricData(MetricSamples samples) {
        this.samples = samples;
    }

    private record Query(String id, String label, boolean returned, Series series, int period, Statistic statistic) {}

    /** Where a page begins. */
    private record Place(int query, long after) {}

    Map<String, Object> answer(Fields fields) {
        List<Query> queries = queries(fields);
        TimeRange range = TimeRange.of(fields);
        boolean descending = descending(fields);
        int most = fields.number("MaxDatapoints", 1, DATAPOINTS).orElse(DATAPOINTS);
        String list = Integer.toHexString((queries.toString() + range + descending).hashCode());
        Place place = fields.text("NextToken").map(token -> place(token, list)).orElse(new Place(0, -1));

        List<Map<String, Object>> results = new ArrayList<>();
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("MetricDataResults", results);
        answer.put("Messages", List.of());
        long after = place.after;
        for (int i = place.query; i < queries.size(); i++) {
            Query query = queries.get(i);
            if (!query.returned) {
                continue;
            }
            if (most == 0) {
                answer.put("NextToken", i + ".-1." + list);
                break;
            }
            NavigableMap<Long, DoubleSummaryStatistics> rest = rest(query, range, descending, after);
            Map<String, Object> result = result(query, rest, most);
            results.add(result);
            if (rest.size() > most) {
                result.put("StatusCode", "PartialData");
                long last = rest.keySet().stream().skip(most - 1).findFirst().orElseThrow();
                answer.put("NextToken", i + "." + last + "." + list);
                break;
            }
            most -= rest.size();
            after = -1;
        }
        return answer;
    }

    private NavigableMap<Long, DoubleSummaryStatistics> rest(
            Query query, TimeRange range, boolean descending, long after) {
        NavigableMap<Long, DoubleSummaryStatistics> all =
                query.series.periods(samples, range.from(), range.to(), query.period);
        NavigableMap<Long, DoubleSummaryStatistics> ordered = descending ? all.descendingMap() : all;
        return after < 0 ? ordered : ordered.tailMap(after, false);
    }

    private static Map<String, Object> result(
            Query query, NavigableMap<Long, DoubleSummaryStatistics> periods, int most) {
        List<Instant> timestamps = new ArrayList<>();
        List<Double> values = new ArrayList<>();
        periods.entrySet().stream().limit(most).forEach(period -> {
            timestamps.add(Instant.ofEpochSecond(period.getKey()));
            values.add(query.statistic.value(period.getValue()));
        });
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("Id", query.id);
        result.put("Label", query.label);
        result.put("Timestamps", timestamps);
        result.put("Values", values);
        result.put("StatusCode", "Complete");
        return result;
    }

    private static Place place(String token, String list) {
        Matcher parts = TOKEN.matcher(token);
        if (!parts.matches() || !parts.group(3).equals(list)) {
            throw new CloudWatchException(
                    Code.INVALID_TOKEN,
                    "NextToken %s is refused: it is of another request".formatted(Echo.quoted(token)));
        }
        return new Place(Integer.parseInt(parts.group(1)), Long.parseLong(parts.group(2)));
    }

    private static boolean descending(Fields fields) {
        String order = fields.text("ScanBy").orElse("TimestampDescending");
        if (!order.equals("TimestampDescending") && !order.equals("TimestampAscending")) {
            throw invalid("ScanBy %s is refused: it is TimestampDescending or TimestampAscending"
                    .formatted(Echo.quoted(order)));
        }
        return order.equals("TimestampDescending");
    }

    private static List<Query> queries(Fields fields) {
        List<Fields> members = fields.structures("MetricDataQueries");
        if (members.isEmpty()) {
            throw fields.missing("MetricDataQueries");
        }
        if (members.size() > QUERIES) {
            throw invalid("MetricDataQueries is refused: it has %d members, the most are %d"
                    .formatted(members.size(), QUERIES));
        }
        Set<String> ids = new HashSet<>();
        List<Query> queries = new ArrayList<>();
        for (Fields member : members) {
            Query query = query(member);
            if (!ids.add(query.id)) {
                throw invalid("%s %s is refused: another query has it".formatted(member.path("Id"), query.id));
            }
            queries.add(query);
        }
        return queries;
    }

    private static Query query(Fields member) {
        String id = member.requiredText("Id");
        if (!ID.matcher(id).matches()) {
            throw invalid("%s %s is refused: it is a small letter, then letters, digits and _"
                    .formatted(member.path("Id"), Echo.quoted(id)));
        }
        if (member.text("Expression").isPresent()) {
            throw invalid("%s is refused: there is no metric math and no SQL here; ask with MetricStat"
                    .formatted(member.path("Expression")));
        }
        Optional<Fields> found = member.structure("MetricStat");
        Fields stat = found.orElseThrow(() -> member.missing("MetricStat"));
        Fields metric = stat.structure("Metric").orElseThrow(() -> stat.missing("Metric"));
        Series series = Series.of(metric);
        Optional<String> unit = stat.text("Unit");
        boolean otherUnit = unit.isPresent()
                && series.metric()
                        .filter(known -> known.unit().equals(unit.get()))
                        .isEmpty();
        return new Query(
                id,
                member.text("Label").orElse(metric.requiredText("MetricName")),
                member.flag("ReturnData", true),
                otherUnit ? new Series(Optional.empty(), Optional.empty()) : series,
                stat.period(),
                Statistic.of(stat.path("Stat"), stat.requiredText("Stat")));
    }
}
