@NullMarked
package io.varve.api.rest;

import org.jspecify.annotations.NullMarked;
