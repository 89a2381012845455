/** The portable file of a snapshot: its layout, and the way from the engine to it and back. */
@NullMarked
package io.varve.api.portable;

import org.jspecify.annotations.NullMarked;
