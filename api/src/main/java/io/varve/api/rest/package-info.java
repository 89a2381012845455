/** The REST API on Vert.x, as the OpenAPI document in the resources says. */
@NullMarked
package io.varve.api.rest;

import org.jspecify.annotations.NullMarked;
