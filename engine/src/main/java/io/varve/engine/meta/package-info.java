@NullMarked
package io.varve.engine.meta;

import org.jspecify.annotations.NullMarked;
