@NullMarked
package io.varve.api;

import org.jspecify.annotations.NullMarked;
