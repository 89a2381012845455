package io.varve.engine.map;

import net.bytebuddy.asm.Advice;
import net.bytebuddy.implementation.bytecode.assign.Assigner;

/** Defects of block maps, for {@code PlantedDefect}. Their code becomes part of the methods that they stand around. */
public final class MapDefects {
    private MapDefects() {}

    /** The first block of a leaf counts as dead when the leaf is copied. */
    public static final class CopyMiscounts {
        private CopyMiscounts() {}

        @Advice.OnMethodEnter
        static Object before(
                @Advice.Argument(value = 0, typing = Assigner.Typing.DYNAMIC) Object parent,
                @Advice.Argument(1) int index) {
            return ((Node) parent).children[index];
        }

        @Advice.OnMethodExit
        static void after(
                @Advice.Enter Object before,
                @Advice.Return(typing = Assigner.Typing.DYNAMIC) Object after,
                @Advice.FieldValue("changes") MapChanges changes) {
            Node copy = (Node) after;
            if (before != null && before != copy && copy.level == 0 && Frame.entry(copy.frame, 0) > Frame.CHILD) {
                changes.addDead(Frame.entry(copy.frame, 0));
            }
        }
    }
}
