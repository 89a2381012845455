package io.varve.engine.meta;

import net.bytebuddy.asm.Advice;
import net.bytebuddy.implementation.bytecode.assign.Assigner;

/** Defects of the store's tables and page space, for {@code PlantedDefect}. */
public final class MetaDefects {
    private MetaDefects() {}

    /** What is freed may be given out before any commit. */
    public static final class ReleasedAtOnce {
        private ReleasedAtOnce() {}

        @Advice.OnMethodExit
        static void after(@Advice.This(typing = Assigner.Typing.DYNAMIC) Object space) {
            ((PageSpace) space).committed();
            ((PageSpace) space).committed();
        }
    }

    /** What a commit frees may be given out after it, while the generation before is still on disk. */
    public static final class ReleasedByTheNextCommit {
        private ReleasedByTheNextCommit() {}

        @Advice.OnMethodExit
        static void after(@Advice.This(typing = Assigner.Typing.DYNAMIC) Object space) {
            ((PageSpace) space).committed();
        }
    }
}
