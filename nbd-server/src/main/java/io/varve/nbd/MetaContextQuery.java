package io.varve.nbd;

import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * What a client asks for with LIST_META_CONTEXT and SET_META_CONTEXT (proto.md, "Option types", "Metadata querying").
 *
 * @param export the export's name
 * @param queries names of contexts, or, to list, beginnings of names that end with a colon
 */
record MetaContextQuery(String export, List<String> queries) {
    /** How many contexts of one kind a list names; the beginning of their names stands for the rest. */
    private static final int LISTED_SNAPSHOTS = 1024;

    /**
     * Reads the option's data whole.
     *
     * @throws OptionException TOO_BIG or INVALID
     */
    static MetaContextQuery parse(ByteBuf data, NbdLimits.Negotiation limits) {
        String export = text(data, limits.nameBytes());
        long count = number(data);
        if (count > limits.metaQueries()) {
            throw new OptionException(HandshakeWire.REP_ERR_TOO_BIG, "too many queries in one option");
        }
        List<String> queries = new ArrayList<>();
        for (long i = 0; i < count; i++) {
            String query = text(data, limits.nameBytes());
            if (query.indexOf(':') < 1) {
                throw new OptionException(
                        HandshakeWire.REP_ERR_INVALID, "a query is a namespace, a colon and a leaf name");
            }
            queries.add(query);
        }
        if (data.isReadable()) {
            throw contradiction();
        }
        return new MetaContextQuery(export, queries);
    }

    private static long number(ByteBuf data) {
        if (data.readableBytes() < Integer.BYTES) {
            throw contradiction();
        }
        return data.readUnsignedInt();
    }

    private static String text(ByteBuf data, int limitBytes) {
        long length = number(data);
        if (length > data.readableBytes()) {
            throw contradiction();
        }
        if (length > limitBytes) {
            throw new OptionException(HandshakeWire.REP_ERR_TOO_BIG, "strings have 4096 bytes at most");
        }
        return data.readCharSequence((int) length, StandardCharsets.UTF_8).toString();
    }

    private static OptionException contradiction() {
        return new OptionException(HandshakeWire.REP_ERR_INVALID, "the lengths in this option contradict each other");
    }

    /** True if the answer depends on which snapshots the export descends from. */
    boolean concernsSnapshots(boolean listing) {
        return (listing && queries.isEmpty())
                || queries.stream().anyMatch(query -> query.startsWith("varve:") || query.startsWith("qemu:"));
    }

    /** The contexts that the queries name, each once; queries that name none are ignored. */
    List<MetaContext> selected(List<String> snapshots) {
        List<MetaContext> selected = new ArrayList<>();
        for (String query : queries) {
            named(query, snapshots).filter(Predicate.not(selected::contains)).ifPresent(selected::add);
        }
        return selected;
    }

    private static Optional<MetaContext> named(String query, List<String> snapshots) {
        if (query.equals(MetaContext.ALLOCATION.name())) {
            return Optional.of(MetaContext.ALLOCATION);
        }
        if (query.equals(MetaContext.DEPTH.name())) {
            return Optional.of(MetaContext.DEPTH);
        }
        for (String prefix : List.of(MetaContext.CHANGED_SINCE, MetaContext.DIRTY_BITMAP)) {
            if (query.startsWith(prefix)) {
                String snapshot = query.substring(prefix.length());
                return Optional.of(new MetaContext(MetaContext.Kind.CHANGED, query, snapshot))
                        .filter(context -> snapshots.contains(snapshot));
            }
        }
        return Optional.empty();
    }

    /** The names that the queries find; all of them if there is no query. */
    List<String> listed(List<String> snapshots) {
        List<String> names = new ArrayList<>();
        add(names, MetaContext.ALLOCATION.name());
        add(names, MetaContext.DEPTH.name());
        addSnapshots(names, MetaContext.CHANGED_SINCE, snapshots);
        addSnapshots(names, MetaContext.DIRTY_BITMAP, snapshots);
        return names;
    }

    private void addSnapshots(List<String> names, String prefix, List<String> snapshots) {
        int listed = 0;
        for (String snapshot : snapshots) {
            if (listed == LISTED_SNAPSHOTS) {
                add(names, prefix);
                return;
            }
            listed += add(names, prefix + snapshot) ? 1 : 0;
        }
    }

    private boolean add(List<String> names, String name) {
        boolean found = queries.isEmpty() || queries.stream().anyMatch(query -> finds(query, name));
        return found && names.add(name);
    }

    private static boolean finds(String query, String name) {
        return query.endsWith(":") ? name.startsWith(query) : name.equals(query);
    }
}
