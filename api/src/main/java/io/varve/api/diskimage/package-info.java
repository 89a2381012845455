/** Disk images in the formats of other programs, read and written by qemu-img. */
@NullMarked
package io.varve.api.diskimage;

import org.jspecify.annotations.NullMarked;
