/** The block store: volumes, snapshots and the data path below them. Knows no network, no HTTP and no JSON. */
@NullMarked
package io.varve.engine;

import org.jspecify.annotations.NullMarked;
