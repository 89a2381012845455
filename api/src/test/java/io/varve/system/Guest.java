package io.varve.system;

import io.varve.testing.Background;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * A machine in QEMU that runs one script of the initramfs and switches itself off. Its serial console is the way to
 * talk to it: what it prints is kept, line by line, and its script can read a line.
 */
final class Guest implements AutoCloseable {
    /** How a guest sees the loopback of this machine. */
    static final String HOST = "10.0.2.2";

    private static final String END_OF_CONSOLE = "end of the console";

    private final Process qemu;
    private final BufferedWriter keyboard;
    private final LinkedBlockingQueue<String> arrived = new LinkedBlockingQueue<>();
    private final List<String> console = new ArrayList<>();

    private Guest(Process qemu) {
        this.qemu = qemu;
        keyboard = qemu.outputWriter(StandardCharsets.UTF_8);
    }

    /**
     * Boots.
     *
     * @param script its name in the initramfs
     * @param environment the script's
     * @param devices more arguments of QEMU's
     */
    static Guest boot(
            Path kernel, Path initramfs, String script, Map<String, String> environment, List<String> devices) {
        // In emulation on a busy machine the kernel's check of its timer fails now and then, and what ACPI says of the
        // interrupts of PCI devices takes longer than the kernel waits.
        StringBuilder line =
                new StringBuilder("console=ttyS0 quiet panic=-1 no_timer_check pci=noacpi script=" + script);
        environment.forEach(
                (name, value) -> line.append(' ').append(name).append('=').append(value));
        List<String> command = new ArrayList<>(List.of("qemu-system-x86_64", "-accel", "tcg", "-m", "512"));
        // No window, no monitor, no reboot after a panic, and no boot menu's control characters on the console.
        command.addAll(List.of("-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio"));
        command.addAll(List.of("-kernel", kernel.toString(), "-initrd", initramfs.toString()));
        command.addAll(List.of("-append", line.toString()));
        command.addAll(devices);
        try {
            Guest guest = new Guest(
                    new ProcessBuilder(command).redirectErrorStream(true).start());
            Background.run(guest::listen);
            return guest;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void listen() {
        try (BufferedReader lines = qemu.inputReader(StandardCharsets.UTF_8)) {
            lines.lines().forEach(arrived::add);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            arrived.add(END_OF_CONSOLE);
        }
    }

    /** Waits until the guest has printed a line with {@code text} in it. */
    void await(String text, Duration patience) {
        long deadline = System.nanoTime() + patience.toNanos();
        try {
            String line;
            do {
                line = arrived.poll(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
                if (line == null || line.equals(END_OF_CONSOLE)) {
                    throw new AssertionError("the guest has not said \"" + text + "\" but:\n" + text());
                }
                console.add(line);
            } while (!line.contains(text));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    /** Types a line, which the script reads. */
    void type(String line) {
        try {
            keyboard.write(line + "\n");
            keyboard.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Waits until the script has ended well, and the machine is off. */
    String awaitSuccess(Duration patience) {
        await("guest ended with 0", patience);
        await(qemu, patience);
        return text();
    }

    private void await(Process process, Duration patience) {
        try {
            if (!process.waitFor(patience.toNanos(), TimeUnit.NANOSECONDS)) {
                throw new AssertionError("the guest has not switched itself off:\n" + text());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    private String text() {
        return String.join("\n", console);
    }

    /** Ends the machine as a power cut does; answers what it had printed since it was last waited for. */
    List<String> pullThePlug() {
        close();
        List<String> rest = new ArrayList<>();
        try {
            for (String line = arrived.take(); !line.equals(END_OF_CONSOLE); line = arrived.take()) {
                rest.add(line);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
        return rest;
    }

    /** Pulls the plug. */
    @Override
    public void close() {
        qemu.destroyForcibly().onExit().join();
    }
}
