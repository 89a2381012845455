/** CloudWatch's names for what volumes do (version 2010-08-01), in the Query and the JSON protocol. */
@NullMarked
package io.varve.api.aws.cloudwatch;

import org.jspecify.annotations.NullMarked;
