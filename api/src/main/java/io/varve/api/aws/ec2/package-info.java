/** The EC2 Query API (version 2016-11-15): form parameters in, XML out. Every call lands in the control plane. */
@NullMarked
package io.varve.api.aws.ec2;

import org.jspecify.annotations.NullMarked;
