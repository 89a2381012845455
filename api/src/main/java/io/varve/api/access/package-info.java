/** Who may do what: roles, access keys and API tokens, and the log of what they did. Knows no protocol. */
@NullMarked
package io.varve.api.access;

import org.jspecify.annotations.NullMarked;
