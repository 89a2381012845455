/** Giving space back: what deleted snapshots, deleted volumes and trims leave behind. */
@NullMarked
package io.varve.engine.reclaim;

import org.jspecify.annotations.NullMarked;
