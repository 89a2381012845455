package io.varve.api.aws.ec2;

import io.varve.api.control.Connections;
import io.varve.api.control.ControlPlane;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** All actions that there are, by their names. What is not here answers InvalidAction. */
final class Ec2Actions {
    private final Map<String, Ec2Action> actions = new TreeMap<>();

    Ec2Actions(ControlPlane control, Connections connections) {
        add(new VolumeActions(control.volumes(), connections).all());
        add(new VolumeStatusActions(control.volumes()).all());
        add(new SnapshotActions(control.snapshots(), control.instances(), connections).all());
        add(new SnapshotProtectionActions(control.snapshots()).all());
        add(new ImageActions(control.images(), control.instanceImages(), control.imageCopies()).all());
        add(new ImageStateActions(control.images()).all());
        add(new InstanceActions(control.instances(), control.volumes(), connections).all());
        add(new InstanceLaunchActions(control.instances(), control.instanceLaunches(), connections).all());
        add(new InstanceAttributeActions(control.instances(), control.volumes()).all());
        add(new TagActions(control).all());
        add(PlaceActions.all());
    }

    private void add(List<Ec2Action> more) {
        more.forEach(action -> actions.put(action.name(), action));
    }

    /** Sorted by name. */
    Collection<Ec2Action> all() {
        return Collections.unmodifiableCollection(actions.values());
    }

    Optional<Ec2Action> find(String name) {
        return Optional.ofNullable(actions.get(name));
    }
}
