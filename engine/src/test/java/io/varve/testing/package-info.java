/**
 * What tests of every module share: running other programs, and saying which of them a test needs. Published as the
 * engine's test-jar.
 */
@NullMarked
package io.varve.testing;

import org.jspecify.annotations.NullMarked;
