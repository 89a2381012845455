package io.varve.api.cli;

import io.varve.api.ExitCode;
import io.vertx.core.json.JsonObject;
import java.util.concurrent.TimeUnit;
import me.tongfei.progressbar.ProgressBar;

/** Follows what a server does with a disk image to its end. */
final class DiskImageProgress {
    private static final long POLL_MILLIS = 250;

    private DiskImageProgress() {}

    /**
     * Waits until it is done, and gives what is said of it then.
     *
     * @param path of the import or export
     */
    static JsonObject follow(ApiClient client, String task, String path) {
        try (ProgressBar bar = Progress.percents(task)) {
            JsonObject job = client.get(path);
            while (job.getString("state").equals("converting")) {
                bar.stepTo(job.getInteger("progressPercent"));
                TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
                job = client.get(path);
            }
            if (!job.getString("state").equals("completed")) {
                throw new CommandException(
                        ExitCode.REFUSED, "the %s failed: %s".formatted(task, job.getString("failure")));
            }
            return job;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CommandException(ExitCode.REFUSED, "interrupted; the server goes on with " + path, e);
        }
    }
}
