/** The gate of the AWS faces: signatures, limits, and what a face is. Each service has a package of its own below. */
@NullMarked
package io.varve.api.aws;

import org.jspecify.annotations.NullMarked;
