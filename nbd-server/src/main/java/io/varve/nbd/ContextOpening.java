package io.varve.nbd;

import io.varve.engine.Completion;
import io.varve.engine.ExtentSource;
import io.varve.engine.Extents;
import io.varve.engine.Volume;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Makes the metadata contexts of a session ready to answer. */
final class ContextOpening {
    private ContextOpening() {}

    /** Opens all of them, or none: what was opened is given back if another one fails. Any thread. */
    static CompletableFuture<List<OpenContext>> open(List<MetaContext> contexts, Volume volume, History history) {
        List<CompletableFuture<ExtentSource>> sources =
                contexts.stream().map(context -> open(context, volume, history)).toList();
        CompletableFuture<Void> all = CompletableFuture.allOf(sources.toArray(CompletableFuture[]::new));
        return all.handle((nothing, failure) -> {
            if (failure != null) {
                sources.stream()
                        .filter(source -> !source.isCompletedExceptionally())
                        .forEach(source -> source.join().release());
                throw Refusal.rethrown(failure);
            }
            List<OpenContext> open = new ArrayList<>();
            for (int i = 0; i < contexts.size(); i++) {
                open.add(new OpenContext(i + 1, contexts.get(i), sources.get(i).join()));
            }
            return List.copyOf(open);
        });
    }

    private static CompletableFuture<ExtentSource> open(MetaContext context, Volume volume, History history) {
        return switch (context.kind()) {
            case ALLOCATION -> CompletableFuture.completedFuture(new Allocation(volume));
            case DEPTH -> history.allocationDepth(volume);
            case CHANGED -> history.changedSince(volume, context.snapshot());
        };
    }

    /** The volume's own block status. */
    private record Allocation(Volume volume) implements ExtentSource {
        @Override
        public void query(long offset, long length, int maxExtents, Extents into, Completion completion) {
            volume.blockStatus(offset, length, maxExtents, into, completion);
        }

        @Override
        public void release() {}
    }
}
