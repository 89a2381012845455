package io.varve.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vertx.core.json.JsonObject;
import java.net.URI;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.ResponseBytes;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.ebs.EbsClient;
import software.amazon.awssdk.services.ebs.model.Block;
import software.amazon.awssdk.services.ebs.model.ChangedBlock;
import software.amazon.awssdk.services.ebs.model.ChecksumAggregationMethod;
import software.amazon.awssdk.services.ebs.model.ChecksumAlgorithm;
import software.amazon.awssdk.services.ebs.model.CompleteSnapshotResponse;
import software.amazon.awssdk.services.ebs.model.ConflictException;
import software.amazon.awssdk.services.ebs.model.GetSnapshotBlockResponse;
import software.amazon.awssdk.services.ebs.model.ListChangedBlocksRequest;
import software.amazon.awssdk.services.ebs.model.PutSnapshotBlockResponse;
import software.amazon.awssdk.services.ebs.model.ResourceNotFoundException;
import software.amazon.awssdk.services.ebs.model.StartSnapshotResponse;
import software.amazon.awssdk.services.ebs.model.Status;
import software.amazon.awssdk.services.ebs.model.Tag;
import software.amazon.awssdk.services.ebs.model.ValidationException;
import software.amazon.awssdk.services.ebs.model.ValidationExceptionReason;

/** The AWS SDK for Java against the EBS direct APIs. */
class EbsSdkTest {
    private static final int BLOCK = 512 << 10;

    @TempDir
    private Path directory;

    private final SplittableRandom random = new SplittableRandom(5);
    private RunningServer server;
    private EbsClient ebs;

    @BeforeEach
    void start() {
        server = RunningServer.on(directory);
        ebs = EbsClient.builder()
                .endpointOverride(URI.create(server.daemon().apiUri()))
                .region(Region.US_EAST_1)
                .credentialsProvider(
                        StaticCredentialsProvider.create(AwsBasicCredentials.create("AKIDEXAMPLE", "secret")))
                .httpClient(UrlConnectionHttpClient.create())
                .build();
    }

    @AfterEach
    void stop() {
        ebs.close();
        server.close();
    }

    @Test
    void aSnapshotGoesUpAndComesDownAgain() {
        StartSnapshotResponse started = ebs.startSnapshot(request -> request.volumeSize(1L)
                .description("from elsewhere")
                .clientToken("once")
                .timeout(10)
                .tags(Tag.builder().key("team").value("red").build()));
        assertThat(started.status()).isEqualTo(Status.PENDING);
        assertThat(started.blockSize()).isEqualTo(BLOCK);
        assertThat(started.volumeSize()).isEqualTo(1);
        assertThat(started.tags())
                .containsExactly(Tag.builder().key("team").value("red").build());
        assertThat(started.description()).isEqualTo("from elsewhere");
        String id = started.snapshotId();
        List<byte[]> blocks = List.of(noise(), noise(), noise());
        int[] places = {0, 700, 2047};
        for (int i = 0; i < places.length; i++) {
            PutSnapshotBlockResponse put = put(id, places[i], blocks.get(i), 30 * i);
            assertThat(put.checksum()).isEqualTo(base64(sha256(blocks.get(i))));
        }
        JsonObject shown = server.api().get("/v1/snapshots/" + id).body();
        assertThat(shown.getString("state")).isEqualTo("pending");
        assertThat(shown.getInteger("progressPercent")).isEqualTo(60);

        CompleteSnapshotResponse completed = ebs.completeSnapshot(request -> request.snapshotId(id)
                .changedBlocksCount(3)
                .checksum(linear(blocks))
                .checksumAlgorithm(ChecksumAlgorithm.SHA256)
                .checksumAggregationMethod(ChecksumAggregationMethod.LINEAR));
        assertThat(completed.status()).isEqualTo(Status.COMPLETED);
        JsonObject after = server.api().get("/v1/snapshots/" + id).body();
        assertThat(after.getString("state")).isEqualTo("completed");
        assertThat(after.getJsonObject("tags").getString("team")).isEqualTo("red");

        List<Block> listed = ebs
                .listSnapshotBlocksPaginator(request -> request.snapshotId(id).maxResults(100))
                .stream()
                .flatMap(page -> page.blocks().stream())
                .toList();
        assertThat(listed).extracting(Block::blockIndex).containsExactly(0, 700, 2047);
        for (int i = 0; i < places.length; i++) {
            String token = listed.get(i).blockToken();
            assertThat(token).hasSizeLessThanOrEqualTo(256).matches("[A-Za-z0-9+/=]+");
            int index = places[i];
            ResponseBytes<GetSnapshotBlockResponse> got = ebs.getSnapshotBlockAsBytes(
                    request -> request.snapshotId(id).blockIndex(index).blockToken(token));
            assertThat(got.asByteArray()).isEqualTo(blocks.get(i));
            assertThat(got.response().checksum()).isEqualTo(base64(sha256(blocks.get(i))));
            assertThat(got.response().dataLength()).isEqualTo(BLOCK);
        }
    }

    @Test
    void theDifferenceOfTwoSnapshotsIsTheBlocksThatWereChanged() {
        String first = uploaded(null, 0, 1, 2);
        String second = uploaded(first, 2, 300);
        List<ChangedBlock> changes = ebs
                .listChangedBlocksPaginator(ListChangedBlocksRequest.builder()
                        .firstSnapshotId(first)
                        .secondSnapshotId(second)
                        .build())
                .stream()
                .flatMap(page -> page.changedBlocks().stream())
                .toList();
        assertThat(changes).extracting(ChangedBlock::blockIndex).containsExactly(2, 300);
        assertThat(changes.get(0).firstBlockToken()).isNotNull();
        assertThat(changes.get(1).firstBlockToken()).isNull();
        assertThat(changes.get(1).secondBlockToken()).isNotNull();
        byte[] old = ebs.getSnapshotBlockAsBytes(request -> request.snapshotId(first)
                        .blockIndex(2)
                        .blockToken(changes.get(0).firstBlockToken()))
                .asByteArray();
        byte[] now = ebs.getSnapshotBlockAsBytes(request -> request.snapshotId(second)
                        .blockIndex(2)
                        .blockToken(changes.get(0).secondBlockToken()))
                .asByteArray();
        assertThat(now).isNotEqualTo(old);
        assertThatThrownBy(() -> ebs.getSnapshotBlockAsBytes(request -> request.snapshotId(second)
                        .blockIndex(2)
                        .blockToken(changes.get(0).firstBlockToken())))
                .isInstanceOf(ValidationException.class);
        String stranger = uploaded(null, 5);
        assertThat(reason(() -> ebs.listChangedBlocks(
                        request -> request.firstSnapshotId(first).secondSnapshotId(stranger))))
                .isEqualTo(ValidationExceptionReason.UNRELATED_SNAPSHOTS);
    }

    @Test
    void errorsComeAsTheModelsExceptions() {
        assertThatThrownBy(() -> ebs.listSnapshotBlocks(request -> request.snapshotId("snap-00000000000000000")))
                .isInstanceOf(ResourceNotFoundException.class);
        ebs.startSnapshot(request -> request.volumeSize(1L).clientToken("one"));
        assertThatThrownBy(() ->
                        ebs.startSnapshot(request -> request.volumeSize(2L).clientToken("one")))
                .isInstanceOf(ConflictException.class);
        assertThat(reason(() -> ebs.startSnapshot(request -> request.volumeSize(65_537L))))
                .isEqualTo(ValidationExceptionReason.INVALID_VOLUME_SIZE);
    }

    private static ValidationExceptionReason reason(Runnable call) {
        return catchThrowableOfType(ValidationException.class, call::run).reason();
    }

    private String uploaded(String parent, int... places) {
        String id = ebs.startSnapshot(request -> request.volumeSize(1L).parentSnapshotId(parent))
                .snapshotId();
        Arrays.stream(places).forEach(place -> put(id, place, noise(), 0));
        ebs.completeSnapshot(request -> request.snapshotId(id).changedBlocksCount(places.length));
        return id;
    }

    private PutSnapshotBlockResponse put(String id, int index, byte[] bytes, int progress) {
        return ebs.putSnapshotBlock(
                request -> request.snapshotId(id)
                        .blockIndex(index)
                        .dataLength(BLOCK)
                        .progress(progress)
                        .checksum(base64(sha256(bytes)))
                        .checksumAlgorithm(ChecksumAlgorithm.SHA256),
                RequestBody.fromBytes(bytes));
    }

    private byte[] noise() {
        byte[] bytes = new byte[BLOCK];
        random.nextBytes(bytes);
        return bytes;
    }

    private static String linear(List<byte[]> blocks) {
        List<Byte> all = new ArrayList<>();
        for (byte[] block : blocks) {
            for (byte b : sha256(block)) {
                all.add(b);
            }
        }
        byte[] bytes = new byte[all.size()];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = all.get(i);
        }
        return base64(sha256(bytes));
    }

    private static byte[] sha256(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    private static String base64(byte[] bytes) {
        return Base64.getEncoder().encodeToString(bytes);
    }
}
