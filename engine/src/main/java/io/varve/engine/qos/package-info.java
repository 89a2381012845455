@NullMarked
package io.varve.engine.qos;

import org.jspecify.annotations.NullMarked;
