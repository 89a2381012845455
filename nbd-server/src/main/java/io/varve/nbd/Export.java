package io.varve.nbd;

import io.varve.engine.Volume;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/**
 * Something that a client can connect to: what is told about it, and how to open it.
 *
 * @param id the volume's or the snapshot's id as text; {@link NbdServer#disconnect} finds connections by it
 * @param name the canonical name (proto.md, NBD_INFO_NAME)
 * @param description one line for people (NBD_INFO_DESCRIPTION); empty for none
 * @param sizeBytes its size at this moment
 * @param readOnly true for snapshots and for volumes that take no writes
 * @param opener opens it on any thread; each handle it gives is released by the server exactly once
 * @param history what it can tell of its past
 */
public record Export(
        String id,
        String name,
        String description,
        long sizeBytes,
        boolean readOnly,
        Supplier<CompletableFuture<Volume>> opener,
        History history) {}
