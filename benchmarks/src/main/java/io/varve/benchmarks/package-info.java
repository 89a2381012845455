/** Benchmarks of the engine, and runs side by side with other NBD servers. */
@NullMarked
package io.varve.benchmarks;

import org.jspecify.annotations.NullMarked;
