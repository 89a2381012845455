package io.varve.system;

import io.varve.testing.Tools;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import org.awaitility.core.ConditionTimeoutException;

/**
 * An export as a disk of this machine, and its file system mounted: nbdfuse, a loop device and mount, as the README
 * shows. Closing undoes each of them, the last first, and goes on where one cannot be undone.
 */
final class HostMount implements AutoCloseable {
    private static final Duration AMPLE = Duration.ofMinutes(2);

    private final Path root;
    private final Deque<Undo> undo = new ArrayDeque<>();
    private String device = "";

    /** Takes back one step; fails with an AssertionError. */
    @FunctionalInterface
    private interface Undo {
        void run();
    }

    private HostMount(Path root) {
        this.root = root;
    }

    /** Makes a block device of the export; {@code directory} is for this mount alone and need not be there yet. */
    static HostMount attach(Path directory, String uri) {
        HostMount mount = new HostMount(directory.resolve("root"));
        try {
            Path fuse = Files.createDirectories(directory.resolve("fuse"));
            Files.createDirectories(mount.root);
            FuseFile file = FuseFile.mount(fuse, directory, uri);
            mount.undo.push(file::close);
            mount.attachLoop(file.file());
            return mount;
        } catch (IOException e) {
            throw mount.failed(new UncheckedIOException(e));
        } catch (ConditionTimeoutException e) {
            throw mount.failed(e);
        } catch (AssertionError e) {
            throw mount.failed(e);
        }
    }

    private <T extends Throwable> T failed(T cause) {
        try {
            close();
        } catch (AssertionError e) {
            cause.addSuppressed(e);
        }
        return cause;
    }

    private void attachLoop(Path file) {
        device = run("losetup", "-f", "--show", file.toString()).output().strip();
        undo.push(() -> run("losetup", "-d", device));
    }

    /** The block device: {@code /dev/loop3}. */
    String device() {
        return device;
    }

    /** Where the file system is mounted. */
    Path root() {
        return root;
    }

    /** Mounts the file system that is on the device. */
    void mount(String options) {
        run("mount", "-o", options, device, root.toString());
        undo.push(() -> runOrElse("umount " + root, "umount -l " + root));
    }

    void unmount() {
        undo.pop().run();
    }

    /** Runs a program that has to succeed. */
    static Tools.Finished run(String... command) {
        return Tools.run(AMPLE, command).succeeded();
    }

    private static void runOrElse(String command, String insteadOfFailing) {
        try {
            run(command.split(" ", -1));
        } catch (AssertionError e) {
            run(insteadOfFailing.split(" ", -1));
            throw e;
        }
    }

    @Override
    public void close() {
        AssertionError failure = null;
        while (!undo.isEmpty()) {
            try {
                undo.pop().run();
            } catch (AssertionError e) {
                if (failure == null) {
                    failure = e;
                } else {
                    failure.addSuppressed(e);
                }
            }
        }
        if (failure != null) {
            throw failure;
        }
    }
}
