package io.varve.engine.store;

import static net.bytebuddy.matcher.ElementMatchers.named;

import io.varve.engine.io.DiskFile;
import io.varve.engine.map.MapDefects;
import io.varve.engine.meta.MetaDefects;
import java.nio.ByteBuffer;
import net.bytebuddy.asm.Advice;
import net.bytebuddy.asm.AsmVisitorWrapper;
import net.bytebuddy.asm.MemberSubstitution;

/**
 * Mistakes that the simulation must find. Each is made in the byte code of one method while a copy of the engine is
 * loaded ({@link DefectiveEngine}), so that the engine itself has nothing in it for the tests' sake.
 */
enum PlantedDefect {
    MAP_NOT_SYNCED_BEFORE_THE_SUPERBLOCK("store.Checkpointer", "commitSuperblock") {
        @Override
        AsmVisitorWrapper change() {
            return without("sync");
        }
    },
    MAP_PAGE_REUSED_WITHIN_ITS_CHECKPOINT("meta.PageSpace", "free") {
        @Override
        AsmVisitorWrapper change() {
            return with(MetaDefects.ReleasedAtOnce.class);
        }
    },
    MAP_PAGE_REUSED_ONE_CHECKPOINT_EARLY("meta.PageSpace", "free") {
        @Override
        AsmVisitorWrapper change() {
            return with(MetaDefects.ReleasedByTheNextCommit.class);
        }
    },
    CHECK_OF_A_BLOCK_IGNORED("store.BlockReader", "matches") {
        @Override
        AsmVisitorWrapper change() {
            return answering(true);
        }
    },
    LIVE_COUNT_OFF_BY_ONE_ON_PAGE_COPY("map.BlockMap", "writableChild") {
        @Override
        AsmVisitorWrapper change() {
            return with(MapDefects.CopyMiscounts.class);
        }
    },
    FLOORS_NOT_RAISED_AT_A_SNAPSHOT("store.VolumeTree", "takeSnapshot") {
        @Override
        AsmVisitorWrapper change() {
            return without("setFloors");
        }
    },
    SNAPSHOT_OF_CLONES_FREED_EARLY("store.Descent", "hasClones") {
        @Override
        AsmVisitorWrapper change() {
            return answering(false);
        }
    },
    FLUSH_SKIPS_A_SEALED_SEGMENT("log.LogWriter", "takeUnsynced") {
        @Override
        AsmVisitorWrapper change() {
            return with(EngineDefects.OnlyNewest.class);
        }
    },
    CHECKPOINT_FORGETS_WHAT_CAME_AFTER_ITS_SYNC("log.LogWriter", "forgetSynced") {
        @Override
        AsmVisitorWrapper change() {
            return with(EngineDefects.LeftBehindIsSynced.class);
        }
    },
    RECOVERY_TRUSTS_THE_PAGE_CACHE("log.LogReader", "window") {
        @Override
        AsmVisitorWrapper change() {
            try {
                return MemberSubstitution.relaxed()
                        .failIfNoMatch(true)
                        .method(named("readDevice"))
                        .replaceWith(DiskFile.class.getMethod("read", long.class, ByteBuffer.class))
                        .on(named(method));
            } catch (NoSuchMethodException e) {
                throw new AssertionError(e);
            }
        }
    },
    FAILED_SYNC_ANSWERED_OK("store.GroupCommit", "synced") {
        @Override
        AsmVisitorWrapper change() {
            return with(EngineDefects.SyncedAnyway.class);
        }
    },
    MERGE_IGNORES_AN_EARLIER_HELD_WRITE("store.HeldRequests", "mustWait") {
        @Override
        AsmVisitorWrapper change() {
            return answering(false);
        }
    },
    FUA_ACKNOWLEDGED_BEFORE_ITS_SYNC("store.WritePath", "finishAfterSyncIf") {
        @Override
        AsmVisitorWrapper change() {
            return with(EngineDefects.NoFua.class);
        }
    },
    WRITE_ACKNOWLEDGED_BEFORE_THE_KERNEL_HAS_IT("store.OpenVolume", "write") {
        @Override
        AsmVisitorWrapper change() {
            return with(EngineDefects.AcknowledgedAtOnce.class);
        }
    },
    EPOCH_NOT_INCREASED("store.HostOfVolume", "nextEpoch") {
        @Override
        AsmVisitorWrapper change() {
            return with(EngineDefects.SameEpoch.class);
        }
    },
    REPLAY_BELIEVES_A_TORN_PAYLOAD("log.LogReader", "blocksMatch") {
        @Override
        AsmVisitorWrapper change() {
            return answering(true);
        }
    },
    TRIM_WITHOUT_A_RECORD("store.WriteBatch", "appendClear") {
        @Override
        AsmVisitorWrapper change() {
            return without("appendControl");
        }
    };

    final String className;
    final String method;

    PlantedDefect(String className, String method) {
        this.className = "io.varve.engine." + className;
        this.method = method;
    }

    /** The mistake. */
    abstract AsmVisitorWrapper change();

    AsmVisitorWrapper with(Class<?> advice) {
        return Advice.to(advice).on(named(method));
    }

    AsmVisitorWrapper without(String call) {
        return MemberSubstitution.relaxed()
                .failIfNoMatch(true)
                .method(named(call))
                .stub()
                .on(named(method));
    }

    AsmVisitorWrapper answering(boolean value) {
        return with(value ? Yes.class : No.class);
    }

    /** Answers true. */
    static final class Yes {
        private Yes() {}

        @Advice.OnMethodExit
        @SuppressWarnings("UnusedVariable")
        static void after(@Advice.Return(readOnly = false) boolean answer) {
            answer = true;
        }
    }

    /** Answers false. */
    static final class No {
        private No() {}

        @Advice.OnMethodExit
        @SuppressWarnings("UnusedVariable")
        static void after(@Advice.Return(readOnly = false) boolean answer) {
            answer = false;
        }
    }
}
