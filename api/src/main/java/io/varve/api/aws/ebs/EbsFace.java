package io.varve.api.aws.ebs;

import static io.varve.api.aws.ebs.EbsRequest.invalid;

import io.varve.api.aws.Action;
import io.varve.api.aws.AwsAnswer;
import io.varve.api.aws.AwsRefusal;
import io.varve.api.aws.Echo;
import io.varve.api.aws.Face;
import io.varve.api.aws.SignedRequest;
import io.varve.api.aws.ebs.EbsException.Reason;
import io.varve.api.control.ControlPlane;
import io.varve.api.control.DirectBlocks;
import io.varve.api.control.SnapshotBlocks;
import io.varve.api.control.SnapshotView;
import io.varve.api.control.UploadRequest;
import io.varve.engine.SnapshotId;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The EBS direct APIs in front of {@link ControlPlane#uploads()} and {@link ControlPlane#snapshotBlocks()}. */
public final class EbsFace implements Face {
    /** The service's name in signatures. */
    public static final String SERVICE = "ebs";

    private static final Logger LOG = LoggerFactory.getLogger(EbsFace.class);

    /** The owner of everything: Varve knows no accounts. */
    private static final String OWNER = "000000000000";

    private static final String JSON = "application/json";
    private static final String ERROR_TYPE = "x-amzn-ErrorType";
    private static final String SHA256 = "SHA256";
    private static final String SECRET = "EBS tokens";
    private static final int LEAST_RESULTS = 100;
    private static final int MOST_RESULTS = 10_000;
    private static final int MOST_MESSAGE = 256;
    private static final int ACCESS_DENIED = 403;
    private static final int SERVER_ERRORS = 500;
    private static final int GIB_SHIFT = 30;

    private final ControlPlane control;
    private final EbsTokens tokens;

    /** @param clock by which tokens end */
    public EbsFace(ControlPlane control, InstantSource clock) {
        this.control = control;
        tokens = new EbsTokens(control.secret(SECRET), clock);
    }

    @Override
    public int bodyBytes() {
        return DirectBlocks.BYTES;
    }

    @Override
    public Action action(SignedRequest request) {
        return EbsOperation.of(request.method(), request.path())
                .map(EbsOperation::action)
                .orElse(Action.reading("Unknown"));
    }

    @Override
    public Future<AwsAnswer> answer(SignedRequest request) {
        CompletableFuture<AwsAnswer> answer;
        try {
            answer = operate(request);
        } catch (EbsException e) {
            answer = CompletableFuture.failedFuture(e);
        }
        return Future.fromCompletionStage(
                answer.exceptionally(failure -> refused(request, failure)), Vertx.currentContext());
    }

    private CompletableFuture<AwsAnswer> operate(SignedRequest signed) {
        EbsOperation operation = EbsOperation.of(signed.method(), signed.path())
                .orElseThrow(() -> new EbsException(
                        EbsException.Type.UNKNOWN_OPERATION,
                        Optional.empty(),
                        "there is no operation %s %s".formatted(signed.method(), Echo.quoted(signed.path()))));
        EbsRequest request = new EbsRequest(signed, operation);
        return switch (operation) {
            case START_SNAPSHOT -> start(request);
            case PUT_SNAPSHOT_BLOCK -> put(request);
            case COMPLETE_SNAPSHOT -> complete(request);
            case LIST_SNAPSHOT_BLOCKS -> listBlocks(request);
            case LIST_CHANGED_BLOCKS -> listChanges(request);
            case GET_SNAPSHOT_BLOCK -> get(request);
        };
    }

    private CompletableFuture<AwsAnswer> start(EbsRequest request) {
        UploadRequest upload = StartSnapshot.read(request.signed().body());
        return control.uploads()
                .start(upload)
                .thenApply(id -> started(control.snapshots().describe(id), upload));
    }

    private static AwsAnswer started(SnapshotView snapshot, UploadRequest upload) {
        String id = snapshot.record().id().toString();
        JsonArray tags = new JsonArray();
        snapshot.entry()
                .label()
                .tags()
                .forEach((key, value) ->
                        tags.add(new JsonObject().put("Key", key).put("Value", value)));
        JsonObject json = new JsonObject()
                .put("SnapshotId", id)
                .put("OwnerId", OWNER)
                .put("Status", snapshot.state())
                .put("StartTime", seconds(snapshot.startTime()))
                .put("VolumeSize", snapshot.record().sizeBytes() >> GIB_SHIFT)
                .put("BlockSize", DirectBlocks.BYTES)
                .put("Tags", tags);
        if (!snapshot.entry().description().isEmpty()) {
            json.put("Description", snapshot.entry().description());
        }
        upload.parent().ifPresent(parent -> json.put("ParentSnapshotId", parent.toString()));
        return new AwsAnswer(201, Map.of("Content-Type", JSON), json.toBuffer(), List.of(id));
    }

    private CompletableFuture<AwsAnswer> put(EbsRequest request) {
        SnapshotId snapshot = request.snapshot();
        int index = request.blockIndex();
        Buffer block = request.signed().body();
        request.header("Content-Encoding").ifPresent(encoding -> {
            throw new EbsException(
                    Reason.INVALID_CONTENT_ENCODING,
                    "Content-Encoding %s is refused: blocks come as they are".formatted(Echo.quoted(encoding)));
        });
        int length = request.headerNumber("x-amz-Data-Length", DirectBlocks.BYTES, DirectBlocks.BYTES)
                .orElseThrow(() -> invalid("the header x-amz-Data-Length is missing"));
        if (block.length() != length) {
            throw invalid("a block of %d bytes is refused: it has %d".formatted(block.length(), length));
        }
        byte[] checksum = request.checksum().orElseThrow(() -> invalid("the header x-amz-Checksum is missing"));
        Optional<Integer> progress = request.headerNumber("x-amz-Progress", 0, 100);
        return control.uploads()
                .put(snapshot, index, block, checksum, progress)
                .thenApply(done -> new AwsAnswer(
                        201,
                        Map.of(
                                "x-amz-Checksum",
                                request.requiredHeader("x-amz-Checksum"),
                                "x-amz-Checksum-Algorithm",
                                SHA256),
                        Buffer.buffer()));
    }

    private CompletableFuture<AwsAnswer> complete(EbsRequest request) {
        SnapshotId snapshot = request.snapshot();
        int count = request.headerNumber("x-amz-ChangedBlocksCount", 0, Integer.MAX_VALUE)
                .orElseThrow(() -> invalid("the header x-amz-ChangedBlocksCount is missing"));
        request.header("x-amz-Checksum-Aggregation-Method")
                .filter(method -> !method.equals("LINEAR"))
                .ifPresent(method -> {
                    throw invalid("x-amz-Checksum-Aggregation-Method %s is refused: it is LINEAR"
                            .formatted(Echo.quoted(method)));
                });
        return control.uploads().complete(snapshot, count, request.checksum()).thenApply(done -> {
            JsonObject json = new JsonObject().put("Status", done ? "completed" : "pending");
            return new AwsAnswer(202, Map.of("Content-Type", JSON), json.toBuffer(), List.of(snapshot.toString()));
        });
    }

    private CompletableFuture<AwsAnswer> listBlocks(EbsRequest request) {
        SnapshotId snapshot = request.snapshot();
        String list = "blocks of " + snapshot;
        return control.snapshotBlocks()
                .list(snapshot, from(request, list), most(request))
                .thenApply(page -> {
                    Instant expiry = tokens.blockExpiry();
                    EbsTokens.Issuer issuer = tokens.blocks(snapshot, expiry);
                    JsonArray blocks = new JsonArray();
                    page.items()
                            .forEach(index -> blocks.add(
                                    new JsonObject().put("BlockIndex", index).put("BlockToken", issuer.token(index))));
                    return listed("Blocks", blocks, page, list, expiry);
                });
    }

    private CompletableFuture<AwsAnswer> listChanges(EbsRequest request) {
        SnapshotId second = request.snapshot();
        SnapshotId first = request.query("firstSnapshotId")
                .map(text -> EbsRequest.snapshot("firstSnapshotId", text))
                .orElseThrow(() -> new EbsException(Reason.INVALID_SNAPSHOT_ID, "firstSnapshotId is missing"));
        String list = "changes from " + first + " to " + second;
        return control.snapshotBlocks()
                .changed(first, second, from(request, list), most(request))
                .thenApply(page -> {
                    Instant expiry = tokens.blockExpiry();
                    EbsTokens.Issuer ofFirst = tokens.blocks(first, expiry);
                    EbsTokens.Issuer ofSecond = tokens.blocks(second, expiry);
                    JsonArray blocks = new JsonArray();
                    for (SnapshotBlocks.Change change : page.items()) {
                        JsonObject json = new JsonObject().put("BlockIndex", change.index());
                        if (change.inFirst()) {
                            json.put("FirstBlockToken", ofFirst.token(change.index()));
                        }
                        if (change.inSecond()) {
                            json.put("SecondBlockToken", ofSecond.token(change.index()));
                        }
                        blocks.add(json);
                    }
                    return listed("ChangedBlocks", blocks, page, list, expiry);
                });
    }

    /** A token goes before an index. */
    private int from(EbsRequest request, String list) {
        Optional<Integer> start = request.queryNumber("startingBlockIndex", 0, Integer.MAX_VALUE);
        return request.query("pageToken")
                .map(token -> tokens.next(token, list))
                .or(() -> start)
                .orElse(0);
    }

    private static int most(EbsRequest request) {
        return request.queryNumber("maxResults", LEAST_RESULTS, MOST_RESULTS).orElse(MOST_RESULTS);
    }

    private AwsAnswer listed(String name, JsonArray blocks, SnapshotBlocks.Page<?> page, String list, Instant expiry) {
        JsonObject json = new JsonObject()
                .put(name, blocks)
                .put("ExpiryTime", seconds(expiry))
                .put("VolumeSize", page.sizeBytes() >> GIB_SHIFT)
                .put("BlockSize", DirectBlocks.BYTES);
        page.next().ifPresent(next -> json.put("NextToken", tokens.page(list, next)));
        return new AwsAnswer(200, Map.of("Content-Type", JSON), json.toBuffer());
    }

    private CompletableFuture<AwsAnswer> get(EbsRequest request) {
        SnapshotId snapshot = request.snapshot();
        int index = request.blockIndex();
        String token = request.query("blockToken")
                .orElseThrow(() -> new EbsException(Reason.INVALID_BLOCK_TOKEN, "blockToken is missing"));
        if (control.snapshots().find(snapshot).isPresent()) { // who is not there is told so, whatever the token
            tokens.requireBlock(token, snapshot, index);
        }
        return control.snapshotBlocks()
                .read(snapshot, index)
                .thenApply(block -> new AwsAnswer(
                        200,
                        Map.of(
                                "Content-Type",
                                "application/octet-stream",
                                "x-amz-Data-Length",
                                String.valueOf(block.bytes().length()),
                                "x-amz-Checksum",
                                block.sha256(),
                                "x-amz-Checksum-Algorithm",
                                SHA256),
                        block.bytes()));
    }

    /** Timestamps of REST-JSON are seconds, with a fraction. */
    private static double seconds(Instant time) {
        return time.toEpochMilli() / 1000.0;
    }

    private static AwsAnswer refused(SignedRequest request, Throwable failure) {
        EbsException refusal = EbsException.of(failure);
        if (refusal.type().status() >= SERVER_ERRORS) {
            LOG.error("{} {} failed", request.method(), request.path(), failure);
        }
        return refusal(
                refusal.type().status(),
                refusal.type().text(),
                String.valueOf(refusal.getMessage()),
                refusal.reason().map(Reason::name));
    }

    @Override
    public AwsAnswer refusal(AwsRefusal refusal) {
        return refusal(
                refusal.status(),
                refusal.code(),
                refusal.message(),
                refusal.status() == ACCESS_DENIED ? Optional.of("UNAUTHORIZED_ACCOUNT") : Optional.empty());
    }

    private static AwsAnswer refusal(int status, String type, String message, Optional<String> reason) {
        JsonObject json =
                new JsonObject().put("Message", message.substring(0, Math.min(message.length(), MOST_MESSAGE)));
        reason.ifPresent(text -> json.put("Reason", text));
        return new AwsAnswer(status, Map.of("Content-Type", JSON, ERROR_TYPE, type), json.toBuffer());
    }
}
