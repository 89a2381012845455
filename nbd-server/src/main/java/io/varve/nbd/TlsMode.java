package io.varve.nbd;

/** Whether a listener speaks TLS (proto.md, "TLS support", "Server-side requirements"). */
public enum TlsMode {
    /** Never: STARTTLS is refused (NOTLS). */
    OFF,
    /** As the client likes (SELECTIVETLS, with no export that insists). */
    OPTIONAL,
    /** Always: before STARTTLS every other option but ABORT is refused (FORCEDTLS). */
    REQUIRED
}
