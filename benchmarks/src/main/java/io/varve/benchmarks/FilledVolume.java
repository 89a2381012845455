package io.varve.benchmarks;

import static io.varve.engine.BlockStore.BLOCK_BYTES;

import io.varve.benchmarks.ClosedLoop.Operation;
import io.varve.engine.BlockStore;
import io.varve.engine.Compression;
import io.varve.engine.QosLimits;
import io.varve.engine.SnapshotId;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import io.varve.nbd.NettyLoops;
import io.varve.nbd.Transport;
import java.io.IOException;
import java.util.Arrays;
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
    private static final int WRITES_BEFORE_SNAPSHOT = 64;
    private static final QosLimits OUT_OF_REACH = new QosLimits(1_000_000_000, 1L << 50);
    private static final VolumeId ID = new VolumeId(0, 1);

    /** Requests in flight. */
    @Param({"1", "32"})
    public int depth;

    /** The size of a request. */
    @Param({"4", "64", "1024"})
    public int requestKib;

    /** The volume's size. */
    @Param("512")
    public int mebibytes;

    /** Snapshots in the volume's past, with a few random writes before each. */
    @Param("0")
    public int snapshots;

    /** What of it is compressed. Half of each payload can be, unless it is {@code OFF}. */
    @Param("OFF")
    public Compression compression = Compression.OFF;

    /** True for limits that are looked at and never reached. */
    @Param("false")
    public boolean throttled;

    /** The size that the log's segments grow to. */
    @Param("64")
    public int segmentMib = 64;

    /** How the loops reach the kernel's sockets: epoll, io_uring, nio, or auto. */
    @Param("auto")
    public String transport = "auto";

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
        temporary = new TemporaryStore(directory, Transport.named(transport), options());
        store().createVolume(ID, (long) mebibytes << 20, compression).join();
        volume = store().open(ID).join();
        requests = new ClosedLoop(volume, depth, payload(requestKib << 10));
        ClosedLoop blocks = new ClosedLoop(volume, FILL_DEPTH, payload(BLOCK_BYTES));
        blocks.start(volume.sizeBytes() / BLOCK_BYTES, Operation.WRITE, inOrder(BLOCK_BYTES))
                .join();
        for (int i = 0; i < snapshots; i++) {
            blocks.start(WRITES_BEFORE_SNAPSHOT, Operation.WRITE, random(BLOCK_BYTES))
                    .join();
            store().createSnapshot(new SnapshotId(1, i), ID).join();
        }
        store().checkpoint().join();
        store().limit(ID, throttled ? OUT_OF_REACH : QosLimits.UNLIMITED);
    }

    private StoreOptions options() {
        StoreOptions usual = StoreOptions.DEFAULT;
        return new StoreOptions(
                usual.memory(),
                usual.checkpointLogBytes(),
                usual.checkpointVolumeLogBytes(),
                segmentMib << 20,
                usual.ballastBytes(),
                usual.scrubBytesPerSecond(),
                usual.limits());
    }

    private byte[] payload(int bytes) {
        byte[] payload = new byte[bytes];
        random.nextBytes(payload);
        if (compression != Compression.OFF) {
            for (int at = 0; at < bytes; at += BLOCK_BYTES) {
                Arrays.fill(payload, at, at + BLOCK_BYTES / 2, (byte) 0);
            }
        }
        return payload;
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

    NettyLoops loops() {
        return temporary.loops();
    }

    Volume volume() {
        return volume;
    }

    int requestBytes() {
        return requestKib << 10;
    }

    /** Each request's place in turn, and round again. */
    LongSupplier sequential() {
        return inOrder(requestBytes());
    }

    /** Any place, all alike. */
    LongSupplier random() {
        return random(requestBytes());
    }

    private LongSupplier inOrder(int bytes) {
        return () -> {
            long offset = nextOffset;
            nextOffset = offset + 2L * bytes <= volume.sizeBytes() ? offset + bytes : 0;
            return offset;
        };
    }

    private LongSupplier random(int bytes) {
        long places = volume.sizeBytes() / bytes;
        return () -> random.nextLong(places) * bytes;
    }

    /** Requests at this state's depth. */
    ClosedLoop requests() {
        return requests;
    }
}
