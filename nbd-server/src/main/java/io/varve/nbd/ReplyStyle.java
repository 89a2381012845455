package io.varve.nbd;

/** Which messages the transmission phase is made of (proto.md, "Transmission"; EXTENDED_HEADERS extension). */
enum ReplyStyle {
    /** Short requests; each is answered by one simple reply. */
    SIMPLE(TransmissionWire.REQUEST_BYTES, 0),
    /** Short requests; answers are structured chunks wherever they carry anything. */
    STRUCTURED(TransmissionWire.REQUEST_BYTES, TransmissionWire.CHUNK_HEADER_BYTES),
    /** Requests with lengths of 64 bits; every answer is made of extended chunks. */
    EXTENDED(TransmissionWire.EXTENDED_REQUEST_BYTES, TransmissionWire.EXTENDED_CHUNK_HEADER_BYTES);

    private final int requestBytes;
    private final int chunkHeaderBytes;

    ReplyStyle(int requestBytes, int chunkHeaderBytes) {
        this.requestBytes = requestBytes;
        this.chunkHeaderBytes = chunkHeaderBytes;
    }

    /** The header of a request. */
    int requestBytes() {
        return requestBytes;
    }

    /** The header of a chunk; none with simple replies. */
    int chunkHeaderBytes() {
        return chunkHeaderBytes;
    }

    /** True if answers can come in chunks. */
    boolean hasChunks() {
        return this != SIMPLE;
    }
}
