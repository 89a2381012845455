package io.varve.api.cli;

import io.varve.api.ExitCode;
import io.vertx.core.json.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code varve events}. */
@Command(
        name = "events",
        description = "Print what happens to volumes, snapshots and the rest, a line each, until it is ended.",
        mixinStandardHelpOptions = true)
public final class EventsCommand implements Runnable {
    private static final String DATA = "data: ";

    @Mixin
    private Remote remote = new Remote();

    @Override
    public void run() {
        try (BufferedReader lines = new BufferedReader(
                new InputStreamReader(remote.client().stream("v1/events"), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.startsWith(DATA)) {
                    JsonObject event = new JsonObject(line.substring(DATA.length()));
                    remote.show(
                            event,
                            out -> out.println("%s %s %s"
                                    .formatted(
                                            event.getString("time"), event.getString("id"), event.getString("state"))));
                }
            }
        } catch (IOException e) {
            throw new CommandException(ExitCode.UNREACHABLE, "the server is gone: " + e.getMessage(), e);
        }
    }
}
