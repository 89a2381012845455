package io.varve.benchmarks;

import io.varve.api.control.Label;
import io.varve.api.control.SnapshotGroupRequest;
import io.varve.api.control.VolumeLimits;
import io.varve.api.control.VolumeRequest;
import io.varve.api.control.VolumeView;
import io.varve.engine.Compression;
import io.varve.engine.VolumeId;
import java.io.IOException;
import java.io.PrintStream;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * Prints how long Describe calls of the EC2 Query API take over 10,000 volumes and as many snapshots, over HTTP on
 * loopback: one client, one call after the other. Run it with a directory on a real disk; it leaves nothing behind.
 */
public final class Ec2DescribeSpeed implements AutoCloseable {
    private static final int VOLUMES = 10_000;
    private static final int AT_ONCE = 100;
    private static final int CALLS = 20;
    private static final int POLLED = 200;
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC);

    private final PrintStream out = System.out;
    private final HttpClient http = HttpClient.newHttpClient();
    private final ServedControlPlane served;

    private Ec2DescribeSpeed(String parent) throws IOException {
        served = new ServedControlPlane(parent);
    }

    /** Runs it; see the class. */
    public static void main(String[] arguments) throws Exception {
        String parent = arguments.length > 0 ? arguments[0] : System.getProperty("java.io.tmpdir");
        try (Ec2DescribeSpeed speed = new Ec2DescribeSpeed(parent)) {
            speed.run();
        }
    }

    private void run() throws Exception {
        List<VolumeId> volumes = createVolumes();
        takeSnapshots(volumes);
        String some = "&Filter.1.Name=tag:team&Filter.1.Value.1=r*&Filter.2.Name=status&Filter.2.Value.1=available"
                + "&Filter.3.Name=size&Filter.3.Value.1=3";
        report("DescribeVolumes, three filters, 143 pass", "DescribeVolumes" + some, 143);
        report("the same, none pass", "DescribeVolumes" + some.replace("r*", "green"), 0);
        report("DescribeVolumes, a page of 1,000", "DescribeVolumes", 1000);
        report("DescribeVolumes, one id", "DescribeVolumes&VolumeId.1=" + volumes.get(POLLED), 1);
        StringBuilder ids = new StringBuilder("DescribeVolumes");
        for (int i = 0; i < POLLED; i++) {
            ids.append("&VolumeId.").append(i + 1).append('=').append(volumes.get(i));
        }
        report("DescribeVolumes, 200 ids", ids.toString(), POLLED);
        report(
                "DescribeSnapshots, three filters, 142 pass",
                "DescribeSnapshots&Filter.1.Name=tag:team&Filter.1.Value.1=r*"
                        + "&Filter.2.Name=status&Filter.2.Value.1=completed&Filter.3.Name=volume-size&Filter.3.Value.1=3",
                142);
        report(
                "DescribeTags, two filters, a page of 1,000",
                "DescribeTags&Filter.1.Name=resource-type"
                        + "&Filter.1.Value.1=volume&Filter.2.Name=key&Filter.2.Value.1=te*",
                1000);
    }

    private static Label label(int number) {
        return new Label(Optional.empty(), Map.of("team", number % 10 == 0 ? "red" : "blue", "number", "n" + number));
    }

    private List<VolumeId> createVolumes() {
        List<CompletableFuture<VolumeView>> made = new ArrayList<>();
        for (int i = 0; i < VOLUMES; i++) {
            made.add(served.control()
                    .volumes()
                    .create(new VolumeRequest(
                            Optional.of(1 + i % 7),
                            Optional.empty(),
                            Optional.empty(),
                            VolumeLimits.NONE,
                            Compression.AUTO,
                            label(i),
                            Optional.empty())));
        }
        return made.stream().map(volume -> volume.join().record().id()).toList();
    }

    /** One of each volume; those of one instant have one label. */
    private void takeSnapshots(List<VolumeId> volumes) {
        for (int i = 0; i < VOLUMES; i += AT_ONCE) {
            List<VolumeId> group = volumes.subList(i, i + AT_ONCE);
            served.control()
                    .snapshots()
                    .createGroup(new SnapshotGroupRequest(
                            new LinkedHashSet<>(group), label(i / AT_ONCE), "", Optional.empty()))
                    .join();
        }
    }

    private void report(String what, String action, int expected) throws Exception {
        double[] millis = new double[CALLS];
        for (int i = 0; i < CALLS; i++) {
            long begun = System.nanoTime();
            String body = call(action);
            millis[i] = (System.nanoTime() - begun) / 1e6;
            int items = body.split("<(volumeId|resourceId)>", -1).length - 1;
            if (items != expected) {
                throw new IllegalStateException("%s: %d items, not %d".formatted(what, items, expected));
            }
        }
        Arrays.sort(millis, 1, CALLS);
        out.printf(
                "%-45s first %6.1f ms, then median %6.1f ms, longest %6.1f ms%n",
                what, millis[0], millis[CALLS / 2], millis[CALLS - 1]);
    }

    private String call(String action) throws Exception {
        String time = TIME.format(Instant.now());
        HttpRequest request = HttpRequest.newBuilder(served.uri("/"))
                .header("Content-Type", "application/x-www-form-urlencoded")
                .header("X-Amz-Date", time)
                .header(
                        "Authorization",
                        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/" + time.substring(0, 8)
                                + "/us-east-1/ec2/aws4_request, SignedHeaders=host;x-amz-date, Signature="
                                + "0".repeat(64))
                .POST(HttpRequest.BodyPublishers.ofString("Version=2016-11-15&Action=" + action))
                .build();
        HttpResponse<String> response = http.send(request, HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() != 200) {
            throw new IllegalStateException(response.body());
        }
        return response.body();
    }

    @Override
    public void close() throws IOException {
        served.close();
    }
}
