package io.varve.api.control;

import io.varve.api.portable.BlockingVolume;
import io.varve.api.portable.PortableException;
import io.varve.api.portable.PortableHeader;
import io.varve.api.portable.PortableReader;
import io.varve.engine.BlockStore;
import io.varve.engine.SnapshotId;
import io.varve.engine.StoreException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Writes a portable file, as it comes, to the hidden volume of an import, and makes the snapshot at its end. What was
 * checked and written is kept when the file breaks off or turns out to be damaged: sending goes on behind it. Blocks;
 * one thread at a time.
 */
public final class ImportReceiver implements AutoCloseable {
    /** How much is sent again at most after a crash. */
    private static final long CHECKPOINT_BYTES = 64L << 20;

    private static final long GIB = 1L << 30;
    private static final int BUFFER_BYTES = 256 << 10;

    private final ControlParts parts;
    private final BlockStore store;
    private final Runnable whenClosed;
    private final PortableReader reader;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);
    private ImportEntry entry;
    private Optional<SnapshotId> source;
    private @Nullable BlockingVolume volume;

    ImportReceiver(ControlParts parts, ImportEntry entry, Runnable whenClosed) {
        this.parts = parts;
        this.entry = entry;
        this.whenClosed = whenClosed;
        store = parts.store();
        source = entry.source();
        ImportEntry.Progress progress = entry.progress();
        Handler handler = new Handler();
        if (progress.receivedBytes() == 0) {
            reader = new PortableReader(handler);
        } else {
            reader = new PortableReader(
                    handler, progress.receivedBytes(), progress.digest(), progress.sizeBytes(), progress.nextOffset());
            volume = new BlockingVolume(EngineCalls.await(store.open(entry.volume())));
        }
    }

    /**
     * Takes the next bytes.
     *
     * @throws RequestException INVALID_PARAMETER_VALUE if the file is damaged or no such file, SNAPSHOT_NOT_FOUND if
     *     what it builds on is not here, INSUFFICIENT_VOLUME_CAPACITY
     */
    public void accept(byte[] bytes) {
        try {
            reader.read(bytes);
            if (reader.ended()) {
                entry = entry.with(source, progress(), parts.clock().instant()).done();
                parts.imports().put(entry);
            } else if (reader.position() - entry.progress().receivedBytes() >= CHECKPOINT_BYTES) {
                keep();
            }
        } catch (PortableException e) {
            throw new RequestException(ErrorCode.INVALID_PARAMETER_VALUE, String.valueOf(e.getMessage()));
        } catch (StoreException e) {
            throw RequestException.of(e);
        }
    }

    /** The import as it is now. */
    public ImportEntry entry() {
        return entry;
    }

    /** Makes what came so far durable, and gives the turn to the next who sends. */
    @Override
    public void close() {
        try {
            if (volume != null && reader.position() > entry.progress().receivedBytes()) {
                keep();
            }
        } finally {
            closeVolume();
            whenClosed.run();
        }
    }

    private void keep() {
        volume().flush();
        entry = entry.with(source, progress(), parts.clock().instant());
        parts.imports().put(entry);
    }

    private ImportEntry.Progress progress() {
        return new ImportEntry.Progress(
                reader.position(),
                reader.nextOffset(),
                reader.digestHex(),
                entry.progress().sizeBytes());
    }

    private BlockingVolume volume() {
        if (volume == null) {
            throw new IllegalStateException("a record came before the header");
        }
        return volume;
    }

    private void closeVolume() {
        if (volume != null) {
            volume.close();
            volume = null;
        }
    }

    /** What the file builds on here: the very snapshot, or one that was imported from it. */
    private SnapshotId local(SnapshotId base) {
        if (parts.snapshots()
                .find(base)
                .filter(found -> found.phase() == Phase.READY)
                .isPresent()) {
            return base;
        }
        return parts.snapshots().all().stream()
                .filter(found -> found.phase() == Phase.READY)
                .filter(found ->
                        found.copy().filter(copy -> copy.of().equals(base)).isPresent())
                .map(SnapshotEntry::id)
                .findFirst()
                .orElseThrow(() -> new RequestException(
                        ErrorCode.SNAPSHOT_NOT_FOUND,
                        "the file builds on snapshot " + base + ", which is not here: import that first"));
    }

    /** What the reader finds. */
    private final class Handler implements PortableReader.Handler {
        @Override
        public void header(PortableHeader header) {
            if (header.sizeBytes() % GIB != 0) {
                throw new RequestException(
                        ErrorCode.INVALID_PARAMETER_VALUE,
                        "the file is of a volume of %d bytes, which are no whole GiB".formatted(header.sizeBytes()));
            }
            source = Optional.of(header.snapshot());
            ImportEntry.Progress progress = new ImportEntry.Progress(0, 0, "", header.sizeBytes());
            entry = entry.with(source, progress, parts.clock().instant());
            if (store.volume(entry.volume()).isPresent()) { // of a life that was cut short
                EngineCalls.await(store.deleteVolume(entry.volume()));
            }
            if (header.base().isPresent()) {
                SnapshotId base = local(header.base().get());
                EngineCalls.await(store.cloneVolume(entry.volume(), header.sizeBytes(), base));
            } else {
                EngineCalls.await(store.createVolume(entry.volume(), header.sizeBytes()));
            }
            volume = new BlockingVolume(EngineCalls.await(store.open(entry.volume())));
        }

        @Override
        public void data(long offset, byte[] bytes, int length) {
            buffer.clear().put(bytes, 0, length).flip();
            volume().write(offset, buffer);
        }

        @Override
        public void zeroes(long offset, long length) {
            volume().trim(offset, length);
        }

        @Override
        public void end() {
            SnapshotEntry snapshot = SnapshotEntry.begun(
                            entry.snapshot(), entry.label(), entry.description(), Optional.empty())
                    .with(new SnapshotEntry.Copy(source.orElseThrow(), entry.volume(), entry.volume()));
            parts.snapshots().put(snapshot);
            EngineCalls.await(store.createSnapshot(snapshot.id(), entry.volume()));
            closeVolume();
            EngineCalls.await(store.deleteVolume(entry.volume()));
            parts.snapshots().settle(List.of(snapshot.with(Phase.READY)));
        }
    }
}
