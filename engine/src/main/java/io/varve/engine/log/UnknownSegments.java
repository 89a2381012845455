package io.varve.engine.log;

import io.varve.engine.io.DiskFile;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.LongPredicate;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Files that are no segment's by the table, but hold one by their header: after a crash, what a newer table may have
 * known. The directory is read once, when that is first asked for. Accountant only.
 */
public final class UnknownSegments {
    private final SegmentFiles files;
    private final Supplier<Set<Long>> filesInUse;
    private final LongPredicate known;
    /** By file number; null until they are asked for. */
    private @Nullable Map<Long, SegmentDescriptor.Header> headers;

    /**
     * @param filesInUse the numbers of the files that the table knows
     * @param known tells of the id of a segment whether it is known by now
     */
    UnknownSegments(SegmentFiles files, Supplier<Set<Long>> filesInUse, LongPredicate known) {
        this.files = files;
        this.filesInUse = filesInUse;
        this.known = known;
    }

    /** The headers of those that a volume wrote. */
    public List<SegmentDescriptor.Header> of(long volume) {
        return unknown().filter(header -> header.volume() == volume).toList();
    }

    /** The newest epoch that they name of each volume. */
    public Map<Long, Integer> newestEpochs() {
        Map<Long, Integer> newest = new HashMap<>();
        unknown().forEach(header -> newest.merge(header.volume(), header.epoch(), Math::max));
        return newest;
    }

    private Stream<SegmentDescriptor.Header> unknown() {
        return byFile().values().stream().filter(header -> !known.test(header.segmentId()));
    }

    /** The number of the file that begins with this header. */
    OptionalLong fileOf(SegmentDescriptor.Header header) {
        for (Map.Entry<Long, SegmentDescriptor.Header> file : byFile().entrySet()) {
            if (file.getValue().equals(header)) {
                return OptionalLong.of(file.getKey());
            }
        }
        return OptionalLong.empty();
    }

    private Map<Long, SegmentDescriptor.Header> byFile() {
        Map<Long, SegmentDescriptor.Header> found = headers;
        if (found == null) {
            found = read();
            headers = found;
        }
        return found;
    }

    private Map<Long, SegmentDescriptor.Header> read() {
        Map<Long, SegmentDescriptor.Header> found = new HashMap<>();
        Set<Long> inUse = filesInUse.get();
        for (long number : files.numbers()) {
            if (!inUse.contains(number)) {
                try (DiskFile file = files.open(number)) {
                    LogReader.header(file).ifPresent(header -> found.put(number, header));
                }
            }
        }
        return found;
    }
}
