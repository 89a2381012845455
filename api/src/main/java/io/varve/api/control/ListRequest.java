package io.varve.api.control;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToLongFunction;

/**
 * Which part of a list is wanted.
 *
 * @param filters all of which must hold
 * @param ids of the objects that are asked for; empty for all
 * @param limit how many objects at most, from 1 to {@link #MOST}
 * @param token where the page before ended; opaque to clients
 */
public record ListRequest(List<Filter> filters, Set<String> ids, int limit, Optional<String> token) {
    /** The most objects in one answer. */
    public static final int MOST = 1000;

    /** The first page of everything. */
    public static final ListRequest FIRST = new ListRequest(List.of(), MOST, Optional.empty());

    /** A part of all objects. */
    public ListRequest(List<Filter> filters, int limit, Optional<String> token) {
        this(filters, Set.of(), limit, token);
    }

    /**
     * A part of a list.
     *
     * @param next the token of the part that follows; empty if this is the last
     */
    public record Page<T>(List<T> items, Optional<String> next) {
        /** The same part with other items. */
        public <R> Page<R> map(Function<T, R> mapping) {
            return new Page<>(items.stream().map(mapping).toList(), next);
        }
    }

    /**
     * The page that is wanted of a list in order. A token names a place in that order, not an object: it stays good
     * when the object there is deleted.
     *
     * @param kind what is listed: a token is good for the list that it came from only
     * @param order where an object stands; larger further back, never the same for two
     * @param view what is told of an object; empty if it is not shown
     * @throws RequestException INVALID_NEXT_TOKEN
     */
    <R, T> Page<T> page(
            String kind, List<R> all, ToLongFunction<R> order, Function<R, Optional<T>> view, Predicate<T> wanted) {
        long after = token.map(text -> place(kind, text)).orElse(Long.MIN_VALUE);
        List<T> items = new ArrayList<>();
        long last = 0;
        for (R object : all) {
            if (order.applyAsLong(object) <= after) {
                continue;
            }
            Optional<T> shown = view.apply(object).filter(wanted);
            if (shown.isPresent() && items.size() == limit) {
                return new Page<>(items, Optional.of(token(kind, last)));
            }
            if (shown.isPresent()) {
                items.add(shown.get());
                last = order.applyAsLong(object);
            }
        }
        return new Page<>(items, Optional.empty());
    }

    /** Those of a list that are asked for by their ids, in the same order; the whole list if none are. */
    <R> List<R> asked(Collection<R> all, Function<R, Object> id) {
        return all.stream()
                .filter(object -> ids.isEmpty() || ids.contains(id.apply(object).toString()))
                .toList();
    }

    private String token(String kind, long place) {
        String text = place + " " + (ids.isEmpty() ? Objects.hash(kind, filters) : Objects.hash(kind, filters, ids));
        return Base64.getUrlEncoder().withoutPadding().encodeToString(text.getBytes(StandardCharsets.US_ASCII));
    }

    private long place(String kind, String text) {
        try {
            String plain = new String(Base64.getUrlDecoder().decode(text), StandardCharsets.US_ASCII);
            long place = Long.parseLong(plain.substring(0, Math.max(0, plain.indexOf(' '))));
            if (token(kind, place).equals(text)) {
                return place;
            }
        } catch (IllegalArgumentException e) {
            throw invalid(text);
        }
        throw invalid(text);
    }

    private static RequestException invalid(String token) {
        return new RequestException(
                ErrorCode.INVALID_NEXT_TOKEN,
                "nextToken \"%s\" does not come from this list with these filters: begin again without it"
                        .formatted(token));
    }
}
