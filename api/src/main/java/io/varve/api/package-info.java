/** The control plane: REST, metrics, command line, and the daemon that assembles all. */
@NullMarked
package io.varve.api;

import org.jspecify.annotations.NullMarked;
