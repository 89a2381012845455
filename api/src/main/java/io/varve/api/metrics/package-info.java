/** What the server counts, for Prometheus. */
@NullMarked
package io.varve.api.metrics;

import org.jspecify.annotations.NullMarked;
