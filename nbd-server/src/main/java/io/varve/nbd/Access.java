package io.varve.nbd;

/**
 * What a listener lets its clients do.
 *
 * @param tls whether they speak TLS
 * @param readOnly true to refuse everything that writes, whatever the export allows
 */
public record Access(TlsMode tls, boolean readOnly) {
    /** In the clear, everything that the exports allow. */
    public static final Access OPEN = new Access(TlsMode.OFF, false);
}
