package io.varve.nbd;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * Says what the server exports. Called on the acceptor's loop, which must not wait: answers that take time come through
 * the future, from any thread.
 */
public interface ExportResolver {
    /**
     * The export that a name stands for: a volume id, a volume name that only one volume has, a snapshot id, or the
     * empty name for the default export. Empty if there is none.
     */
    CompletableFuture<Optional<Export>> resolve(String name);

    /** What NBD_OPT_LIST shows: names that {@link #resolve} knows. */
    CompletableFuture<List<Listing>> list();

    /**
     * One line of the list.
     *
     * @param name an export name
     * @param description for people; empty for none
     */
    record Listing(String name, String description) {}
}
