/** The control plane: what people say about volumes and snapshots, and the order in which these come and go. */
@NullMarked
package io.varve.api.control;

import org.jspecify.annotations.NullMarked;
