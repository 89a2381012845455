package io.varve.api.rest;

import io.varve.api.access.Access;
import io.varve.api.aws.AwsGate;
import io.varve.api.aws.Face;
import io.varve.api.control.Connections;
import io.varve.api.control.ControlPlane;
import io.varve.api.control.ErrorCode;
import io.varve.api.control.RequestException;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.file.FileSystemOptions;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.BodyHandler;
import java.time.Clock;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The REST API. Routes and checks come from the {@link Contract}; one loop carries all of it, the work is done on the
 * control plane's threads.
 */
public final class RestServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RestServer.class);
    private static final long CLOSE_SECONDS = 10;
    private static final String JSON = "application/json";

    /** The one operation whose answer does not end. */
    private static final String LISTEN = "listenToEvents";

    private final Vertx vertx;
    private final Contract contract = Contract.load();
    private final Operations operations = new Operations();
    private final RestAddress address;
    private final Optional<HttpTls> tls;
    private final SlowClients slowClients = new SlowClients(RestLimits.PATIENCE_MILLIS);
    private final HostGuard guard;
    private final Doors doors;
    private final AwsGate aws;
    private final EventStream eventStream;
    private final Transfers transfers;
    private volatile String state = "starting";
    private volatile int port;

    private RestServer(
            RestAddress address,
            ControlPlane control,
            Connections connections,
            NbdAddress nbd,
            Access access,
            Map<String, Face> faces,
            Supplier<String> metrics) {
        vertx = Vertx.builder()
                .withTransport(BoundedTransport.accepting(RestLimits.CONNECTIONS))
                .with(new VertxOptions()
                        .setEventLoopPoolSize(1)
                        .setWorkerPoolSize(2)
                        .setInternalBlockingPoolSize(1)
                        .setFileSystemOptions(new FileSystemOptions()
                                .setFileCachingEnabled(false)
                                .setClassPathResolvingEnabled(false)))
                .build();
        this.address = address;
        tls = address.tls().map(HttpTls::new);
        guard = tls.isPresent() ? HostGuard.https(address.host(), tls.get()::names) : HostGuard.http(address.host());
        doors = new Doors(access, contract);
        aws = new AwsGate(faces, access.credentials(), access.audit(), Clock.systemUTC());
        eventStream = new EventStream(
                vertx,
                control.events(),
                HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong()));
        Documents documents = new Documents(nbd);
        VolumeOperations volumes = new VolumeOperations(control.volumes(), documents);
        volumes.addTo(operations, connections);
        volumes.addBinTo(operations);
        SnapshotOperations snapshots = new SnapshotOperations(control.snapshots(), documents);
        snapshots.addTo(operations, connections);
        snapshots.addLocksAndBinTo(operations);
        new RetentionRuleOperations(control.retentionRules()).addTo(operations);
        transfers = new Transfers(vertx, control, (request, problem) -> sendProblem(request, problem));
        Waits waits = new Waits(vertx, control.events());
        new ImportOperations(control.imports(), waits).addTo(operations);
        new ExportOperations(control.diskImageExports(), waits).addTo(operations);
        new InstanceOperations(control.instances(), control.instanceLaunches(), waits).addTo(operations, connections);
        ImageOperations images = new ImageOperations(control.images(), control.imageLaunches(), documents);
        images.addTo(operations);
        images.addInstancesTo(operations, control.instanceImages());
        images.addCopiesTo(operations, control.imageCopies());
        new LifecyclePolicyOperations(control.lifecyclePolicies()).addTo(operations);
        new CredentialOperations(
                        access.credentials(),
                        task -> vertx.<Void>executeBlocking(() -> {
                            task.run();
                            return null;
                        }))
                .addTo(operations);
        operations.addPrompt(
                "describeStore",
                call -> Answer.json(
                        200,
                        documents.store(
                                control.usage(), control.scrub(), control.storeLimits(), control.waitingVolumes())));
        operations.addPrompt("contract", call -> Answer.text(JSON, contract.text()));
        operations.addPrompt("metrics", call -> Answer.text("text/plain; version=0.0.4; charset=utf-8", metrics.get()));
        operations.addPrompt("health", call -> Answer.json(200, new JsonObject().put("status", "ok")));
        operations.addPrompt(
                "readiness",
                call -> Answer.json(state.equals("ok") ? 200 : 503, new JsonObject().put("status", state)));
    }

    /**
     * Starts to listen; not {@linkplain #ready ready} yet. Blocks.
     *
     * @param nbd where volumes are reached, for the answers
     * @param access who may call
     * @param faces the AWS services
     * @param metrics gives the text of /metrics
     * @throws java.util.concurrent.CompletionException if the address cannot be listened on
     * @throws IllegalArgumentException if the files for TLS cannot be used
     */
    public static RestServer start(
            RestAddress address,
            ControlPlane control,
            Connections connections,
            NbdAddress nbd,
            Access access,
            Map<String, Face> faces,
            Supplier<String> metrics) {
        RestServer server = new RestServer(address, control, connections, nbd, access, faces, metrics);
        try {
            server.listen();
            return server;
        } catch (RuntimeException e) {
            server.close();
            throw e;
        }
    }

    private void listen() {
        HttpServerOptions options = new HttpServerOptions()
                .setMaxInitialLineLength(RestLimits.REQUEST_LINE_BYTES)
                .setMaxHeaderSize(RestLimits.HEADER_BYTES)
                .setIdleTimeout(RestLimits.IDLE_SECONDS)
                .setIdleTimeoutUnit(TimeUnit.SECONDS)
                .setHttp2ClearTextEnabled(false);
        tls.ifPresent(files -> files.applyTo(options));
        HttpServer http = vertx.createHttpServer(options).requestHandler(router());
        slowClients.watch(vertx, http);
        String interfaceAddress = address.address().getAddress().getHostAddress();
        port = await(http.listen(address.address().getPort(), interfaceAddress)).actualPort();
        tls.ifPresent(files -> files.watch(vertx, http));
    }

    /** The real port. */
    public int port() {
        return port;
    }

    /** From now on /readyz says yes. */
    public void ready() {
        state = "ok";
    }

    /** From now on /readyz says no. */
    public void stopping() {
        state = "stopping";
    }

    /** Stops listening. Blocks. */
    @Override
    public void close() {
        transfers.close();
        await(vertx.close());
    }

    private static <T> T await(Future<T> future) {
        return future.toCompletionStage()
                .toCompletableFuture()
                .orTimeout(CLOSE_SECONDS, TimeUnit.SECONDS)
                .join();
    }

    private Router router() {
        Router router = Router.router(vertx);
        router.route().handler(this::admit);
        streamed(router, "exportSnapshot", this::export);
        streamed(router, "sendImportData", this::receive);
        streamed(router, LISTEN, this::listen);
        router.route().handler(BodyHandler.create(false).setBodyLimit(RestLimits.BODY_BYTES));
        for (Contract.Operation operation : contract.operations()) {
            router.route(HttpMethod.valueOf(operation.method()), operation.routePath())
                    .handler(context -> serve(context, operation));
        }
        router.errorHandler(404, context -> fail(context, Problems.unknownPath(context.normalizedPath())));
        router.errorHandler(405, this::refuseMethod);
        router.errorHandler(413, context -> fail(context, Problems.tooLarge()));
        router.errorHandler(200, context -> fail(context, Problems.badRequest(context.failure()))); // a broken body
        router.errorHandler(400, context -> fail(context, Problems.badRequest(context.failure())));
        router.errorHandler(500, context -> fail(context, context.failure()));
        return router;
    }

    private void admit(RoutingContext context) {
        slowClients.received(context.request(), isImportData(context));
        try {
            guard.check(context.request());
            if (!isNative(context.request().path()) && aws.takes(context.request())) {
                aws.handle(context.request());
                return;
            }
            doors.authenticate(context);
            requireJson(context);
            context.next();
        } catch (RequestException e) {
            fail(context, e);
        }
    }

    /** True for what the contract has, and for all that it may have one day. */
    private boolean isNative(String path) {
        return path.startsWith("/v1/")
                || contract.operations().stream()
                        .anyMatch(operation -> operation.path().equals(path));
    }

    private static void requireJson(RoutingContext context) {
        String method = context.request().method().name();
        String type = context.request().getHeader("Content-Type");
        if (isImportData(context)) {
            return; // not a type that a web page could send unasked
        }
        boolean change = method.equals("POST") || method.equals("PATCH") || method.equals("PUT");
        if ((change || type != null) && !isJson(type)) {
            throw new RequestException(
                    ErrorCode.UNSUPPORTED_MEDIA_TYPE,
                    "Content-Type %s is refused: changes are sent as %s".formatted(Echo.json(type), JSON));
        }
    }

    private static boolean isImportData(RoutingContext context) {
        return context.request().method().equals(HttpMethod.PATCH)
                && context.normalizedPath().matches("/v1/imports/[^/]+/data")
                && "application/octet-stream".equals(context.request().getHeader("Content-Type"));
    }

    private static boolean isJson(@Nullable String contentType) {
        return contentType != null
                && contentType.split(";", 2)[0].trim().toLowerCase(Locale.ROOT).equals(JSON);
    }

    private void serve(RoutingContext context, Contract.Operation operation) {
        doors.noted(
                        context,
                        operation,
                        answer(context, operation),
                        failure -> Problems.of(failure).code().status())
                .whenComplete((value, failure) -> vertx.runOnContext(loop -> {
                    if (failure == null) {
                        send(context, value);
                    } else {
                        fail(context, failure);
                    }
                }));
    }

    private CompletableFuture<Answer> answer(RoutingContext context, Contract.Operation operation) {
        try {
            doors.requireRole(context, operation);
            JsonObject body = operation
                    .bodySchema()
                    .map(schema -> BodyCheck.parse(body(context), contract.validator(schema)))
                    .orElseGet(JsonObject::new);
            Call call = new Call(context, body, new Query(context.queryParams(), operation));
            return operations.run(operation.id(), call);
        } catch (RuntimeException e) { // the edge of a request
            return CompletableFuture.failedFuture(e);
        }
    }

    /** An operation whose bytes or events go by as they come. It is tried before those that want the body whole. */
    private void streamed(Router router, String operationId, BiConsumer<RoutingContext, Contract.Operation> handler) {
        Contract.Operation operation = contract.operations().stream()
                .filter(candidate -> candidate.id().equals(operationId))
                .findFirst()
                .orElseThrow();
        router.route(HttpMethod.valueOf(operation.method()), operation.routePath())
                .handler(context -> {
                    try {
                        doors.requireRole(context, operation);
                        handler.accept(context, operation);
                    } catch (RuntimeException e) { // the edge of a request
                        fail(context, e);
                    }
                });
    }

    private void listen(RoutingContext context, Contract.Operation operation) {
        eventStream.open(context.request());
    }

    private void export(RoutingContext context, Contract.Operation operation) {
        transfers.send(
                context.request(),
                Requests.snapshotId("snapshotId", context.pathParam("snapshotId")),
                new Query(context.queryParams(), operation));
    }

    private void receive(RoutingContext context, Contract.Operation operation) {
        transfers.receive(context.request(), ImportOperations.id(context.pathParam("importId")));
    }

    private static String body(RoutingContext context) {
        return Optional.ofNullable(context.body().asString()).orElse("");
    }

    private static void send(RoutingContext context, Answer answer) {
        send(context.response(), answer);
    }

    private static void send(HttpServerResponse response, Answer answer) {
        if (response.ended() || response.closed()) {
            return;
        }
        response.setStatusCode(answer.status()).putHeader("X-Content-Type-Options", "nosniff");
        answer.headers().forEach(response::putHeader);
        if (answer.contentType().isEmpty()) {
            response.end();
        } else {
            response.putHeader("Content-Type", answer.contentType()).end(answer.body());
        }
    }

    private void refuseMethod(RoutingContext context) {
        String path = context.normalizedPath();
        String allowed = contract.operations().stream()
                .filter(operation -> path.matches(operation.path().replaceAll("\\{\\w+}", "[^/]+")))
                .map(Contract.Operation::method)
                .collect(Collectors.joining(", "));
        context.response().putHeader("Allow", allowed);
        fail(
                context,
                new RequestException(
                        ErrorCode.METHOD_NOT_ALLOWED,
                        "%s is not allowed on %s, only %s"
                                .formatted(context.request().method(), Echo.shorten(path), allowed)));
    }

    private static void fail(RoutingContext context, @Nullable Throwable failure) {
        sendProblem(context.request(), failure);
    }

    private static void sendProblem(HttpServerRequest request, @Nullable Throwable failure) {
        RequestException problem = Problems.of(failure);
        if (problem.code() == ErrorCode.INTERNAL_ERROR) {
            LOG.error("{} {} failed", request.method(), request.path(), failure);
        }
        if (problem.code() == ErrorCode.AUTH_FAILURE) {
            request.response().putHeader("WWW-Authenticate", "Bearer realm=\"varve\"");
        }
        send(
                request.response(),
                Answer.problem(
                        problem.code().status(),
                        Documents.problem(problem.code(), String.valueOf(problem.getMessage()))));
    }
}
