/** The commands that talk to a running server. They load neither the server nor its libraries but for JSON. */
@NullMarked
package io.varve.api.cli;

import org.jspecify.annotations.NullMarked;
