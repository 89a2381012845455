package io.varve.nbd;

import io.varve.engine.Volume;
import java.util.List;

/**
 * What a handshake agreed on.
 *
 * @param exportId the volume's or snapshot's id as text
 * @param volume the opened export
 * @param readOnly refuse everything that writes
 * @param style the messages of the transmission phase
 * @param contexts the metadata contexts that BLOCK_STATUS answers from
 */
record Session(String exportId, Volume volume, boolean readOnly, ReplyStyle style, List<OpenContext> contexts) {
    /** Gives back what was opened; once. Any thread. */
    void release() {
        contexts.forEach(context -> context.source().release());
        volume.release();
    }

    /** True if a volume or snapshot is in use by this session: as its export, or to be compared with. */
    boolean uses(String id) {
        return exportId.equals(id)
                || contexts.stream().anyMatch(context -> context.context().isSince(id));
    }
}
