/** The daemon that assembles all, and the program's beginning. */
@NullMarked
package io.varve.api;

import org.jspecify.annotations.NullMarked;
