package io.varve.api.control;

import io.varve.engine.Compression;
import io.varve.engine.QosShare;
import io.varve.engine.SnapshotId;
import io.varve.engine.VolumeId;
import io.vertx.core.json.JsonObject;
import java.util.Optional;

/**
 * What somebody wants a new volume to be.
 *
 * @param sizeGiB empty for the size of the snapshot
 * @param from the snapshot that it begins as
 * @param source the volume that it begins as, as that is now; with neither it is empty
 * @param limits its type and the figures that were asked for
 * @param share what it gets while the store as a whole is short
 * @param multiAttach whether several instances may have it at once
 * @param compression what of it is stored compressed
 */
public record VolumeRequest(
        Optional<Integer> sizeGiB,
        Optional<SnapshotId> from,
        Optional<VolumeId> source,
        VolumeLimits limits,
        QosShare share,
        boolean multiAttach,
        Compression compression,
        Label label,
        Optional<String> clientToken) {
    /** A request for a volume with an even share, for one instance. */
    public VolumeRequest(
            Optional<Integer> sizeGiB,
            Optional<SnapshotId> from,
            Optional<VolumeId> source,
            VolumeLimits limits,
            Compression compression,
            Label label,
            Optional<String> clientToken) {
        this(sizeGiB, from, source, limits, QosShare.EVEN, false, compression, label, clientToken);
    }

    /** The request without its token in one canonical form: equal requests have equal texts. */
    Optional<ClientToken> token() {
        JsonObject parameters = new JsonObject()
                .put("sizeGiB", sizeGiB.orElse(null))
                .put("snapshotId", from.map(SnapshotId::toString).orElse(null))
                .put("volumeType", limits.volumeType())
                .put("iops", limits.iops())
                .put("throughputMiBps", limits.throughputMiBps())
                .put("name", label.name().orElse(null))
                .put("tags", label.tags());
        if (compression != Compression.AUTO) {
            parameters.put("compression", compression.name()); // tokens of earlier versions stay what they were
        }
        if (!share.equals(QosShare.EVEN)) {
            parameters.put("minimumIops", share.minimumIops()).put("weight", share.weight());
        }
        if (multiAttach) {
            parameters.put("multiAttachEnabled", true);
        }
        source.ifPresent(volume -> parameters.put("sourceVolumeId", volume.toString()));
        return clientToken.map(token -> new ClientToken(token, parameters.encode()));
    }
}
