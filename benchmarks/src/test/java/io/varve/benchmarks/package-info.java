/** Tests that the benchmarks run. */
@NullMarked
package io.varve.benchmarks;

import org.jspecify.annotations.NullMarked;
