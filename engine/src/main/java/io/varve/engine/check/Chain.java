package io.varve.engine.check;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What is kept of one volume's history.
 *
 * @param volume the volume's number
 * @param origin the snapshot that the volume was cloned from
 * @param baseAddress blocks below it, and pages born up to {@code baseBirth}, are the origin's
 * @param baseBirth see {@code baseAddress}
 * @param trees its snapshots' trees, oldest first, and its own last if it still exists
 */
public record Chain(long volume, @Nullable KeptTree origin, long baseAddress, long baseBirth, List<KeptTree> trees) {}
