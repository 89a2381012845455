@NullMarked
package io.varve.engine.log;

import org.jspecify.annotations.NullMarked;
