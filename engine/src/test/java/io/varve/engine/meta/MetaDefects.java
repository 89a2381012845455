package io.varve.engine.meta;

import java.lang.reflect.Field;
import java.util.Arrays;
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
            release((PageSpace) space, 2);
        }
    }

    /** What a commit frees may be given out after it, while the generation before is still on disk. */
    public static final class ReleasedByTheNextCommit {
        private ReleasedByTheNextCommit() {}

        @Advice.OnMethodExit
        static void after(@Advice.This(typing = Assigner.Typing.DYNAMIC) Object space) {
            release((PageSpace) space, 1);
        }
    }

    /** Makes as if so many commits had been made, and lets what is free be given out at once and not in its turn. */
    static void release(PageSpace space, int commits) {
        for (int i = 0; i < commits; i++) {
            space.committed();
        }
        try {
            Field free = PageSpace.class.getDeclaredField("free");
            free.setAccessible(true);
            Field nextCell = FreeCells.class.getDeclaredField("nextCell");
            nextCell.setAccessible(true);
            Arrays.fill((int[]) nextCell.get(free.get(space)), 0);
        } catch (ReflectiveOperationException e) {
            throw new LinkageError(e.getMessage(), e);
        }
    }
}
