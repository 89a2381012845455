/** The NBD protocol: handshake, transmission, codecs and the server that listens. */
@NullMarked
package io.varve.nbd;

import org.jspecify.annotations.NullMarked;
