package io.varve.engine;

import io.varve.engine.io.Processor;
import java.util.Set;
import net.jpountz.lz4.LZ4Factory;

/**
 * LZ4 as fast as this machine can do it. The native library of lz4-java is compiled for x86-64-v3: on a processor
 * without that, which many virtual machines show, it would end the process (SIGILL), so that Java does the work there.
 * Thread-safe.
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
        return !System.getProperty("os.arch").equals("amd64") || Processor.has(NEEDED);
    }
}
