@NullMarked
package io.varve.api.control;

import org.jspecify.annotations.NullMarked;
