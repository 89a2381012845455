package io.varve.api.diskimage;

import io.varve.api.diskimage.DiskImageException.Reason;
import java.io.IOException;
import java.io.InputStream;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** One run of qemu-img that reads or writes a whole image, and how far it is. Thread-safe. */
public final class Conversion {
    /** One that goes on for longer is ended. */
    private static final long MOST_HOURS = 24;

    private static final int MOST_TEXT_CHARS = 2000;
    private static final Pattern PROGRESS = Pattern.compile("\\s*\\((\\d{1,3})\\.\\d+/100%\\)\\s*");

    private volatile int percent;
    private boolean cancelled;
    private @Nullable Process process;

    /** How much is done, from 0 to 100. */
    public int percent() {
        return percent;
    }

    /** Ends it, or keeps it from beginning. Does not wait. */
    public synchronized void cancel() {
        cancelled = true;
        if (process != null) {
            process.destroyForcibly();
        }
    }

    /** Runs it to its end. Blocks. */
    void run(ProcessBuilder builder) throws IOException {
        Process started = start(builder);
        started.onExit().orTimeout(MOST_HOURS, TimeUnit.HOURS).exceptionally(late -> {
            started.destroyForcibly();
            return started;
        });
        String said = follow(started.getInputStream());
        int code = started.onExit().join().exitValue();
        if (isCancelled()) {
            throw cancelledBefore();
        }
        if (code != 0) {
            throw new DiskImageException(
                    Reason.FAILED, "qemu-img ended with %d: %s".formatted(code, QemuImg.shortened(said)));
        }
    }

    private synchronized Process start(ProcessBuilder builder) throws IOException {
        if (cancelled) {
            throw cancelledBefore();
        }
        Process started = builder.start();
        process = started;
        return started;
    }

    private synchronized boolean isCancelled() {
        return cancelled;
    }

    private static DiskImageException cancelledBefore() {
        return new DiskImageException(Reason.CANCELLED, "it was taken back, or the server stopped");
    }

    /** Reads what the program says until it is silent; what is not progress is given back. */
    private String follow(InputStream in) {
        StringBuilder said = new StringBuilder();
        StringBuilder line = new StringBuilder();
        try (in) {
            for (int c = in.read(); c >= 0; c = in.read()) {
                if (c != '\r' && c != '\n') {
                    if (line.length() < MOST_TEXT_CHARS) {
                        line.append((char) c);
                    }
                    continue;
                }
                Matcher progress = PROGRESS.matcher(line);
                if (progress.matches()) {
                    percent = Integer.parseInt(progress.group(1));
                } else if (said.length() < MOST_TEXT_CHARS) {
                    said.append(line).append(' ');
                }
                line.setLength(0);
            }
        } catch (IOException e) { // as a killed child's pipe ends
            said.append(e.getMessage());
        }
        return said.append(line).toString();
    }
}
