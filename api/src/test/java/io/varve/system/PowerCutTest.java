package io.varve.system;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.testing.RequiresTools;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The power of a virtual machine goes again and again while it writes files and syncs them, and every other time the
 * server is killed with it. After each cut the file system is whole and has everything that was synced (laws 1 and 2).
 */
@Tag("slow")
@RequiresTools({
    "qemu-system-x86_64",
    "busybox",
    "cpio",
    "nbd-client",
    "mkfs.ext4",
    "e2fsck",
    "modprobe",
    "depmod",
    "apt-get",
    "dpkg-deb"
})
class PowerCutTest {
    private static final int ROUNDS = Integer.getInteger("varve.powercut.rounds", 3);
    private static final Pattern SYNCED = Pattern.compile("synced write (\\d+)\\.");

    @TempDir
    Path directory;

    @Test
    void whatAMachineSyncedIsThereAfterThePowerWent() {
        GuestKernel kernel = GuestKernel.into(directory);
        long seed = System.nanoTime();
        System.out.printf("cutting the power %d times, seed %d%n", ROUNDS, seed);
        Random random = new Random(seed);
        ServerProcess server = ServerProcess.start(directory);
        try {
            String volume = server.newVolume("disk", 1);
            long synced = 0;
            for (int round = 0; round <= ROUNDS; round++) {
                String disk = "file=" + server.unixUri(volume) + ",format=raw,if=virtio,cache=writeback,discard=unmap";
                Map<String, String> environment =
                        Map.of("fresh", round == 0 ? "1" : "0", "synced", String.valueOf(synced));
                try (Guest guest = kernel.boot("power-cut", environment, "-drive", disk)) {
                    guest.await("found all up to write " + synced, GuestKernel.PATIENCE);
                    long enough = synced + 1 + random.nextInt(40);
                    guest.await("synced write " + enough + ".", GuestKernel.PATIENCE);
                    if (round % 2 == 1) {
                        server.kill();
                    }
                    synced = Math.max(enough, lastSynced(guest.pullThePlug()));
                }
                System.out.printf("power cut %d: write %d was synced%n", round + 1, synced);
                if (round % 2 == 1) {
                    server.close();
                    server = ServerProcess.start(directory);
                }
            }
            assertThat(synced).isGreaterThanOrEqualTo(ROUNDS);
        } finally {
            server.close();
        }
    }

    private static long lastSynced(List<String> console) {
        long last = 0;
        for (String line : console) {
            Matcher matcher = SYNCED.matcher(line);
            if (matcher.find()) {
                last = Long.parseLong(matcher.group(1));
            }
        }
        return last;
    }
}
