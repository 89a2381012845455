package io.varve.nbd;

import io.netty.buffer.ByteBuf;
import io.varve.engine.Volume;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers a client's options and keeps what was agreed (proto.md, "Option types"; extension EXTENDED_HEADERS,
 * NBD_OPT_EXTENDED_HEADERS). Options that we do not know are answered NBD_REP_ERR_UNSUP. Lives on the acceptor's loop.
 */
final class OptionDialogue {
    private static final Logger LOG = LoggerFactory.getLogger(OptionDialogue.class);

    private final HandshakeHandler handshake;
    private final Service service;
    private final Access access;
    private final PayloadReceiver receiver;
    private boolean fixedNewstyle;
    private boolean noZeroes;
    /** Who may open what, once TLS has begun. */
    private Optional<Client> client = Optional.empty();

    private ReplyStyle style = ReplyStyle.SIMPLE;
    /** The contexts selected, and the export they were selected for. */
    private List<MetaContext> contexts = List.of();

    private String contextExport = "";

    /** A client that speaks TLS, by the name in its certificate, and what it may open. */
    private record Client(String name, ClientRules rules) {
        boolean mayOpen(String... names) {
            return rules.allow(name, names);
        }
    }

    OptionDialogue(HandshakeHandler handshake, Service service, Access access, PayloadReceiver receiver) {
        this.handshake = handshake;
        this.service = service;
        this.access = access;
        this.receiver = receiver;
    }

    void setClientFlags(int flags) {
        fixedNewstyle = (flags & HandshakeWire.FLAG_FIXED_NEWSTYLE) != 0;
        noZeroes = (flags & HandshakeWire.FLAG_NO_ZEROES) != 0;
    }

    /** False for an option that has to wait until TLS was started. */
    boolean admits(int option) {
        boolean free = option == HandshakeWire.OPT_STARTTLS || option == HandshakeWire.OPT_ABORT;
        return free || access.tls() != TlsMode.REQUIRED || client.isPresent();
    }

    /** True for an option whose data is looked at. */
    boolean wantsData(int option) {
        return switch (option) {
            case HandshakeWire.OPT_EXPORT_NAME,
                    HandshakeWire.OPT_INFO,
                    HandshakeWire.OPT_GO,
                    HandshakeWire.OPT_LIST_META_CONTEXT,
                    HandshakeWire.OPT_SET_META_CONTEXT -> true;
            default -> false;
        };
    }

    /**
     * Answers an option that {@link #wantsData}.
     *
     * @throws OptionException if it is refused
     */
    void perform(int option, ByteBuf data) {
        switch (option) {
            case HandshakeWire.OPT_EXPORT_NAME -> openByName(data);
            case HandshakeWire.OPT_LIST_META_CONTEXT, HandshakeWire.OPT_SET_META_CONTEXT -> {
                if (option == HandshakeWire.OPT_SET_META_CONTEXT) {
                    contexts = List.of();
                }
                if (!style.hasChunks()) {
                    throw new OptionException(
                            HandshakeWire.REP_ERR_INVALID, "negotiate structured replies or extended headers first");
                }
                findContexts(
                        option, MetaContextQuery.parse(data, service.limits().negotiation()));
            }
            default -> findExport(exportRequest(option, data));
        }
    }

    private ExportRequest exportRequest(int option, ByteBuf data) {
        if (ExportRequest.nameBytes(data) > service.limits().negotiation().nameBytes()) {
            throw new OptionException(HandshakeWire.REP_ERR_TOO_BIG, "export names have 4096 bytes at most");
        }
        Optional<ExportRequest> request = ExportRequest.parse(option, data);
        return request.orElseThrow(() ->
                new OptionException(HandshakeWire.REP_ERR_INVALID, "the lengths in this option contradict each other"));
    }

    /**
     * Answers an option whose data is not looked at, or was too long to be.
     *
     * @throws OptionException if it is refused
     */
    void performWithoutData(int option, long dataBytes) {
        if (option == HandshakeWire.OPT_ABORT) {
            ByteBuf reply = handshake.reply();
            OptionReplies.ack(reply, option);
            handshake.answerAndClose(reply);
            return;
        }
        if (!admits(option)) {
            refuseInTheClear(option);
            return;
        }
        if (option == HandshakeWire.OPT_STARTTLS) {
            startTls(dataBytes);
            return;
        }
        if (wantsData(option)) {
            throw new OptionException(HandshakeWire.REP_ERR_TOO_BIG, "the option is too long");
        }
        boolean known = option == HandshakeWire.OPT_LIST
                || option == HandshakeWire.OPT_STRUCTURED_REPLY
                || option == HandshakeWire.OPT_EXTENDED_HEADERS;
        if (!known) {
            throw new OptionException(HandshakeWire.REP_ERR_UNSUP, "unknown option");
        }
        if (dataBytes > 0) {
            throw new OptionException(HandshakeWire.REP_ERR_INVALID, "this option takes no data");
        }
        switch (option) {
            case HandshakeWire.OPT_LIST -> list();
            case HandshakeWire.OPT_STRUCTURED_REPLY -> agreeOnStructuredReplies();
            default -> {
                style = ReplyStyle.EXTENDED;
                handshake.accept();
            }
        }
    }

    // ---- TLS ----

    /** Says that TLS has to come first; to EXPORT_NAME nothing can be said (proto.md, "FORCEDTLS mode"). */
    private void refuseInTheClear(int option) {
        if (option == HandshakeWire.OPT_EXPORT_NAME) {
            handshake.ctx().close();
        } else {
            throw new OptionException(HandshakeWire.REP_ERR_TLS_REQD, "start TLS first");
        }
    }

    private void startTls(long dataBytes) {
        Tls tls = service.tls().orElse(null);
        if (tls == null || access.tls() == TlsMode.OFF) {
            throw new OptionException(HandshakeWire.REP_ERR_POLICY, "there is no TLS here");
        }
        if (dataBytes > 0 || client.isPresent() || !fixedNewstyle) {
            throw new OptionException(
                    HandshakeWire.REP_ERR_INVALID,
                    client.isPresent() ? "TLS was started already" : "this option takes no data");
        }
        AtomicInteger underWay = service.counters().tlsHandshakes;
        if (underWay.incrementAndGet() > service.limits().negotiation().tlsHandshakes()) {
            underWay.decrementAndGet();
            throw new OptionException(HandshakeWire.REP_ERR_POLICY, "too many handshakes of TLS at once; try again");
        }
        CompletableFuture<Void> over = new CompletableFuture<>();
        handshake.ctx().channel().closeFuture().addListener(closed -> over.complete(null));
        over.whenComplete((nothing, failure) -> underWay.decrementAndGet());
        handshake.await(tls.newEngine(handshake.ctx().alloc()), (engine, failure) -> {
            if (engine == null) {
                over.complete(null);
                LOG.error("no TLS engine", failure);
                handshake.refuse(HandshakeWire.REP_ERR_POLICY, "TLS does not work now; see the server's log");
                return;
            }
            handshake.startTls(engine, tls, () -> {
                over.complete(null);
                begunTls(engine);
            });
        });
    }

    /** Forgets everything that was agreed on in the clear (proto.md, NBD_OPT_STARTTLS). */
    private void begunTls(Tls.Engine engine) {
        style = ReplyStyle.SIMPLE;
        contexts = List.of();
        contextExport = "";
        receiver.encrypted();
        client = Optional.of(new Client(Tls.clientName(engine.engine()), engine.rules()));
    }

    private void agreeOnStructuredReplies() {
        if (style == ReplyStyle.EXTENDED) {
            throw new OptionException(
                    HandshakeWire.REP_ERR_EXT_HEADER_REQD, "extended headers were agreed on and take precedence");
        }
        style = ReplyStyle.STRUCTURED;
        handshake.accept();
    }

    private void list() {
        handshake.awaitLong(service.resolver()::list, (listings, failure) -> {
            if (listings == null) {
                LOG.warn("listing the exports failed", failure);
                handshake.refuse(HandshakeWire.REP_ERR_POLICY, "the exports cannot be listed now");
            } else if (listings.size() > service.limits().negotiation().listedExports()) {
                handshake.refuse(HandshakeWire.REP_ERR_TOO_BIG, "too many exports to list; they can be opened by name");
            } else {
                ByteBuf reply = handshake.reply();
                for (ExportResolver.Listing listing : listings) {
                    if (mayOpen(listing.name())) {
                        OptionReplies.server(reply, listing);
                    }
                }
                OptionReplies.ack(reply, HandshakeWire.OPT_LIST);
                answerIfShort(reply);
            }
        });
    }

    private void answerIfShort(ByteBuf reply) {
        if (reply.readableBytes() > service.limits().negotiation().answerBytes()) {
            reply.release();
            handshake.refuse(HandshakeWire.REP_ERR_TOO_BIG, "there is too much to name; ask for one by its name");
        } else {
            handshake.answer(reply);
        }
    }

    // ---- metadata contexts ----

    private void findContexts(int option, MetaContextQuery query) {
        boolean listing = option == HandshakeWire.OPT_LIST_META_CONTEXT;
        Supplier<CompletableFuture<Found>> question =
                () -> resolve(query.export()).thenCompose(export -> {
                    if (export.isPresent() && query.concernsSnapshots(listing)) {
                        return export.get().history().snapshots().thenApply(snapshots -> new Found(export, snapshots));
                    }
                    return CompletableFuture.completedFuture(new Found(export, List.of()));
                });
        BiConsumer<@Nullable Found, @Nullable Throwable> then = (answer, failure) -> {
            if (answer == null || answer.export().isEmpty()) {
                Refusal refusal = Refusal.of(query.export(), failure);
                handshake.refuse(refusal.type(), refusal.message());
            } else if (listing) {
                listContexts(query, answer.snapshots());
            } else {
                selectContexts(query, answer.export().get(), answer.snapshots());
            }
        };
        if (listing) {
            handshake.awaitLong(question, then);
        } else {
            handshake.await(question.get(), then);
        }
    }

    /** An export, and the snapshots that contexts can name. */
    private record Found(Optional<Export> export, List<String> snapshots) {}

    private void listContexts(MetaContextQuery query, List<String> snapshots) {
        ByteBuf reply = handshake.reply();
        for (String name : query.listed(snapshots)) {
            OptionReplies.context(reply, HandshakeWire.OPT_LIST_META_CONTEXT, 0, name);
        }
        OptionReplies.ack(reply, HandshakeWire.OPT_LIST_META_CONTEXT);
        answerIfShort(reply);
    }

    private void selectContexts(MetaContextQuery query, Export export, List<String> snapshots) {
        List<MetaContext> selected = query.selected(snapshots);
        if (selected.size() > service.limits().negotiation().metaContexts()) {
            handshake.refuse(HandshakeWire.REP_ERR_TOO_BIG, "too many metadata contexts for one client");
            return;
        }
        contexts = selected;
        contextExport = export.id();
        ByteBuf reply = handshake.reply();
        for (int i = 0; i < selected.size(); i++) {
            OptionReplies.context(
                    reply,
                    HandshakeWire.OPT_SET_META_CONTEXT,
                    i + 1,
                    selected.get(i).name());
        }
        OptionReplies.ack(reply, HandshakeWire.OPT_SET_META_CONTEXT);
        handshake.answer(reply);
    }

    /** What was selected, if it was for this export. */
    private List<MetaContext> contextsOf(Export export) {
        return contextExport.equals(export.id()) ? contexts : List.of();
    }

    // ---- exports ----

    private boolean mayOpen(String... names) {
        return client.map(known -> known.mayOpen(names)).orElse(true);
    }

    /** The export of that name, if the client may open it: what it may not, it does not learn of. */
    private CompletableFuture<Optional<Export>> resolve(String name) {
        return service.resolver()
                .resolve(name)
                .thenApply(export -> export.filter(found -> mayOpen(found.id(), found.name(), name)));
    }

    private boolean readOnly(boolean export) {
        return export || access.readOnly();
    }

    private void openByName(ByteBuf data) {
        if (style == ReplyStyle.EXTENDED) {
            handshake.violation("an EXPORT_NAME, which it must not with extended headers");
        } else {
            findExport(ExportRequest.byName(data, data.readableBytes()));
        }
    }

    private void findExport(ExportRequest request) {
        handshake.await(resolve(request.name()), (export, failure) -> {
            if (export == null || export.isEmpty()) {
                refuse(request, export == null ? failure : null);
            } else if (request.opens()) {
                open(request, export.get());
            } else {
                describe(request, export.get());
            }
        });
    }

    private void describe(ExportRequest request, Export export) {
        ByteBuf reply = handshake.reply();
        boolean selected = !contextsOf(export).isEmpty();
        int flags = TransmissionWire.transmissionFlags(readOnly(export.readOnly()), style, selected);
        OptionReplies.infos(reply, request, export, export.sizeBytes(), flags, service.limits());
        handshake.answer(reply);
    }

    private void open(ExportRequest request, Export export) {
        CompletableFuture<Session> opened = export.opener().get().thenCompose(volume -> openContexts(export, volume));
        handshake.await(opened, Session::release, (session, failure) -> {
            if (session == null) {
                refuse(request, failure);
            } else {
                handshake.leave();
                new Opening(handshake, service, receiver, session)
                        .begin(handshake.ctx(), opening(request, export, session));
            }
        });
    }

    private CompletableFuture<Session> openContexts(Export export, Volume volume) {
        return ContextOpening.open(contextsOf(export), volume, export.history()).handle((open, failure) -> {
            if (open == null) {
                volume.release();
                throw Refusal.rethrown(failure);
            }
            boolean readOnly = readOnly(export.readOnly() || volume.readOnly());
            return new Session(export.id(), volume, readOnly, style, open);
        });
    }

    private ByteBuf opening(ExportRequest request, Export export, Session session) {
        ByteBuf reply = handshake.reply();
        long sizeBytes = session.volume().sizeBytes();
        boolean selected = !session.contexts().isEmpty();
        int flags = TransmissionWire.transmissionFlags(session.readOnly(), style, selected);
        if (request.option() == HandshakeWire.OPT_EXPORT_NAME) {
            OptionReplies.opening(reply, sizeBytes, flags, noZeroes);
        } else {
            OptionReplies.infos(reply, request, export, sizeBytes, flags, service.limits());
        }
        return reply;
    }

    private void refuse(ExportRequest request, @Nullable Throwable failure) {
        Refusal refusal = Refusal.of(request.name(), failure);
        if (request.option() == HandshakeWire.OPT_EXPORT_NAME) {
            // This option has no way to say no (proto.md, NBD_OPT_EXPORT_NAME).
            handshake.ctx().close();
        } else {
            handshake.refuse(refusal.type(), refusal.message());
        }
    }
}
