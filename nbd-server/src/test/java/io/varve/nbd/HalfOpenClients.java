package io.varve.nbd;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;

/**
 * Clients that say half of an option and no more, half of them over TCP, until standard input ends. A process of their own
 * lets each end of a connection have its own limit of descriptors.
 */
final class HalfOpenClients {
    private HalfOpenClients() {}

    /**
     * Connects and stands still.
     *
     * @param arguments the port on loopback, the Unix socket, how many
     */
    public static void main(String[] arguments) throws IOException {
        InetSocketAddress tcp = new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(arguments[0]));
        UnixDomainSocketAddress unix = UnixDomainSocketAddress.of(arguments[1]);
        ByteBuffer half = ByteBuffer.wrap(WireClient.bytes(out -> {
            out.writeInt(3);
            out.writeLong(HandshakeWire.OPTION_MAGIC);
            out.writeInt(HandshakeWire.OPT_GO);
            out.writeInt(4000);
            out.write(new byte[2000]);
        }));
        SocketChannel[] open = new SocketChannel[Integer.parseInt(arguments[2])];
        for (int i = 0; i < open.length; i++) {
            open[i] = SocketChannel.open(i % 2 == 0 ? tcp : unix);
            open[i].write(half.rewind());
        }
        while (System.in.read() >= 0) {
            // they stand still
        }
        for (SocketChannel channel : open) {
            channel.close();
        }
    }

    /** Starts them. They end with the process, or when its standard input is closed. */
    static Process start(NbdFixture nbd, int count) throws IOException {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx256m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        HalfOpenClients.class.getName(),
                        String.valueOf(((InetSocketAddress) nbd.tcpAddress()).getPort()),
                        nbd.unixAddress().toString(),
                        String.valueOf(count))
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
    }
}
