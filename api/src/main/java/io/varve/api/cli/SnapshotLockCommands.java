package io.varve.api.cli;

import io.vertx.core.json.JsonObject;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code varve snapshot lock} and {@code varve snapshot unlock}. */
final class SnapshotLockCommands {
    private SnapshotLockCommands() {}

    private static String path(ApiClient client, String snapshot) {
        return SnapshotCommands.PATH + "/" + Fields.segment(client.snapshotId(snapshot)) + "/lock";
    }

    /** {@code varve snapshot lock}. */
    @Command(
            name = "lock",
            description = "Keep a snapshot from being deleted, or change its lock.",
            mixinStandardHelpOptions = true)
    static final class Lock implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Parameters(paramLabel = SnapshotCommands.SNAPSHOT, description = SnapshotCommands.SNAPSHOT_TEXT)
        private String snapshot = "";

        @Option(
                names = "--mode",
                paramLabel = "MODE",
                defaultValue = "governance",
                description =
                        "governance: can be taken off; compliance: only while it cools off." + " Default: governance.")
        private String mode = "";

        @Option(names = "--days", paramLabel = "N", description = "How long it holds, from 1 to 36500.")
        private @Nullable Integer days;

        @Option(
                names = "--until",
                paramLabel = "TIME",
                description = "Until when it holds, such as 2030-01-31T00:00:00Z.")
        private @Nullable String until;

        @Option(
                names = "--cool-off-hours",
                paramLabel = "N",
                description = "With compliance: how long it can still be taken off, from 1 to 72.")
        private @Nullable Integer coolOffHours;

        @Override
        public void run() {
            ApiClient client = remote.client();
            JsonObject body = new JsonObject().put("mode", mode);
            Fields.put(body, "durationDays", days);
            Fields.put(body, "expirationTime", until);
            Fields.put(body, "coolOffHours", coolOffHours);
            JsonObject locked = client.put(path(client, snapshot), body);
            remote.show(locked);
        }
    }

    /** {@code varve snapshot unlock}. */
    @Command(name = "unlock", description = "Take a snapshot's lock off.", mixinStandardHelpOptions = true)
    static final class Unlock implements Runnable {
        @Mixin
        private Remote remote = new Remote();

        @Parameters(paramLabel = SnapshotCommands.SNAPSHOT, description = SnapshotCommands.SNAPSHOT_TEXT)
        private String snapshot = "";

        @Override
        public void run() {
            ApiClient client = remote.client();
            JsonObject unlocked = client.delete(path(client, snapshot));
            remote.show(unlocked);
        }
    }
}
