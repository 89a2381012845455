/** The disk: the one place that touches files. Tests put a simulated one in its stead. */
@NullMarked
package io.varve.engine.io;

import org.jspecify.annotations.NullMarked;
