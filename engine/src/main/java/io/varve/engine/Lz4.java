package io.varve.engine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Stream;
import net.jpountz.lz4.LZ4Factory;

/**
 * LZ4 as fast as this machine can do it. The native library of lz4-java is compiled for x86-64-v3: on a processor without
 * that, which many virtual machines show, it would end the process (SIGILL), so that Java does the work there. Thread-safe.
 */
public final class Lz4 {
    /** What x86-64-v3 has more than x86-64-v2, by the names in /proc/cpuinfo (lzcnt goes by abm there). */
    private static final Set<String> NEEDED = Set.of("abm", "avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe");

    private static final LZ4Factory FACTORY =
            nativeLibraryRuns() ? LZ4Factory.fastestInstance() : LZ4Factory.fastestJavaInstance();

    private Lz4() {}

    /** The implementation that everything here compresses and restores with. */
    public static LZ4Factory factory() {
        return FACTORY;
    }

    private static boolean nativeLibraryRuns() {
        if (!System.getProperty("os.arch").equals("amd64")) {
            return true;
        }
        try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
            return runsOn(lines);
        } catch (IOException unreadable) {
            return false;
        }
    }

    /** True if every processor that is listed has all that the native library needs. */
    static boolean runsOn(Stream<String> cpuinfo) {
        long[] seen = {0};
        boolean all = cpuinfo.filter(line -> line.startsWith("flags"))
                .peek(line -> seen[0]++)
                .allMatch(line -> Set.copyOf(Arrays.asList(line.split("\\s+"))).containsAll(NEEDED));
        return all && seen[0] > 0;
    }
}
