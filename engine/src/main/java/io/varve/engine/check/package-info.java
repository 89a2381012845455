/**
 * Checking a store that nobody changes meanwhile: counting everything anew, reading everything. Changes nothing on
 * disk.
 */
@NullMarked
package io.varve.engine.check;

import org.jspecify.annotations.NullMarked;
