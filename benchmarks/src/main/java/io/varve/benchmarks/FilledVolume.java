package io.varve.benchmarks;

import static io.varve.engine.BlockStore.BLOCK_BYTES;

import io.varve.benchmarks.ClosedLoop.Operation;
import io.varve.engine.BlockStore;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import java.io.IOException;
import java.util.SplittableRandom;
import java.util.function.LongSupplier;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** A volume of which every block has been written, in a store of its own. */
@State(Scope.Benchmark)
public class FilledVolume {
    private static final int FILL_DEPTH = 32;
    private static final VolumeId ID = new VolumeId(0, 1);

    /** Requests in flight. */
    @Param({"1", "32"})
    public int depth;

    /** The volume's size. As there is no compaction yet, random writes let the store grow to about eleven times this. */
    @Param("512")
    public int mebibytes;

    /** Where to make the store; empty for the JVM's temporary directory, which should not be in memory. */
    @Param("")
    public String directory = "";

    private final SplittableRandom random = new SplittableRandom(1);
    private long nextOffset;

    @SuppressWarnings("NullAway.Init") // by open()
    private TemporaryStore temporary;

    @SuppressWarnings("NullAway.Init") // by open()
    private Volume volume;

    @SuppressWarnings("NullAway.Init") // by open()
    private ClosedLoop requests;

    @Setup(Level.Trial)
    public void open() throws IOException {
        byte[] payload = new byte[BLOCK_BYTES];
        random.nextBytes(payload);
        temporary = new TemporaryStore(directory);
        store().createVolume(ID, (long) mebibytes << 20).join();
        volume = store().open(ID).join();
        long blocks = volume.sizeBytes() / BLOCK_BYTES;
        new ClosedLoop(volume, FILL_DEPTH, payload)
                .start(blocks, Operation.WRITE, sequential())
                .join();
        store().checkpoint().join();
        requests = new ClosedLoop(volume, depth, payload);
    }

    @TearDown(Level.Trial)
    public void close() throws IOException {
        volume.release();
        temporary.close();
    }

    BlockStore store() {
        return temporary.store();
    }

    VolumeId id() {
        return ID;
    }

    /** Each block in turn, and round again. */
    LongSupplier sequential() {
        return () -> {
            long offset = nextOffset;
            nextOffset = offset + BLOCK_BYTES < volume.sizeBytes() ? offset + BLOCK_BYTES : 0;
            return offset;
        };
    }

    /** Any block, all alike. */
    LongSupplier random() {
        long blocks = volume.sizeBytes() / BLOCK_BYTES;
        return () -> random.nextLong(blocks) * BLOCK_BYTES;
    }

    /** Requests at this state's depth. */
    ClosedLoop requests() {
        return requests;
    }
}
