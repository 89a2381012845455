package io.varve.engine.io;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Stream;

/** What this machine's processors can do, as the kernel tells it in /proc/cpuinfo, and who has them first. */
public final class Processor {
    private Processor() {}

    /** True if each of them has all of {@code flags}; false where the kernel does not say. */
    public static boolean has(Set<String> flags) {
        try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
            return eachHas(flags, lines);
        } catch (IOException unreadable) {
            return false;
        }
    }

    /**
     * Has the calling thread give way to others: under Linux a nice value is a thread's own. Cannot be taken back without a
     * privilege.
     *
     * @param increment 1 to 19; each step is about a tenth less of a processor that others want too (sched(7))
     */
    public static void giveWay(int increment) {
        int unused = Posix.C.nice(increment); // cannot fail upwards, and ends at 19
    }

    static boolean eachHas(Set<String> flags, Stream<String> cpuinfo) {
        long[] seen = {0};
        boolean all = cpuinfo.filter(line -> line.startsWith("flags"))
                .peek(line -> seen[0]++)
                .allMatch(line -> Set.copyOf(Arrays.asList(line.split("\\s+"))).containsAll(flags));
        return all && seen[0] > 0;
    }
}
