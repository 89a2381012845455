package io.varve.api;

import com.sun.management.HotSpotDiagnosticMXBean;
import io.varve.engine.MemoryBudget;
import java.lang.management.ManagementFactory;

/** The memory that the server is told to use, held against what the JVM lets it have. */
final class MemorySetting {
    private static final int MIB_SHIFT = 20;
    private static final long MOST_MIB = 1 << 20;
    /** The JVM's limit has to be a part of so many above the budget. */
    private static final int SLACK_PARTS = 8;

    private MemorySetting() {}

    /**
     * The budget of so many MiB; empty for what the JVM allows.
     *
     * @throws StartException if that is no number, too little, or more than the JVM allows
     */
    static MemoryBudget budget(String mib) {
        return budget(mib, directLimitBytes());
    }

    static MemoryBudget budget(String mib, long limitBytes) {
        long most = limitBytes / (SLACK_PARTS + 1) * SLACK_PARTS;
        if (mib.isEmpty()) {
            return MemoryBudget.of(Math.max(most, MemoryBudget.LEAST_BYTES));
        }
        long bytes = bytes(mib);
        if (bytes > most) {
            throw new StartException(
                    ExitCode.USAGE,
                    "a memory of %s MiB needs -XX:MaxDirectMemorySize=%dm, and the JVM has %d MiB: give --memory on the"
                                    .formatted(mib, (bytes + bytes / SLACK_PARTS) >> MIB_SHIFT, limitBytes >> MIB_SHIFT)
                            + " command line of the launcher varve, or the option in VARVE_JAVA_OPTS");
        }
        return MemoryBudget.of(bytes);
    }

    private static long bytes(String mib) {
        long least = MemoryBudget.LEAST_BYTES >> MIB_SHIFT;
        try {
            long count = Long.parseLong(mib);
            if (count >= least && count <= MOST_MIB) {
                return count << MIB_SHIFT;
            }
        } catch (NumberFormatException e) {
            throw new StartException(ExitCode.USAGE, "--memory is a number, not " + mib, e);
        }
        throw new StartException(ExitCode.USAGE, "--memory is from " + least + " to " + MOST_MIB + ", not " + mib);
    }

    /** 0 stands for as much as the heap may have. */
    private static long directLimitBytes() {
        HotSpotDiagnosticMXBean jvm = ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class);
        long limit = Long.parseLong(jvm.getVMOption("MaxDirectMemorySize").getValue());
        return limit == 0 ? Runtime.getRuntime().maxMemory() : limit;
    }
}
