package io.varve.nbd;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * What a BLOCK_STATUS asks about: which contexts, and how many bytes. A payload names both (extension EXTENDED_HEADERS,
 * NBD_CMD_BLOCK_STATUS); without one it is all contexts and the header's length.
 *
 * @param contexts empty if the payload names a context that was not selected, or one twice
 */
record StatusFilter(List<OpenContext> contexts, long length) {
    static StatusFilter of(NbdRequest request, List<OpenContext> selected) {
        ByteBuffer payload = request.data;
        if (payload == null) {
            return new StatusFilter(selected, request.length);
        }
        ByteBuffer ids = payload.duplicate();
        long length = ids.getLong();
        List<OpenContext> contexts = new ArrayList<>();
        while (ids.hasRemaining()) {
            int id = ids.getInt();
            boolean known = id >= 1 && id <= selected.size();
            if (!known || contexts.contains(selected.get(id - 1))) {
                return new StatusFilter(List.of(), length);
            }
            contexts.add(selected.get(id - 1));
        }
        return new StatusFilter(contexts, length);
    }
}
