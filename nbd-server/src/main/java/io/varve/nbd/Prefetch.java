package io.varve.nbd;

import io.netty.buffer.ByteBuf;
import io.netty.channel.EventLoop;
import io.varve.engine.Completion;
import io.varve.engine.IoStatus;
import io.varve.engine.ReadReport;
import io.varve.engine.Volume;
import java.util.function.BooleanSupplier;

/**
 * Carries out CACHE (proto.md, NBD_CMD_CACHE): reads the range piece by piece, each in its own turn of the loop, and
 * throws the bytes away, so that they and the map's pages are in memory. Used on the volume's loop.
 */
final class Prefetch implements Completion {
    /** What is read at once. */
    static final int PIECE_BYTES = 1 << 20;

    private final NbdRequest request;
    private final Volume volume;
    private final EventLoop loop;
    private final ByteBuf piece;
    private final BooleanSupplier cancelled;
    private final ReadReport report = new ReadReport();
    private final long end;
    private long at;

    /**
     * @param piece a direct buffer of {@link #PIECE_BYTES}, or of the request's length if that is less; belongs to
     *     {@code request}
     * @param limitBytes what lies further behind is not read
     * @param cancelled true once nobody waits for it
     */
    Prefetch(
            NbdRequest request,
            Volume volume,
            EventLoop loop,
            ByteBuf piece,
            long limitBytes,
            BooleanSupplier cancelled) {
        this.request = request;
        this.volume = volume;
        this.loop = loop;
        this.piece = piece;
        this.cancelled = cancelled;
        this.at = request.offset;
        this.end = request.offset + Math.min(request.length, limitBytes);
    }

    /** Reads the next piece; completes the request behind the last one, or where one fails. */
    void readNext() {
        int length = (int) Math.min(piece.capacity(), end - at);
        at += length;
        volume.read(at - length, piece.internalNioBuffer(0, length), report, this);
        volume.submit();
    }

    @Override
    public void completed(IoStatus status) {
        if (status == IoStatus.OK && at < end && !cancelled.getAsBoolean()) {
            loop.execute(this::readNext);
        } else {
            request.completed(status);
        }
    }
}
