@NullMarked
package io.varve.engine.map;

import org.jspecify.annotations.NullMarked;
