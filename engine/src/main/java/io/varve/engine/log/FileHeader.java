package io.varve.engine.log;

import io.varve.engine.io.Disk;
import io.varve.engine.io.DiskException;
import io.varve.engine.io.DiskFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import net.openhft.chronicle.core.Jvm;

/** Holds the files of the directory {@code segments} against the table. Waits for storage; changes nothing. */
public final class FileHeader {
    private static final int PAGE_BYTES = 4096;

    private FileHeader() {}

    /**
     * What is wrong with a file.
     *
     * @param what one line
     * @param isHarmless true for what a power loss may leave: the header was lost, and records behind it were not
     */
    public record Problem(String what, boolean isHarmless) {}

    /**
     * What is wrong with the file of a row: it is missing, too short, or does not begin as it must. A segment that was
     * made ready but not begun yet, or a free file, may begin with anything.
     */
    public static Optional<Problem> problem(Disk disk, SegmentEntry entry) {
        if (!disk.exists(entry.fileName())) {
            return entry.kind() == SegmentEntry.Kind.FREE ? Optional.empty() : damage("the file is missing");
        }
        try (DiskFile file = disk.open(entry.fileName(), Disk.Mode.EXISTING)) {
            boolean isWhole = entry.kind() != SegmentEntry.Kind.MOVED;
            if (isWhole && file.sizeBytes() < entry.capacityBytes()) {
                return damage("the file has " + file.sizeBytes() + " of " + entry.capacityBytes() + " bytes");
            }
            return switch (entry.kind()) {
                case OPEN, SEALED -> entry.liveBlocks() > 0 ? segmentProblem(file, entry) : Optional.empty();
                case CONTAINER -> containerProblem(file, entry);
                default -> Optional.empty();
            };
        } catch (DiskException e) {
            return damage("the file cannot be read: " + e.getMessage());
        }
    }

    private static Optional<Problem> damage(String what) {
        return Optional.of(new Problem(what, false));
    }

    private static Optional<Problem> harmless(String what) {
        return Optional.of(new Problem(what + "; its records are complete without it", true));
    }

    private static Optional<Problem> segmentProblem(DiskFile file, SegmentEntry entry) {
        Optional<SegmentDescriptor.Header> header = LogReader.header(file);
        if (header.isEmpty()) {
            return harmless("the header is damaged");
        }
        boolean right = header.get().segmentId() == entry.id() && header.get().volume() == entry.volume();
        if (right && header.get().framed() != entry.framed()) {
            return damage("the table has it " + (entry.framed() ? "framed" : "plain") + ", and its header says "
                    + (entry.framed() ? "plain" : "framed") + ": its blocks are looked for where they are not");
        }
        return right
                ? Optional.empty()
                : harmless("the header is of segment " + header.get().segmentId() + " of the volume number "
                        + header.get().volume());
    }

    private static Optional<Problem> containerProblem(DiskFile file, SegmentEntry entry) {
        ByteBuffer memory = ByteBuffer.allocateDirect(2 * PAGE_BYTES);
        int skip = (int) (-Jvm.address(memory) & (PAGE_BYTES - 1));
        ByteBuffer page = memory.position(skip).limit(skip + PAGE_BYTES).slice().order(ByteOrder.LITTLE_ENDIAN);
        file.readDevice(0, page);
        return ContainerDescriptor.isHeaderOf(page, entry.fileNumber())
                ? Optional.empty()
                : damage("the container's header is damaged; blocks are read without it");
    }
}
