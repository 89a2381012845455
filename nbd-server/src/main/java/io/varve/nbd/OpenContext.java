package io.varve.nbd;

import io.varve.engine.ExtentSource;

/**
 * A metadata context that a client has selected, ready to answer.
 *
 * @param id how the client refers to it (proto.md, NBD_OPT_SET_META_CONTEXT)
 */
record OpenContext(int id, MetaContext context, ExtentSource source) {}
