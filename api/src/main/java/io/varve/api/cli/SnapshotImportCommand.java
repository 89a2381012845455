package io.varve.api.cli;

import io.varve.api.ExitCode;
import io.vertx.core.json.JsonObject;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import me.tongfei.progressbar.ProgressBar;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code varve snapshot import}. */
@Command(
        name = "import",
        description = "Make a snapshot of a portable file, or of a disk image in the server's import directory.",
        footer = {"", "Where it broke off, --resume goes on."},
        mixinStandardHelpOptions = true)
final class SnapshotImportCommand implements Runnable {
    private static final String PATH = "v1/imports";

    @Mixin
    private Remote remote = new Remote();

    @Parameters(
            paramLabel = "FILE",
            description =
                    "The portable file; with --format, the name of the disk image in the server's import directory.")
    private Path file = Path.of("");

    @Option(
            names = "--format",
            paramLabel = "FORMAT",
            description = "raw, qcow2 or vmdk: read a disk image; it is never guessed.")
    private @Nullable String format;

    @Option(names = "--resume", paramLabel = "IMPORT", description = "Go on with this import.")
    private @Nullable String resume;

    @Option(names = "--description", paramLabel = "TEXT", description = "What the snapshot is for.")
    private @Nullable String description;

    @Mixin
    private NewLabelOptions label = new NewLabelOptions();

    @Override
    public void run() {
        ApiClient client = remote.client();
        if (format != null) {
            JsonObject body = described().put("format", format).put("file", file.toString());
            String path = PATH + "/" + client.post(PATH, body).getString("importId");
            remote.show(DiskImageProgress.follow(client, "import", path));
            return;
        }
        JsonObject begun = resume == null ? begin(client) : client.get(PATH + "/" + Fields.segment(resume));
        String id = begun.getString("importId");
        try {
            long size = Files.size(file);
            long offset = begun.getLong("receivedBytes");
            try (ProgressBar bar = Progress.bar("import", size)) {
                bar.stepTo(offset);
                JsonObject done =
                        client.upload(PATH + "/" + Fields.segment(id) + "/data", offset, () -> from(offset, bar));
                if (!done.getString("state").equals("completed")) {
                    throw new CommandException(
                            ExitCode.REFUSED, file + " ends too early; import " + id + " waits for the rest");
                }
                remote.show(done);
            }
        } catch (IOException | UncheckedIOException e) {
            throw new CommandException(
                    ExitCode.REFUSED,
                    "cannot read %s: %s; go on with --resume %s".formatted(file, e.getMessage(), id),
                    e);
        }
    }

    private JsonObject begin(ApiClient client) {
        return client.post(PATH, described());
    }

    private JsonObject described() {
        JsonObject body = new JsonObject();
        Fields.put(body, "description", description);
        label.putInto(body);
        return body;
    }

    private InputStream from(long offset, ProgressBar bar) {
        try {
            InputStream in = Files.newInputStream(file);
            in.skipNBytes(offset);
            return new FilterInputStream(in) {
                @Override
                public int read(byte[] bytes, int from, int length) throws IOException {
                    int count = super.read(bytes, from, length);
                    bar.stepBy(Math.max(0, count));
                    return count;
                }
            };
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
