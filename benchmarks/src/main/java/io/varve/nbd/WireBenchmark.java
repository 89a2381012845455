package io.varve.nbd;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.varve.benchmarks.AsServed;
import io.varve.engine.BlockStore;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Taking requests apart and putting replies together, without a socket. In the package of what it measures, which
 * nobody else may see.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class WireBenchmark extends AsServed {
    private static final int REQUESTS = 32;

    private final ByteBuf received = writes();
    private final ByteBuf replies =
            PooledByteBufAllocator.DEFAULT.directBuffer(REQUESTS * TransmissionWire.SIMPLE_REPLY_BYTES);
    private final RequestDecoder decoder = new RequestDecoder(
            new Taker(), ReplyStyle.SIMPLE, NbdLimits.DEFAULT, new PayloadReceiver(), PooledByteBufAllocator.DEFAULT);

    private static ByteBuf writes() {
        int bytes = REQUESTS * (TransmissionWire.REQUEST_BYTES + BlockStore.BLOCK_BYTES);
        ByteBuf writes = PooledByteBufAllocator.DEFAULT.directBuffer(bytes, bytes);
        for (int i = 0; i < REQUESTS; i++) {
            writes.writeInt(TransmissionWire.REQUEST_MAGIC).writeShort(0).writeShort(1);
            writes.writeLong(i).writeLong((long) i * BlockStore.BLOCK_BYTES).writeInt(BlockStore.BLOCK_BYTES);
            writes.writeZero(BlockStore.BLOCK_BYTES);
        }
        return writes;
    }

    @TearDown
    public void close() {
        decoder.close();
        received.release();
        replies.release();
    }

    /** One WRITE of 4 KiB out of a read of the socket that brought 32. */
    @Benchmark
    @OperationsPerInvocation(REQUESTS)
    public void decode() {
        received.readerIndex(0);
        decoder.decode(received);
    }

    /** One simple reply into a buffer that gathers 32. */
    @Benchmark
    @OperationsPerInvocation(REQUESTS)
    public ByteBuf encode() {
        replies.clear();
        for (int i = 0; i < REQUESTS; i++) {
            TransmissionWire.putSimpleReply(replies, 0, i);
        }
        return replies;
    }

    /** Takes every request and is done with it at once. */
    private static final class Taker implements RequestDecoder.Sink {
        private final NbdRequest request = new NbdRequest((ended, error) -> {});

        @Override
        public boolean mayTake() {
            return true;
        }

        @Override
        public NbdRequest begin(int flags, int command, long cookie, long offset, long length) {
            request.flags = flags;
            request.command = Command.of(command);
            request.cookie = cookie;
            request.offset = offset;
            request.length = length;
            return request;
        }

        @Override
        public boolean admit(NbdRequest request, boolean received) {
            return true;
        }

        @Override
        public void perform(NbdRequest performed) {
            performed.releaseBuffer();
        }

        @Override
        public void abandon(NbdRequest abandoned) {
            abandoned.releaseBuffer();
        }

        @Override
        public void goodbye() {
            throw new IllegalStateException("nobody says goodbye");
        }

        @Override
        public void violation(String what) {
            throw new IllegalStateException(what);
        }
    }
}
