package io.varve.api.aws;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.varve.api.BlockIo;
import io.varve.api.ManualClock;
import io.varve.api.TestEngine;
import io.varve.api.access.AuditLog;
import io.varve.api.access.Role;
import io.varve.api.aws.cloudwatch.CloudWatchFace;
import io.varve.api.aws.cloudwatch.MetricSamples;
import io.varve.engine.VolumeId;
import io.varve.testing.RequiresTools;
import io.varve.testing.Tools;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The clients that people have read what a real volume did, over HTTP and with signatures that are checked. */
@Tag("slow")
class CloudWatchClientsTest {
    private static final Duration AMPLE = Duration.ofMinutes(2);
    private static final VolumeId VOLUME = VolumeId.parse("vol-00000000000000001");
    private static final String PYTHON = "/usr/bin/python3";

    @TempDir
    private Path directory;

    private final Vertx vertx = Vertx.vertx();
    private TestEngine engine;
    private AuditLog audit;
    private String endpoint;

    @BeforeEach
    void start() throws IOException {
        engine = TestEngine.open(Files.createDirectory(directory.resolve("data")));
        audit = new AuditLog(directory, InstantSource.system());
        ManualClock clock = new ManualClock();
        MetricSamples samples = MetricSamples.of(engine.store(), clock);
        engine.store().createVolume(VOLUME, 1 << 30).join();
        BlockIo.write(engine.store(), VOLUME, 0, new byte[8192]);
        BlockIo.write(engine.store(), VOLUME, 1 << 20, new byte[4096]);
        BlockIo.read(engine.store(), VOLUME, 0, 4096);
        clock.advance(Duration.ofMinutes(1));
        samples.tick();
        BlockIo.write(engine.store(), VOLUME, 0, new byte[4096]);
        clock.advance(Duration.ofMinutes(1));
        samples.tick();
        OneKey keys = new OneKey();
        keys.shut(Role.READ);
        AwsGate gate = new AwsGate(
                Map.of(CloudWatchFace.SERVICE, new CloudWatchFace(samples)), keys, audit, InstantSource.system());
        endpoint = "http://127.0.0.1:"
                + vertx.createHttpServer()
                        .requestHandler(gate::handle)
                        .listen(0, "127.0.0.1")
                        .toCompletionStage()
                        .toCompletableFuture()
                        .join()
                        .actualPort();
    }

    @AfterEach
    void stop() {
        vertx.close().toCompletionStage().toCompletableFuture().join();
        audit.close();
        engine.close();
    }

    @Test
    @RequiresTools("aws")
    void theCommandLineReadsThem() {
        JsonObject statistic = new JsonObject()
                .put("Stat", "Sum")
                .put("Period", 60)
                .put(
                        "Metric",
                        new JsonObject()
                                .put("Namespace", "AWS/EBS")
                                .put("MetricName", "VolumeWriteOps")
                                .put(
                                        "Dimensions",
                                        new JsonArray()
                                                .add(new JsonObject()
                                                        .put("Name", "VolumeId")
                                                        .put("Value", VOLUME.toString()))));
        String queries = new JsonArray()
                .add(new JsonObject().put("Id", "writes").put("MetricStat", statistic))
                .encode();
        JsonObject data = aws(
                "get-metric-data",
                "--start-time",
                "2030-01-31T12:00:00Z",
                "--end-time",
                "2030-01-31T13:00:00Z",
                "--metric-data-queries",
                queries);
        JsonObject result = data.getJsonArray("MetricDataResults").getJsonObject(0);
        assertThat(result.getString("Id")).isEqualTo("writes");
        assertThat(result.getJsonArray("Values"))
                .isEqualTo(new JsonArray().add(1.0).add(2.0));
        assertThat(result.getJsonArray("Timestamps"))
                .containsExactly("2030-01-31T12:01:00+00:00", "2030-01-31T12:00:00+00:00");

        JsonArray points = aws(
                        "get-metric-statistics",
                        "--namespace",
                        "AWS/EBS",
                        "--metric-name",
                        "VolumeWriteBytes",
                        "--dimensions",
                        "Name=VolumeId,Value=" + VOLUME,
                        "--start-time",
                        "2030-01-31T12:00:00Z",
                        "--end-time",
                        "2030-01-31T13:00:00Z",
                        "--period",
                        "300",
                        "--statistics",
                        "Sum",
                        "SampleCount")
                .getJsonArray("Datapoints");
        assertThat(points).hasSize(1);
        assertThat(points.getJsonObject(0).getDouble("Sum")).isEqualTo(16_384);
        assertThat(points.getJsonObject(0).getDouble("SampleCount")).isEqualTo(2);
        assertThat(points.getJsonObject(0).getString("Unit")).isEqualTo("Bytes");
        assertThat(aws("list-metrics", "--metric-name", "VolumeReadOps").getJsonArray("Metrics"))
                .hasSize(1);
        assertThat(run("/usr/bin/aws", "--endpoint-url", endpoint, "cloudwatch", "list-dashboards")
                        .errors())
                .contains("InvalidAction");
    }

    @Test
    @RequiresTools("python3")
    void boto3ReadsThemInPages() {
        boolean required = "1".equals(System.getenv("VARVE_REQUIRE_TOOLS"));
        assumeTrue(
                required || Tools.run(AMPLE, PYTHON, "-c", "import boto3").exitCode() == 0,
                "needs boto3 (sudo apt-get install python3-boto3)");
        String script = """
                import boto3, sys, datetime
                c = boto3.client('cloudwatch', endpoint_url=sys.argv[1])
                dimensions = [{'Name': 'VolumeId', 'Value': sys.argv[2]}]
                metric = {'Namespace': 'AWS/EBS', 'MetricName': 'VolumeReadBytes', 'Dimensions': dimensions}
                query = {'Id': 'q', 'MetricStat': {'Metric': metric, 'Period': 60, 'Stat': 'Sum'}}
                start = datetime.datetime(2030, 1, 31, 12)
                pages = c.get_paginator('get_metric_data').paginate(MetricDataQueries=[query], StartTime=start,
                    EndTime=start + datetime.timedelta(hours=1), PaginationConfig={'PageSize': 1})
                print([value for page in pages for r in page['MetricDataResults'] for value in r['Values']])
                try:
                    c.get_metric_data(MetricDataQueries=[dict(Id='m', Expression='q*2')], StartTime=start, EndTime=start)
                except c.exceptions.ClientError as e:
                    print(e.response['Error']['Code'])
                """;
        assertThat(run(PYTHON, "-c", script, endpoint, VOLUME.toString())
                        .succeeded()
                        .output()
                        .lines())
                .containsExactly("[0.0, 4096.0]", "InvalidParameterValue");
    }

    private JsonObject aws(String... arguments) {
        List<String> command =
                new ArrayList<>(List.of("/usr/bin/aws", "--output", "json", "--endpoint-url", endpoint, "cloudwatch"));
        command.addAll(List.of(arguments));
        return new JsonObject(run(command.toArray(String[]::new)).succeeded().output());
    }

    private static Tools.Finished run(String... arguments) {
        List<String> command = new ArrayList<>(List.of(
                "env",
                "AWS_ACCESS_KEY_ID=" + OneKey.ID,
                "AWS_SECRET_ACCESS_KEY=" + OneKey.SECRET,
                "AWS_DEFAULT_REGION=us-east-1",
                "AWS_EC2_METADATA_DISABLED=true",
                "AWS_CONFIG_FILE=/dev/null"));
        command.addAll(List.of(arguments));
        return Tools.run(AMPLE, command.toArray(String[]::new));
    }
}
