package io.varve.api.control;

import io.varve.engine.VolumeId;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.stream.Stream;

/** Which instances a volume is attached to, in the order in which they got it. Thread-safe. */
final class AttachedVolumes {
    private final ConcurrentMap<VolumeId, List<InstanceId>> instances = new ConcurrentHashMap<>();

    /** Empty for a volume that is attached to none. */
    List<InstanceId> instances(VolumeId volume) {
        return instances.getOrDefault(volume, List.of());
    }

    /** Those but one. */
    List<InstanceId> others(VolumeId volume, InstanceId instance) {
        return instances(volume).stream().filter(one -> !one.equals(instance)).toList();
    }

    void add(VolumeId volume, InstanceId instance) {
        instances.merge(
                volume,
                List.of(instance),
                (old, added) ->
                        Stream.concat(old.stream(), added.stream()).distinct().toList());
    }

    void remove(VolumeId volume, InstanceId instance) {
        instances.computeIfPresent(volume, (id, old) -> {
            List<InstanceId> left =
                    old.stream().filter(one -> !one.equals(instance)).toList();
            return left.isEmpty() ? null : left;
        });
    }
}
