package io.varve.api.cli;

import io.varve.api.ExitCode;
import io.varve.api.portable.PortableException;
import io.varve.api.portable.PortableHeader;
import io.varve.api.portable.PortableReader;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import me.tongfei.progressbar.ProgressBar;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code varve snapshot export}: every record is checked as it comes. */
@Command(
        name = "export",
        description =
                "Write a snapshot to a portable file, or to a disk image in the server's import directory. If the portable"
                        + " file is there already and was cut off, go on with it.",
        mixinStandardHelpOptions = true)
final class SnapshotExportCommand implements Runnable {
    private static final String EXPORTS = "v1/exports";
    private static final int CHUNK_BYTES = 1 << 20;

    @Mixin
    private Remote remote = new Remote();

    @Parameters(index = "0", paramLabel = SnapshotCommands.SNAPSHOT, description = SnapshotCommands.SNAPSHOT_TEXT)
    private String snapshot = "";

    @Parameters(
            index = "1",
            paramLabel = "FILE",
            description = "The portable file; with --format, the name of the new disk image in the server's import"
                    + " directory.")
    private Path file = Path.of("");

    @Option(
            names = "--since",
            paramLabel = "SNAPSHOT",
            description = "Only what was changed since this older snapshot of its past.")
    private @Nullable String since;

    @Option(names = "--format", paramLabel = "FORMAT", description = "raw, qcow2 or vmdk: write a disk image.")
    private @Nullable String format;

    @Override
    public void run() {
        ApiClient client = remote.client();
        String id = client.snapshotId(snapshot);
        if (format != null) {
            writeImage(client, id, format);
            return;
        }
        String base = since == null ? "" : client.snapshotId(since);
        JsonObject described = client.get(SnapshotCommands.PATH + "/" + Fields.segment(id));
        long expected = since == null ? described.getLong("usedBytes") : -1;
        try (FileChannel channel = FileChannel.open(
                        file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
                ProgressBar bar = Progress.bar("export", expected)) {
            FileScan scan = new FileScan(bar::stepBy);
            PortableReader reader = new PortableReader(scan);
            skipWhatIsThere(channel, reader);
            requireSame(scan.seen(), id, base);
            if (!reader.ended()) {
                String path = SnapshotCommands.PATH + "/" + Fields.segment(id) + "/export" + query(reader, base);
                receive(client, path, channel, reader);
            }
            channel.force(true);
            remote.say("wrote " + file + ", " + GiB.human(channel.size()));
        } catch (IOException e) {
            throw new CommandException(ExitCode.REFUSED, "cannot write " + file + ": " + e.getMessage(), e);
        } catch (PortableException e) {
            throw new CommandException(ExitCode.REFUSED, file + ": " + e.getMessage(), e);
        }
    }

    private void writeImage(ApiClient client, String id, String imageFormat) {
        if (since != null) {
            throw new CommandException(ExitCode.USAGE, "--since is for portable files: a disk image is always whole");
        }
        JsonObject body = new JsonObject()
                .put("snapshotId", id)
                .put("format", imageFormat)
                .put("file", file.toString());
        String path = EXPORTS + "/" + client.post(EXPORTS, body).getString("exportId");
        remote.show(DiskImageProgress.follow(client, "export", path));
    }

    private static String query(PortableReader reader, String base) {
        String query = base.isEmpty() ? "?" : "?since=" + base;
        return reader.position() == 0
                ? query
                : query + "&from=" + reader.nextOffset() + "&digest=" + reader.digestHex();
    }

    /** Reads the file up to its last whole record, and cuts off what is behind. */
    private static void skipWhatIsThere(FileChannel channel, PortableReader reader) throws IOException {
        InputStream in = Channels.newInputStream(channel);
        byte[] chunk = new byte[CHUNK_BYTES];
        for (int count = in.read(chunk); count > 0; count = in.read(chunk)) {
            reader.read(Arrays.copyOf(chunk, count));
        }
        reader.dropPart();
        channel.truncate(reader.position()).position(reader.position());
    }

    private void requireSame(@Nullable PortableHeader header, String id, String base) {
        if (header != null && !header.isOf(id, base)) {
            throw new CommandException(ExitCode.REFUSED, file + " is the file of another snapshot");
        }
    }

    private static void receive(ApiClient client, String path, FileChannel channel, PortableReader reader)
            throws IOException {
        OutputStream out = Channels.newOutputStream(channel);
        try (InputStream in = client.stream(path)) {
            byte[] chunk = new byte[CHUNK_BYTES];
            for (int count = in.read(chunk); count > 0; count = in.read(chunk)) {
                byte[] bytes = Arrays.copyOf(chunk, count);
                reader.read(bytes);
                out.write(bytes);
            }
        }
        if (!reader.ended()) {
            throw new IOException("the server broke off; the same command goes on");
        }
    }
}
