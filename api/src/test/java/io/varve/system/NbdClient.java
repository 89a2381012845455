package io.varve.system;

import java.io.EOFException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * One NBD connection with requests in flight and simple replies (proto.md, "Fixed newstyle negotiation" and
 * "Transmission phase"). For one thread; a server that has died shows as an IOException, once all that it had answered
 * is received.
 */
final class NbdClient implements AutoCloseable {
    /** The most that {@link #write} takes. */
    static final int MAX_WRITE_BYTES = 1 << 20;

    private static final long OPTION_MAGIC = 0x49484156454F5054L;
    private static final int FIXED_NEWSTYLE_NO_ZEROES = 0b11;
    private static final int OPT_EXPORT_NAME = 1;
    private static final int GREETING_BYTES = 18;
    private static final int EXPORT_BYTES = 10;

    private static final int REQUEST_MAGIC = 0x25609513;
    private static final int REPLY_MAGIC = 0x67446698;
    private static final int REQUEST_BYTES = 28;
    private static final int REPLY_BYTES = 16;
    private static final int READ = 0;
    private static final int WRITE = 1;
    private static final int FLUSH = 3;
    private static final int TRIM = 4;

    private final SocketChannel channel;
    private final ByteBuffer request = ByteBuffer.allocateDirect(REQUEST_BYTES + MAX_WRITE_BYTES);
    private final ByteBuffer reply = ByteBuffer.allocateDirect(GREETING_BYTES);

    private NbdClient(SocketChannel channel) {
        this.channel = channel;
    }

    static NbdClient connect(Path socket, String export) throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            channel.connect(UnixDomainSocketAddress.of(socket));
            NbdClient client = new NbdClient(channel);
            client.negotiate(export.getBytes(StandardCharsets.UTF_8));
            return client;
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    private void negotiate(byte[] export) throws IOException {
        receive(GREETING_BYTES);
        request.clear().putInt(FIXED_NEWSTYLE_NO_ZEROES);
        request.putLong(OPTION_MAGIC).putInt(OPT_EXPORT_NAME);
        request.putInt(export.length).put(export);
        send();
        receive(EXPORT_BYTES);
    }

    /** Sends a write; its answer comes from {@link #receiveCookie}. */
    void write(long cookie, long offset, ByteBuffer content) throws IOException {
        begin(WRITE, cookie, offset, content.remaining()).put(content.duplicate());
        send();
    }

    /** Sends a FLUSH; its answer comes from {@link #receiveCookie}. */
    void flush(long cookie) throws IOException {
        begin(FLUSH, cookie, 0, 0);
        send();
    }

    /** Sends a TRIM; its answer comes from {@link #receiveCookie} or {@link #receiveError}. */
    void trim(long cookie, long offset, int length) throws IOException {
        begin(TRIM, cookie, offset, length);
        send();
    }

    /** Waits for the next answer. */
    long receiveCookie() throws IOException {
        int error = receiveError();
        if (error != 0) {
            throw new AssertionError("answered with error " + error);
        }
        return reply.getLong();
    }

    /** Waits for the next answer and gives its error: 0 for success, else as errno. */
    int receiveError() throws IOException {
        receive(REPLY_BYTES);
        int magic = reply.getInt();
        if (magic != REPLY_MAGIC) {
            throw new AssertionError("answered with magic " + Integer.toHexString(magic));
        }
        return reply.getInt();
    }

    /** Reads, while nothing else is in flight. */
    void read(long offset, ByteBuffer to) throws IOException {
        begin(READ, 0, offset, to.remaining());
        send();
        receiveCookie();
        receive(to);
    }

    private ByteBuffer begin(int command, long cookie, long offset, int length) {
        request.clear().putInt(REQUEST_MAGIC).putShort((short) 0).putShort((short) command);
        return request.putLong(cookie).putLong(offset).putInt(length);
    }

    private void send() throws IOException {
        request.flip();
        while (request.hasRemaining()) {
            channel.write(request);
        }
    }

    private void receive(int bytes) throws IOException {
        receive(reply.clear().limit(bytes));
        reply.flip();
    }

    private void receive(ByteBuffer to) throws IOException {
        while (to.hasRemaining()) {
            if (channel.read(to) < 0) {
                throw new EOFException("the server has closed the connection");
            }
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
