package io.varve.engine.store;

import io.varve.engine.Completion;
import io.varve.engine.IoStatus;
import io.varve.engine.log.LogPosition;
import java.nio.ByteBuffer;
import java.util.List;
import net.bytebuddy.asm.Advice;
import net.bytebuddy.implementation.bytecode.assign.Assigner;

/** Code that becomes part of the engine's methods, for {@link PlantedDefect}. */
public final class EngineDefects {
    private EngineDefects() {}

    /** Of the segments written since the last sync only the newest is synced. */
    static final class OnlyNewest {
        private OnlyNewest() {}

        @Advice.OnMethodExit
        static void after(@Advice.Return List<?> segments) {
            segments.subList(0, Math.max(0, segments.size() - 1)).clear();
        }
    }

    /** A segment that was left behind after a checkpoint's freeze counts as synced by it. */
    static final class LeftBehindIsSynced {
        private LeftBehindIsSynced() {}

        @Advice.OnMethodEnter
        @SuppressWarnings("UnusedVariable")
        static void before(@Advice.Argument(value = 1, readOnly = false) LogPosition end) {
            end = LogPosition.START;
        }
    }

    /** A failed sync is no failure. */
    static final class SyncedAnyway {
        private SyncedAnyway() {}

        @Advice.OnMethodEnter
        @SuppressWarnings("UnusedVariable")
        static void before(
                @Advice.Argument(value = 1, readOnly = false, typing = Assigner.Typing.DYNAMIC) Object problem) {
            problem = null;
        }
    }

    /** Every opening but the first has the epoch of the one before. */
    static final class SameEpoch {
        private SameEpoch() {}

        @Advice.OnMethodExit
        @SuppressWarnings("UnusedVariable")
        static void after(@Advice.Return(readOnly = false) int epoch) {
            epoch = Math.max(1, epoch - 1);
        }
    }

    /** FUA is forgotten. */
    static final class NoFua {
        private NoFua() {}

        @Advice.OnMethodEnter
        static void before(@Advice.Argument(value = 0, typing = Assigner.Typing.DYNAMIC) Object request) {
            ((Request) request).fua = false;
        }
    }

    /** A write is acknowledged as it comes in. */
    static final class AcknowledgedAtOnce {
        private AcknowledgedAtOnce() {}

        @Advice.OnMethodEnter
        @SuppressWarnings("UnusedVariable")
        static void before(
                @Advice.Argument(0) long offset,
                @Advice.Argument(1) ByteBuffer source,
                @Advice.Argument(value = 3, readOnly = false) Completion completion,
                @Advice.FieldValue("sizeBytes") long sizeBytes) {
            if (offset + source.remaining() <= sizeBytes) {
                completion.completed(IoStatus.OK);
                completion = NOBODY;
            }
        }
    }

    /** Told the second answer. */
    public static final Completion NOBODY = status -> {};
}
