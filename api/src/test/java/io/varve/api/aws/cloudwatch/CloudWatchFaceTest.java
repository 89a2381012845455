package io.varve.api.aws.cloudwatch;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.api.ManualClock;
import io.varve.api.access.Caller;
import io.varve.api.access.Role;
import io.varve.api.aws.AwsAnswer;
import io.varve.api.aws.SignedRequest;
import io.varve.engine.IoStatus;
import io.varve.engine.VolumeCounters;
import io.varve.engine.VolumeCounters.Operation;
import io.varve.engine.VolumeId;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What CloudWatch's actions answer, minute by minute on a clock that the test sets: it begins at 2030-01-31T12:00:00Z.
 */
class CloudWatchFaceTest {
    private static final VolumeId VOLUME = VolumeId.parse("vol-00000000000000001");
    private static final long NOON = 1_896_091_200;
    private static final long MILLI = 1_000_000;

    private final ManualClock clock = new ManualClock();
    private final VolumeCounters counters = new VolumeCounters();
    private final List<Reading> others = new ArrayList<>();
    private OptionalDouble burst = OptionalDouble.empty();
    private final MetricSamples samples = new MetricSamples(this::readings, clock);
    private final CloudWatchFace face = new CloudWatchFace(samples);

    private List<Reading> readings() {
        List<Reading> all = new ArrayList<>(others);
        all.add(0, Reading.of(VOLUME, counters, burst));
        return all;
    }

    /** A minute with so many reads of 4 KiB and 30 ms, then its end. */
    private void minute(int reads) {
        for (int i = 0; i < reads; i++) {
            counters.record(Operation.READ, 4096, 30 * MILLI, IoStatus.OK);
        }
        clock.advance(Duration.ofMinutes(1));
        samples.tick();
    }

    @Test
    void everyMetricIsWhatTheCountersSay() {
        burst = OptionalDouble.of(62.5);
        counters.record(Operation.WRITE, 8192, 60 * MILLI, IoStatus.OK);
        counters.record(Operation.WRITE, 8192, 120 * MILLI, IoStatus.EIO);
        counters.record(Operation.TRIM, 1 << 20, MILLI, IoStatus.OK);
        counters.ioUnits.set(7);
        minute(60);
        assertThat(value("VolumeReadOps")).isEqualTo(60);
        assertThat(value("VolumeWriteOps")).isEqualTo(2);
        assertThat(value("VolumeReadBytes")).isEqualTo(60 * 4096);
        assertThat(value("VolumeWriteBytes")).isEqualTo(8192);
        assertThat(value("VolumeTotalReadTime")).isEqualTo(1.8);
        assertThat(value("VolumeTotalWriteTime")).isEqualTo(0.18);
        assertThat(value("VolumeQueueLength")).isEqualTo(0.033);
        assertThat(value("VolumeConsumedReadWriteOps")).isEqualTo(7);
        assertThat(value("BurstBalance")).isEqualTo(62.5);
        assertThat(value("VolumeAvgReadLatency")).isEqualTo(30);
        assertThat(value("VolumeAvgWriteLatency")).isEqualTo(90);
        assertThat(value("VolumeAvgIOPS")).isEqualTo(62 / 60.0);
        assertThat(value("VolumeAvgThroughput")).isEqualTo((60 * 4096 + 8192) / 60.0);
    }

    private double value(String metric) {
        JsonArray values = result(data(query("q", metric, 60, "Sum"))).getJsonArray("Values");
        assertThat(values).as(metric).hasSize(1);
        return values.getDouble(0);
    }

    @Test
    void statisticsAreMadeOfMinutesAndTheMinuteThatRunsIsNotThereYet() {
        List.of(5, 1, 0, 2, 4, 10).forEach(this::minute);
        counters.record(Operation.READ, 4096, MILLI, IoStatus.OK);
        clock.advance(Duration.ofSeconds(59));
        samples.tick();
        assertThat(five("Sum")).isEqualTo(new JsonArray().add(10.0).add(12.0));
        assertThat(five("Average")).isEqualTo(new JsonArray().add(10.0).add(2.4));
        assertThat(five("Minimum")).isEqualTo(new JsonArray().add(10.0).add(0.0));
        assertThat(five("Maximum")).isEqualTo(new JsonArray().add(10.0).add(5.0));
        assertThat(five("SampleCount")).isEqualTo(new JsonArray().add(1.0).add(5.0));
        assertThat(result(data(query("q", "VolumeReadOps", 300, "Sum"))).getJsonArray("Timestamps"))
                .containsExactly((int) NOON + 300, (int) NOON);
        assertThat(result(data(query("q", "VolumeAvgReadLatency", 60, "Average")))
                        .getJsonArray("Values"))
                .as("a minute without a read has no latency")
                .hasSize(5);
    }

    private JsonArray five(String statistic) {
        return result(data(query("q", "VolumeReadOps", 300, statistic))).getJsonArray("Values");
    }

    @Test
    void historyEndsAfterThreeHoursAndWithTheMostVolumes() {
        for (int i = 0; i < MetricSamples.VOLUMES; i++) {
            others.add(new Reading(
                    VolumeId.parse("vol-%017x".formatted(i + 16)), 1, 0, 0, 0, 0, 0, 0, OptionalDouble.empty()));
        }
        minute(1);
        assertThat(samples.volumes()).hasSize(MetricSamples.VOLUMES).contains(VOLUME);
        others.clear();
        for (int i = 0; i < MetricSamples.MINUTES; i++) {
            minute(1);
        }
        JsonObject result = result(data(query("q", "VolumeReadOps", 60, "Sum")));
        assertThat(result.getJsonArray("Values")).hasSize(MetricSamples.MINUTES);
        assertThat(result.getJsonArray("Timestamps").getLong(MetricSamples.MINUTES - 1))
                .isEqualTo(NOON + 60);
        minute(1);
        assertThat(samples.volumes()).containsExactly(VOLUME);
    }

    @Test
    void pagesGiveEachDatapointOnce() {
        List.of(1, 2, 3, 4, 5).forEach(this::minute);
        JsonObject asked = data(query("a", "VolumeReadOps", 60, "Sum"), query("b", "VolumeReadOps", 120, "Sum"))
                .put("MaxDatapoints", 3)
                .put("ScanBy", "TimestampAscending");
        List<String> got = new ArrayList<>();
        int pages = 0;
        JsonObject page;
        do {
            page = ok("GetMetricData", asked);
            page.getJsonArray("MetricDataResults").forEach(result -> {
                JsonObject one = (JsonObject) result;
                one.getJsonArray("Values").forEach(value -> got.add(one.getString("Id") + value));
            });
            asked.put("NextToken", page.getString("NextToken"));
            pages++;
        } while (page.containsKey("NextToken"));
        assertThat(got).containsExactly("a1.0", "a2.0", "a3.0", "a4.0", "a5.0", "b3.0", "b7.0", "b5.0");
        assertThat(pages).isEqualTo(3);
    }

    @Test
    void whatIsNotThereIsNoErrorButEmpty() {
        minute(1);
        assertThat(empty("VolumeIdleTime", VOLUME.toString(), "AWS/EBS")).isTrue();
        assertThat(empty("VolumeReadOps", "vol-0000000000000000f", "AWS/EBS")).isTrue();
        assertThat(empty("VolumeReadOps", "my disk", "AWS/EBS")).isTrue();
        assertThat(empty("VolumeReadOps", VOLUME.toString(), "AWS/EC2")).isTrue();
        assertThat(empty("BurstBalance", VOLUME.toString(), "AWS/EBS")).isTrue();
        assertThat(empty("VolumeReadOps", VOLUME.toString(), "AWS/EBS")).isFalse();
    }

    private boolean empty(String metric, String volume, String namespace) {
        JsonObject query = query("q", metric, 60, "Sum");
        query.getJsonObject("MetricStat")
                .getJsonObject("Metric")
                .put("Namespace", namespace)
                .getJsonArray("Dimensions")
                .getJsonObject(0)
                .put("Value", volume);
        return result(data(query)).getJsonArray("Values").isEmpty();
    }

    @Test
    void metricsAreListedInPages() {
        for (int i = 0; i < 60; i++) {
            others.add(new Reading(
                    VolumeId.parse("vol-%017x".formatted(i + 16)), 1, 0, 0, 0, 0, 0, 0, OptionalDouble.empty()));
        }
        minute(1);
        JsonObject first = ok("ListMetrics", new JsonObject().put("Namespace", "AWS/EBS"));
        JsonObject second = ok("ListMetrics", new JsonObject().put("NextToken", first.getString("NextToken")));
        List<Object> all = new ArrayList<>();
        first.getJsonArray("Metrics").forEach(all::add);
        second.getJsonArray("Metrics").forEach(all::add);
        assertThat(first.getJsonArray("Metrics")).hasSize(500);
        assertThat(second.containsKey("NextToken")).isFalse();
        assertThat(all).doesNotHaveDuplicates().hasSize(61 * 11);
        JsonArray dimensions =
                new JsonArray().add(new JsonObject().put("Name", "VolumeId").put("Value", "" + VOLUME));
        JsonObject one = new JsonObject().put("MetricName", "VolumeReadOps").put("Dimensions", dimensions);
        assertThat(ok("ListMetrics", one).getJsonArray("Metrics")).hasSize(1);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "MetricDataQueries.member.1.Expression=a*2|InvalidParameterValue|there is no metric math",
                "MetricDataQueries.member.1.Id=|MissingParameter|MetricDataQueries.1.Id is required",
                "MetricDataQueries.member.1.Id=A|InvalidParameterValue|small letter",
                "MetricDataQueries.member.1.MetricStat.Period=30|InvalidParameterValue|multiple of 60",
                "MetricDataQueries.member.1.MetricStat.Period=-60|InvalidParameterValue|from 1 to 86400",
                "MetricDataQueries.member.1.MetricStat.Stat=p99|InvalidParameterValue|there are Sum",
                "MetricDataQueries.member.1.ReturnData=no|InvalidParameterValue|true or false",
                "MetricDataQueries.member.x.Id=b|InvalidParameterValue|members have numbers",
                "MetricDataQueries=a|InvalidParameterValue|a text and a structure",
                "StartTime=yesterday|InvalidParameterValue|it is a time",
                "StartTime=1e99|InvalidParameterValue|it is a time",
                "StartTime=2031-01-01T00:00:00Z|InvalidParameterValue|not before EndTime",
                "EndTime=|MissingParameter|EndTime is required",
                "MaxDatapoints=100801|InvalidParameterValue|from 1 to 100800",
                "ScanBy=Up|InvalidParameterValue|TimestampAscending",
                "NextToken=0.-1.abc|InvalidNextToken|of another request",
                "Action=PutMetricData|InvalidAction|there is no action",
                "ScanBy=%zz|InvalidParameterValue|hexadecimal",
            })
    void whatIsWrongHasCloudWatchsErrorInXml(String change, String code, String message) {
        String name = change.substring(0, change.indexOf('='));
        List<String> form = new ArrayList<>(List.of(
                "Action=GetMetricData",
                "StartTime=2030-01-31T12:00:00Z",
                "EndTime=2030-01-31T13:00:00Z",
                "MetricDataQueries.member.1.Id=a",
                "MetricDataQueries.member.1.MetricStat.Period=60",
                "MetricDataQueries.member.1.MetricStat.Stat=Sum",
                "MetricDataQueries.member.1.MetricStat.Metric.Namespace=AWS/EBS",
                "MetricDataQueries.member.1.MetricStat.Metric.MetricName=VolumeReadOps"));
        assertThat(answer(String.join("&", form), MultiMap.caseInsensitiveMultiMap())
                        .status())
                .isEqualTo(200);
        form.removeIf(pair -> pair.startsWith(name + "="));
        form.add(change);
        AwsAnswer answer = answer(String.join("&", form), MultiMap.caseInsensitiveMultiMap());
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.body().toString())
                .contains("<Code>" + code + "</Code>")
                .contains(message);
    }

    @Test
    void tooManyQueriesAndBrokenJsonAreRefusedInJson() {
        JsonObject[] queries = new JsonObject[501];
        for (int i = 0; i < queries.length; i++) {
            queries[i] = query("q" + i, "VolumeReadOps", 60, "Sum");
        }
        assertThat(refused(data(queries).encode())).contains("the most are 500");
        assertThat(refused(data(query("q", "A", 60, "Sum"), query("q", "A", 60, "Sum"))
                        .encode()))
                .contains("another query has it");
        assertThat(refused("{\"MetricDataQueries\":")).contains("no JSON object");
        assertThat(refused("{\"MetricDataQueries\":[null]}")).contains("it is a list");
        assertThat(refused("{\"MetricDataQueries\":[7]}")).contains("it is a structure");
    }

    private String refused(String body) {
        AwsAnswer answer = answer(body, target("GetMetricData"));
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.headers()).containsEntry("x-amzn-query-error", "InvalidParameterValue;Sender");
        assertThat(answer.body().toJsonObject().getString("__type")).isEqualTo("InvalidParameterValueException");
        return answer.body().toJsonObject().getString("message");
    }

    private static JsonObject query(String id, String metric, int period, String statistic) {
        JsonObject dimension = new JsonObject().put("Name", "VolumeId").put("Value", VOLUME.toString());
        JsonObject of = new JsonObject()
                .put("Namespace", "AWS/EBS")
                .put("MetricName", metric)
                .put("Dimensions", new JsonArray().add(dimension));
        return new JsonObject()
                .put("Id", id)
                .put(
                        "MetricStat",
                        new JsonObject().put("Metric", of).put("Period", period).put("Stat", statistic));
    }

    private static JsonObject data(JsonObject... queries) {
        return new JsonObject()
                .put("MetricDataQueries", new JsonArray(List.of(queries)))
                .put("StartTime", NOON)
                .put("EndTime", NOON + 86_400.5);
    }

    private JsonObject result(JsonObject data) {
        return ok("GetMetricData", data).getJsonArray("MetricDataResults").getJsonObject(0);
    }

    private JsonObject ok(String action, JsonObject body) {
        AwsAnswer answer = answer(body.encode(), target(action));
        assertThat(answer.status()).as(answer.body().toString()).isEqualTo(200);
        return answer.body().toJsonObject();
    }

    private static MultiMap target(String action) {
        return MultiMap.caseInsensitiveMultiMap().add("X-Amz-Target", "GraniteServiceVersion20100801." + action);
    }

    private AwsAnswer answer(String body, MultiMap headers) {
        return face.answer(new SignedRequest(
                        "POST",
                        "/",
                        List.of(),
                        headers,
                        Buffer.buffer(body),
                        new Caller("AKIDEXAMPLE", Role.READ),
                        "r"))
                .result();
    }
}
