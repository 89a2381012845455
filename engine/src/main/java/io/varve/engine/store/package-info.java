/** What makes the rooms of the engine a store: open volumes, the catalogue, checkpoints and recovery. */
@NullMarked
package io.varve.engine.store;

import org.jspecify.annotations.NullMarked;
