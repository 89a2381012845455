package io.varve.benchmarks;

import java.io.EOFException;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.function.LongSupplier;

/**
 * A client that keeps a number of reads or writes of one size in flight on a Unix socket (proto.md, simple replies). It
 * knows no more of the protocol than that takes, and looks at no payload. One thread.
 */
final class NbdClient implements AutoCloseable {
    private static final long OPTION_MAGIC = 0x49484156454F5054L;
    private static final int REQUEST_MAGIC = 0x25609513;
    private static final int REPLY_MAGIC = 0x67446698;
    private static final int GO = 7;
    private static final int ACKNOWLEDGED = 1;
    private static final int FIXED_NEWSTYLE_WITHOUT_ZEROES = 3;
    private static final int GREETING_BYTES = 18;
    private static final int OPTION_REPLY_BYTES = 20;
    private static final int REQUEST_BYTES = 28;
    private static final int REPLY_BYTES = 16;
    private static final int RECEIVE_BYTES = 256 << 10;

    /** Which of the requests are reads. */
    interface Mix {
        boolean isRead();
    }

    private final SocketChannel channel;
    private final Selector selector = Selector.open();
    private final SelectionKey key;
    private final int requestBytes;
    private final int depth;
    private final byte[] payload;
    private final ByteBuffer out;
    private final ByteBuffer in = ByteBuffer.allocateDirect(RECEIVE_BYTES).flip();
    private long payloadDue;

    NbdClient(Path socket, String export, int requestBytes, int depth, byte[] payload) throws IOException {
        this.requestBytes = requestBytes;
        this.depth = depth;
        this.payload = payload;
        out = ByteBuffer.allocateDirect(depth * (REQUEST_BYTES + requestBytes)).flip();
        channel = SocketChannel.open(UnixDomainSocketAddress.of(socket));
        negotiate(export);
        channel.configureBlocking(false);
        key = channel.register(selector, SelectionKey.OP_READ);
    }

    private void negotiate(String export) throws IOException {
        receive(GREETING_BYTES);
        byte[] name = export.getBytes(StandardCharsets.UTF_8);
        ByteBuffer go = ByteBuffer.allocate(64 + name.length).putInt(FIXED_NEWSTYLE_WITHOUT_ZEROES);
        go.putLong(OPTION_MAGIC).putInt(GO).putInt(6 + name.length);
        go.putInt(name.length).put(name).putShort((short) 0).flip();
        channel.write(go);
        int type;
        do {
            ByteBuffer reply = receive(OPTION_REPLY_BYTES);
            type = reply.getInt(12);
            receive(reply.getInt(16));
        } while (type > ACKNOWLEDGED);
        if (type != ACKNOWLEDGED) {
            throw new IOException("the server refused the export " + export);
        }
    }

    private ByteBuffer receive(int bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(bytes);
        while (buffer.hasRemaining()) {
            if (channel.read(buffer) < 0) {
                throw new EOFException();
            }
        }
        return buffer.flip();
    }

    /** Makes {@code count} requests and waits for the last answer. */
    void run(int count, Mix mix, LongSupplier offsets) throws IOException {
        int unsent = count;
        int inFlight = 0;
        while (unsent > 0 || inFlight > 0) {
            if (!out.hasRemaining() && unsent > 0 && inFlight < depth) {
                int batch = Math.min(depth - inFlight, unsent);
                out.clear();
                for (int i = 0; i < batch; i++) {
                    put(mix.isRead(), offsets.getAsLong());
                }
                out.flip();
                unsent -= batch;
                inFlight += batch;
            }
            boolean moved = out.hasRemaining() && channel.write(out) > 0;
            in.compact();
            int received = channel.read(in);
            in.flip();
            if (received < 0) {
                throw new EOFException();
            }
            inFlight -= takeReplies();
            if (!moved && received == 0) {
                key.interestOps(SelectionKey.OP_READ | (out.hasRemaining() ? SelectionKey.OP_WRITE : 0));
                selector.select();
                selector.selectedKeys().clear();
            }
        }
    }

    private void put(boolean read, long offset) {
        out.putInt(REQUEST_MAGIC).putShort((short) 0).putShort((short) (read ? 0 : 1));
        out.putLong(read ? 1 : 0).putLong(offset).putInt(requestBytes);
        if (!read) {
            out.put(payload, 0, requestBytes);
        }
    }

    private int takeReplies() throws IOException {
        int ended = 0;
        while (true) {
            int skipped = (int) Math.min(payloadDue, in.remaining());
            in.position(in.position() + skipped);
            payloadDue -= skipped;
            if (skipped > 0 && payloadDue == 0) {
                ended++;
            }
            if (payloadDue > 0 || in.remaining() < REPLY_BYTES) {
                return ended;
            }
            if (in.getInt() != REPLY_MAGIC || in.getInt() != 0) {
                throw new IOException("a request failed");
            }
            if (in.getLong() == 1) {
                payloadDue = requestBytes;
            } else {
                ended++;
            }
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
        selector.close();
    }
}
