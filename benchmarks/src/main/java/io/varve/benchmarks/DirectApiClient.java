package io.varve.benchmarks;

import io.vertx.core.json.JsonObject;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Base64;
import java.util.Locale;
import java.util.SplittableRandom;

/**
 * One connection that speaks no more of HTTP than the benchmark needs: an answer has a Content-Length. It does nothing
 * with the bytes, so that what is measured is the server. One thread.
 */
final class DirectApiClient implements AutoCloseable {
    static final int BLOCK_BYTES = 512 << 10;

    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC);
    private static final int MOST_HEAD_BYTES = 16 << 10;
    private static final String LENGTH = "content-length:";

    private final Socket socket;
    private final InputStream in;
    private final OutputStream out;
    private final byte[] received = new byte[4 << 20];

    /** A block and its digest, made beforehand. */
    static final class Sample {
        private final byte[] block;
        private final String digest;

        private Sample(byte[] block, String digest) {
            this.block = block;
            this.digest = digest;
        }

        static Sample random(SplittableRandom random) {
            byte[] bytes = new byte[BLOCK_BYTES];
            random.nextBytes(bytes);
            try {
                byte[] digest = MessageDigest.getInstance("SHA-256").digest(bytes);
                return new Sample(bytes, Base64.getEncoder().encodeToString(digest));
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    DirectApiClient(URI server) throws IOException {
        socket = new Socket(server.getHost(), server.getPort());
        socket.setTcpNoDelay(true);
        in = socket.getInputStream();
        out = socket.getOutputStream();
    }

    void put(String snapshot, int index, Sample sample) throws IOException {
        String headers = "x-amz-Data-Length: " + BLOCK_BYTES + "\r\nx-amz-Checksum: " + sample.digest
                + "\r\nx-amz-Checksum-Algorithm: SHA256\r\n";
        send("PUT", "/snapshots/" + snapshot + "/blocks/" + index, signed() + headers, sample.block);
    }

    void get(String snapshot, int index, String token) throws IOException {
        int length = send(
                "GET", "/snapshots/" + snapshot + "/blocks/" + index + "?blockToken=" + token, signed(), new byte[0]);
        if (length != BLOCK_BYTES) {
            throw new IOException("a block of " + length + " bytes");
        }
    }

    JsonObject json(String method, String path, JsonObject body, String headers) throws IOException {
        byte[] bytes = body.isEmpty() ? new byte[0] : body.toBuffer().getBytes();
        int length = send(method, path, signed() + headers, bytes);
        return new JsonObject(new String(received, 0, length, StandardCharsets.UTF_8));
    }

    void nativeCall(String method, String path, JsonObject body) throws IOException {
        byte[] bytes = body.isEmpty() ? new byte[0] : body.toBuffer().getBytes();
        int unused = send(method, path, bytes.length == 0 ? "" : "Content-Type: application/json\r\n", bytes);
    }

    /** A signature that a server takes which was told of no keys. */
    private static String signed() {
        String time = TIME.format(Instant.now());
        return "X-Amz-Date: " + time + "\r\nX-Amz-Content-Sha256: UNSIGNED-PAYLOAD\r\n"
                + "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/" + time.substring(0, 8)
                + "/us-east-1/ebs/aws4_request, SignedHeaders=host;x-amz-date, Signature=" + "0".repeat(64) + "\r\n";
    }

    /** Sends a request and reads the answer; gives the length of its body. */
    private int send(String method, String path, String headers, byte[] body) throws IOException {
        String head = method + " " + path + " HTTP/1.1\r\nHost: "
                + socket.getInetAddress().getHostAddress() + ":" + socket.getPort() + "\r\nContent-Length: "
                + body.length + "\r\n" + headers + "\r\n";
        out.write(head.getBytes(StandardCharsets.US_ASCII));
        out.write(body);
        out.flush();
        int filled = 0;
        int end = -1;
        while (end < 0) {
            int count = in.read(received, filled, MOST_HEAD_BYTES - filled);
            if (count < 0) {
                throw new EOFException();
            }
            filled += count;
            end = headEnd(filled);
        }
        String answer = new String(received, 0, end, StandardCharsets.US_ASCII);
        int length = length(answer);
        int early = filled - end;
        System.arraycopy(received, end, received, 0, early);
        if (in.readNBytes(received, early, length - early) < length - early) {
            throw new EOFException();
        }
        if (!answer.startsWith("HTTP/1.1 2")) {
            throw new IOException(answer + new String(received, 0, length, StandardCharsets.UTF_8));
        }
        return length;
    }

    private int headEnd(int filled) {
        for (int i = 3; i < filled; i++) {
            if (received[i] == '\n' && received[i - 1] == '\r' && received[i - 2] == '\n') {
                return i + 1;
            }
        }
        return -1;
    }

    private static int length(String head) {
        return head.lines()
                .map(line -> line.toLowerCase(Locale.ROOT))
                .filter(line -> line.startsWith(LENGTH))
                .map(line -> Integer.parseInt(line.substring(LENGTH.length()).trim()))
                .findFirst()
                .orElse(0);
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
