package io.varve.api.rest;

/** What a client of the REST API can run into beyond the bounds in the OpenAPI document. */
final class RestLimits {
    /**
     * The largest body: 50 tags of the longest key and value, as escaped as JSON can be, would not be sent by anybody.
     */
    static final int BODY_BYTES = 256 << 10;

    /** Request line: room for some dozens of filters. */
    static final int REQUEST_LINE_BYTES = 16 << 10;

    static final int HEADER_BYTES = 16 << 10;

    /** Open connections; one more is closed at once. Each may take 100 KiB with TLS, which is a fifth of the heap. */
    static final int CONNECTIONS = 512;

    /** Time for the handshake of TLS. */
    static final int TLS_HANDSHAKE_SECONDS = 10;

    /** How often it is looked whether certificates were renewed. */
    static final long TLS_RENEWAL_MILLIS = 1000;

    /** A connection that says nothing for so long is closed. */
    static final int IDLE_SECONDS = 60;

    /** How long a client may take over the head of a request, and over its body, however busily it sends. */
    static final long PATIENCE_MILLIS = 60_000;

    /** How long an answer waits for the end of work, at the most: for less time than a connection may be idle. */
    static final int WAIT_SECONDS = 45;

    /** How many answers may wait so at once; half of those who may listen to events. */
    static final int WAITING = 32;

    /** How much of a value that was refused is repeated in the answer. */
    static final int ECHO_CHARS = 100;

    /** What may wait for a client that listens to events; one that is further behind is cut off. */
    static final int EVENT_QUEUE_BYTES = 256 << 10;

    /** Keeps a quiet stream of events from being taken for a dead connection. */
    static final long HEARTBEAT_MILLIS = 15_000;

    /** How many portable files are sent and received at once. */
    static final int TRANSFERS = 4;

    private RestLimits() {}
}
