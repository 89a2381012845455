@NullMarked
package io.varve.system;

import org.jspecify.annotations.NullMarked;
