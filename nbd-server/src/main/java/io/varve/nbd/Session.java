package io.varve.nbd;

import io.varve.engine.Volume;

/**
 * What a handshake agreed on.
 *
 * @param exportId the volume's or snapshot's id as text
 * @param volume the opened export; its holder releases it once
 * @param readOnly refuse everything that writes
 * @param structuredReplies as negotiated by NBD_OPT_STRUCTURED_REPLY
 */
record Session(String exportId, Volume volume, boolean readOnly, boolean structuredReplies) {}
