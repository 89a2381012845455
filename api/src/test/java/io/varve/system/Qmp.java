package io.varve.system;

import io.vertx.core.json.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.awaitility.Awaitility;

/** QEMU's monitor for programs: one JSON object a line, each way (docs/interop/qmp-spec of QEMU). One thread. */
final class Qmp implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final SocketChannel channel;
    private final BufferedReader lines;

    private Qmp(SocketChannel channel) {
        this.channel = channel;
        lines = new BufferedReader(Channels.newReader(channel, StandardCharsets.UTF_8));
    }

    /** What makes QEMU listen. */
    static String option(Path socket) {
        return "unix:" + socket + ",server=on,wait=off";
    }

    static Qmp connect(Path socket) {
        Awaitility.await().atMost(PATIENCE).until(() -> Files.exists(socket));
        try {
            SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
            channel.connect(UnixDomainSocketAddress.of(socket));
            Qmp qmp = new Qmp(channel);
            qmp.receive(); // the greeting
            qmp.execute("qmp_capabilities", new JsonObject());
            return qmp;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Executes a command that must succeed. */
    void execute(String command, JsonObject arguments) {
        JsonObject answer = answer(command, arguments);
        if (!answer.containsKey("return")) {
            throw new AssertionError(command + " " + arguments + " gave " + answer);
        }
    }

    /** Executes a command that must fail, and gives what QEMU says. */
    String refusal(String command, JsonObject arguments) {
        JsonObject answer = answer(command, arguments);
        if (!answer.containsKey("error")) {
            throw new AssertionError(command + " " + arguments + " gave " + answer);
        }
        return answer.getJsonObject("error").getString("desc");
    }

    private JsonObject answer(String command, JsonObject arguments) {
        try {
            String line = new JsonObject()
                            .put("execute", command)
                            .put("arguments", arguments)
                            .encode() + "\n";
            ByteBuffer bytes = ByteBuffer.wrap(line.getBytes(StandardCharsets.UTF_8));
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            JsonObject answer = receive();
            while (answer.containsKey("event")) {
                answer = receive();
            }
            return answer;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private JsonObject receive() throws IOException {
        return new JsonObject(lines.readLine());
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
