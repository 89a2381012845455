package io.varve.testing;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Runs other programs from tests, and leaves none running. */
public final class Tools {

    /** Where Debian keeps programs for root; a user's PATH often lacks them though the user may run them. */
    private static final String ROOT_PATH = "/usr/local/sbin:/usr/sbin:/sbin";

    private Tools() {}

    /**
     * What a program left behind.
     *
     * @param command as it was run
     * @param exitCode as a shell shows it: 128 + the signal's number where one killed it
     * @param output all of standard output
     * @param errors all of standard error
     */
    public record Finished(List<String> command, int exitCode, String output, String errors) {

        /**
         * Itself, where the exit code was 0.
         *
         * @throws AssertionError otherwise, with all that the program said
         */
        public Finished succeeded() {
            if (exitCode != 0) {
                throw new AssertionError("exit code " + exitCode + " from " + this);
            }
            return this;
        }

        @Override
        public String toString() {
            return String.join(" ", command) + "\n--- output ---\n" + output + "\n--- errors ---\n" + errors;
        }
    }

    /** The program's place, on the PATH or where root's programs are. */
    public static Optional<Path> find(String tool) {
        String path = System.getenv().getOrDefault("PATH", "") + File.pathSeparator + ROOT_PATH;
        return Arrays.stream(path.split(File.pathSeparator, -1))
                .filter(directory -> !directory.isEmpty())
                .map(directory -> Path.of(directory, tool))
                .filter(file -> Files.isRegularFile(file) && Files.isExecutable(file))
                .findFirst();
    }

    /**
     * Runs a program, without standard input, until it ends by itself. What it started and left running is killed then,
     * but for daemons that made a session of their own.
     *
     * @param timeout after which all of it is killed
     * @param command the program's name or path, and its arguments
     * @return its exit code, whatever that is, and what it printed
     * @throws AssertionError where the program is missing, or did not end in time
     */
    public static Finished run(Duration timeout, String... command) {
        List<String> line = new ArrayList<>(List.of(command));
        line.set(0, locate(command[0]).toString());
        line.add(0, "setsid"); // which makes the program the leader of a process group, to be killed as one
        try {
            // Files, not pipes: a grandchild that outlives the program keeps a pipe open, and its reader waiting.
            Path output = Files.createTempFile("varve-tool-", ".out");
            Path errors = Files.createTempFile("varve-tool-", ".err");
            try {
                Process process = new ProcessBuilder(line)
                        .redirectInput(new File("/dev/null"))
                        .redirectOutput(output.toFile())
                        .redirectError(errors.toFile())
                        .start();
                boolean ended = awaitEnd(process, timeout);
                Finished finished =
                        new Finished(List.of(command), ended ? process.exitValue() : -1, text(output), text(errors));
                if (!ended) {
                    throw new AssertionError("killed, not ended after " + timeout.toMillis() + " ms: " + finished);
                }
                return finished;
            } finally {
                Files.delete(output);
                Files.delete(errors);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot run " + String.join(" ", command), e);
        }
    }

    private static boolean awaitEnd(Process process, Duration timeout) {
        try {
            return process.waitFor(timeout.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } finally {
            killGroup(process);
        }
    }

    private static void killGroup(Process leader) {
        try {
            // The shell's own kill: no signal but TERM and KILL to single processes can be sent from Java. It fails
            // where nobody of the group is left, which is the usual case.
            Process kill = new ProcessBuilder("sh", "-c", "kill -s KILL -- -" + leader.pid() + " 2>/dev/null").start();
            kill.onExit().join();
            leader.onExit().join();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot kill the process group " + leader.pid(), e);
        }
    }

    private static Path locate(String tool) {
        if (tool.contains("/")) {
            return Path.of(tool);
        }
        return find(tool)
                .orElseThrow(() -> new AssertionError(
                        tool + " is not on this machine: " + DebianPackages.installCommand(List.of(tool))));
    }

    private static String text(Path file) throws IOException {
        return Files.readString(file, StandardCharsets.UTF_8);
    }
}
