/** The EBS direct APIs (version 2019-11-02): snapshots written and read block by block, in REST-JSON. */
@NullMarked
package io.varve.api.aws.ebs;

import org.jspecify.annotations.NullMarked;
