package io.varve.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSocket;

/** A client that says exactly what it is told to, right or wrong. Blocks; a server that does not answer hangs it. */
final class WireClient implements AutoCloseable {
    final SocketChannel channel;
    private final SocketAddress address;
    DataInputStream in;
    /** Once TLS has begun. */
    private SSLSocket secure;

    /** An answer to an option. */
    record OptionReply(int option, int type, ByteBuffer data) {
        boolean isError() {
            return type < 0;
        }
    }

    /** A simple reply without its payload. */
    record Reply(int error, long cookie) {}

    /** One chunk of a structured reply. */
    record Chunk(int flags, int type, long cookie, ByteBuffer payload) {
        int error() {
            return payload.getInt(0);
        }
    }

    /** One chunk of an extended reply, with the offset of the request. */
    record ExtendedChunk(int flags, int type, long cookie, long offset, ByteBuffer payload) {
        Chunk chunk() {
            return new Chunk(flags, type, cookie, payload);
        }
    }

    private WireClient(SocketChannel channel, SocketAddress address) {
        this.channel = channel;
        this.address = address;
        this.in = new DataInputStream(new BufferedInputStream(new Incoming(channel)));
    }

    static WireClient connect(SocketAddress address) {
        try {
            SocketChannel channel = address instanceof InetSocketAddress
                    ? SocketChannel.open()
                    : SocketChannel.open(StandardProtocolFamily.UNIX);
            channel.connect(address);
            return new WireClient(channel, address);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Takes the greeting and answers with fixed newstyle and NO_ZEROES. */
    void handshake() {
        handshake(HandshakeWire.FLAG_FIXED_NEWSTYLE | HandshakeWire.FLAG_NO_ZEROES);
    }

    void handshake(int clientFlags) {
        run(() -> {
            assertThat(in.readLong()).isEqualTo(HandshakeWire.GREETING_MAGIC);
            assertThat(in.readLong()).isEqualTo(HandshakeWire.OPTION_MAGIC);
            assertThat(in.readUnsignedShort()).isEqualTo(3);
        });
        send(bytes(to -> to.writeInt(clientFlags)));
    }

    void sendOption(int option, byte[] data) {
        sendOption(HandshakeWire.OPTION_MAGIC, option, data);
    }

    void sendOption(long magic, int option, byte[] data) {
        send(bytes(to -> {
            to.writeLong(magic);
            to.writeInt(option);
            to.writeInt(data.length);
            to.write(data);
        }));
    }

    OptionReply readOptionReply() {
        return get(() -> {
            assertThat(in.readLong()).isEqualTo(HandshakeWire.REPLY_MAGIC);
            int option = in.readInt();
            int type = in.readInt();
            return new OptionReply(option, type, ByteBuffer.wrap(in.readNBytes(in.readInt())));
        });
    }

    /** All replies to an option, the final one last. */
    List<OptionReply> option(int option, byte[] data) {
        sendOption(option, data);
        List<OptionReply> replies = new ArrayList<>();
        do {
            replies.add(readOptionReply());
            assertThat(last(replies).option()).isEqualTo(option);
        } while (!last(replies).isError() && last(replies).type() != HandshakeWire.REP_ACK);
        return replies;
    }

    void go(String export) {
        assertThat(last(option(HandshakeWire.OPT_GO, exportRequest(export))).type())
                .isEqualTo(HandshakeWire.REP_ACK);
    }

    static byte[] exportRequest(String name, int... infos) {
        return bytes(to -> {
            byte[] text = name.getBytes(StandardCharsets.UTF_8);
            to.writeInt(text.length);
            to.write(text);
            to.writeShort(infos.length);
            for (int info : infos) {
                to.writeShort(info);
            }
        });
    }

    static byte[] request(int flags, int command, long cookie, long offset, int length, byte... payload) {
        return bytes(to -> {
            to.writeInt(TransmissionWire.REQUEST_MAGIC);
            to.writeShort(flags);
            to.writeShort(command);
            to.writeLong(cookie);
            to.writeLong(offset);
            to.writeInt(length);
            to.write(payload);
        });
    }

    static byte[] extendedRequest(int flags, int command, long cookie, long offset, long length, byte... payload) {
        return bytes(to -> {
            to.writeInt(TransmissionWire.EXTENDED_REQUEST_MAGIC);
            to.writeShort(flags);
            to.writeShort(command);
            to.writeLong(cookie);
            to.writeLong(offset);
            to.writeLong(length);
            to.write(payload);
        });
    }

    /** The data of LIST_META_CONTEXT and SET_META_CONTEXT. */
    static byte[] contextQuery(String export, String... queries) {
        return bytes(to -> {
            putString(to, export);
            to.writeInt(queries.length);
            for (String query : queries) {
                putString(to, query);
            }
        });
    }

    private static void putString(DataOutputStream to, String string) throws IOException {
        byte[] text = string.getBytes(StandardCharsets.UTF_8);
        to.writeInt(text.length);
        to.write(text);
    }

    static byte[] write(long cookie, long offset, byte[] payload) {
        return request(0, 1, cookie, offset, payload.length, payload);
    }

    Reply readReply() {
        return get(() -> {
            assertThat(in.readInt()).isEqualTo(TransmissionWire.SIMPLE_REPLY_MAGIC);
            return new Reply(in.readInt(), in.readLong());
        });
    }

    Chunk readChunk() {
        return get(() -> {
            assertThat(in.readInt()).isEqualTo(TransmissionWire.STRUCTURED_REPLY_MAGIC);
            int flags = in.readUnsignedShort();
            int type = in.readUnsignedShort();
            long cookie = in.readLong();
            return new Chunk(flags, type, cookie, ByteBuffer.wrap(in.readNBytes(in.readInt())));
        });
    }

    ExtendedChunk readExtendedChunk() {
        return get(() -> {
            assertThat(in.readInt()).isEqualTo(TransmissionWire.EXTENDED_REPLY_MAGIC);
            int flags = in.readUnsignedShort();
            int type = in.readUnsignedShort();
            long cookie = in.readLong();
            long offset = in.readLong();
            return new ExtendedChunk(flags, type, cookie, offset, ByteBuffer.wrap(in.readNBytes((int) in.readLong())));
        });
    }

    byte[] readBytes(int length) {
        return get(() -> in.readNBytes(length));
    }

    void readFully(byte[] to) {
        run(() -> in.readFully(to));
    }

    /** The error that a request is answered with; 0 for success. Not for successful reads. */
    int call(byte[] request) {
        send(request);
        return readReply().error();
    }

    /** Talks TLS from here on; to be called behind the answer to STARTTLS. Over TCP only. */
    void startTls(SSLContext context, String... versions) {
        run(() -> {
            InetSocketAddress server = (InetSocketAddress) address;
            secure = (SSLSocket) context.getSocketFactory()
                    .createSocket(channel.socket(), server.getHostString(), server.getPort(), true);
            secure.setEnabledProtocols(versions);
            secure.startHandshake();
            in = new DataInputStream(new BufferedInputStream(secure.getInputStream()));
        });
    }

    SSLSession tlsSession() {
        return secure.getSession();
    }

    void send(byte[] bytes) {
        run(() -> {
            if (secure != null) {
                secure.getOutputStream().write(bytes);
                return;
            }
            ByteBuffer rest = ByteBuffer.wrap(bytes);
            while (rest.hasRemaining()) {
                channel.write(rest);
            }
        });
    }

    /** True once the server has closed the connection and everything it sent is read. */
    boolean closedByServer() {
        try {
            in.readByte();
            return false;
        } catch (EOFException end) {
            return true;
        } catch (IOException reset) {
            return true;
        }
    }

    @Override
    public void close() {
        run(channel::close);
    }

    static <T> T last(List<T> list) {
        return list.get(list.size() - 1);
    }

    static byte[] bytes(Writing writing) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        run(() -> writing.to(new DataOutputStream(bytes)));
        return bytes.toByteArray();
    }

    static byte[] concat(byte[]... parts) {
        return bytes(to -> {
            for (byte[] part : parts) {
                to.write(part);
            }
        });
    }

    /** The JDK's own stream of a channel lets nobody write while somebody reads. */
    private static final class Incoming extends InputStream {
        private final SocketChannel channel;

        Incoming(SocketChannel channel) {
            this.channel = channel;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] to, int offset, int length) throws IOException {
            return channel.read(ByteBuffer.wrap(to, offset, length));
        }
    }

    /** Puts bytes together. */
    @FunctionalInterface
    interface Writing {
        void to(DataOutputStream out) throws IOException;
    }

    @FunctionalInterface
    private interface Step {
        void run() throws IOException;
    }

    @FunctionalInterface
    private interface Question<T> {
        T get() throws IOException;
    }

    private static void run(Step step) {
        try {
            step.run();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static <T> T get(Question<T> question) {
        try {
            return question.get();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
