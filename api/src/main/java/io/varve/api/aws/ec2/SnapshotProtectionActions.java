package io.varve.api.aws.ec2;

import static io.varve.api.aws.ec2.Ec2Action.LISTING;
import static io.varve.api.aws.ec2.Ec2Action.changing;
import static io.varve.api.aws.ec2.Ec2Action.reading;

import io.varve.api.control.ListRequest;
import io.varve.api.control.Precondition;
import io.varve.api.control.SnapshotLock;
import io.varve.api.control.SnapshotView;
import io.varve.api.control.Snapshots;
import io.varve.engine.SnapshotId;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiConsumer;
import java.util.function.Function;

/** Who may do what with a snapshot, where it is kept, and how fast it is restored. */
final class SnapshotProtectionActions {
    private static final String BLOCKED = "block-all-sharing";
    private static final String NOT_SHARED = "there is one account: snapshots are shared with nobody";
    private static final String ONE_TIER = "there is one storage tier, standard";
    private static final int MOST_COOL_OFF_HOURS = 72;
    private static final int MOST_LOCK_DAYS = 36_500;

    private static final Listing LOCKED = new Listing(Map.of());
    private static final Listing FAST_RESTORES = new Listing(Place.OF_FAST_RESTORES);

    /** Nothing was ever moved to another tier. */
    private static final Listing TIERS = new Listing(Map.of("last-tiering-operation", List.of()));

    private final Snapshots snapshots;

    SnapshotProtectionActions(Snapshots snapshots) {
        this.snapshots = snapshots;
    }

    List<Ec2Action> all() {
        return List.of(
                changing("LockSnapshot")
                        .done("SnapshotId", "LockMode", "CoolOffPeriod", "LockDuration", "ExpirationDate")
                        .by(this::lock),
                changing("UnlockSnapshot")
                        .done("SnapshotId")
                        .by(request -> snapshots
                                .unlock(request.snapshot("SnapshotId"), Precondition.NONE)
                                .thenApply(free -> Reply.changed(
                                        free.record().id(),
                                        xml -> xml.text(
                                                "snapshotId", free.record().id())))),
                reading("DescribeLockedSnapshots")
                        .done("SnapshotId.N")
                        .done(LISTING)
                        .by(request -> list(
                                request,
                                LOCKED,
                                snapshots::listLocked,
                                "snapshotSet",
                                SnapshotProtectionActions::ownedLock)),
                reading("DescribeSnapshotAttribute")
                        .done("SnapshotId", "Attribute")
                        .by(this::attribute),
                changing("ModifySnapshotAttribute")
                        .done("SnapshotId", "Attribute", "OperationType")
                        .done("CreateVolumePermission.Remove.N.UserId", "CreateVolumePermission.Remove.N.Group")
                        .refused(NOT_SHARED, "CreateVolumePermission.Add.*", "UserGroup.N", "UserId.N")
                        .note("To take away what nobody has succeeds.")
                        .by(this::unshared),
                changing("ResetSnapshotAttribute")
                        .done("SnapshotId", "Attribute")
                        .by(this::unshared),
                changing("EnableSnapshotBlockPublicAccess")
                        .done("State")
                        .note("Nothing is ever public: block-all-sharing is what holds always, all else is refused.")
                        .by(this::block),
                changing("DisableSnapshotBlockPublicAccess")
                        .note("UnsupportedOperation: " + NOT_SHARED)
                        .by(request -> {
                            throw Ec2Exception.unsupported(NOT_SHARED);
                        }),
                reading("GetSnapshotBlockPublicAccessState")
                        .by(request ->
                                Reply.of(xml -> xml.text("state", BLOCKED).text("managedBy", "account"))),
                changing("EnableFastSnapshotRestores")
                        .done("SourceSnapshotId.N", "AvailabilityZone.N", "AvailabilityZoneId.N")
                        .note("Every restore is instant: enabled always.")
                        .by(this::enableFastRestore),
                changing("DisableFastSnapshotRestores")
                        .done("SourceSnapshotId.N", "AvailabilityZone.N", "AvailabilityZoneId.N")
                        .note("Unsuccessful for each snapshot: restores are instant whether one wants it or not.")
                        .by(this::disableFastRestore),
                reading("DescribeFastSnapshotRestores")
                        .done(LISTING)
                        .by(request -> list(
                                request,
                                FAST_RESTORES,
                                snapshots::list,
                                "fastSnapshotRestoreSet",
                                SnapshotProtectionActions::fastRestore)),
                changing("ModifySnapshotTier")
                        .done("SnapshotId", "StorageTier")
                        .note("UnsupportedOperation: " + ONE_TIER)
                        .by(this::refuseTier),
                changing("RestoreSnapshotTier")
                        .done("SnapshotId", "TemporaryRestoreDays", "PermanentRestore")
                        .note("UnsupportedOperation: " + ONE_TIER)
                        .by(this::refuseTier),
                reading("DescribeSnapshotTierStatus")
                        .done(LISTING)
                        .by(request -> list(
                                request,
                                TIERS,
                                snapshots::list,
                                "snapshotTierStatusSet",
                                SnapshotProtectionActions::tier)));
    }

    private CompletableFuture<Reply> lock(Parameters request) {
        String mode = request.required("LockMode");
        if (!mode.equals("compliance") && !mode.equals("governance")) {
            throw Ec2Exception.value("LockMode", mode, "compliance or governance");
        }
        SnapshotLock.Request wanted = new SnapshotLock.Request(
                mode.equals("compliance") ? SnapshotLock.Mode.COMPLIANCE : SnapshotLock.Mode.GOVERNANCE,
                request.number("CoolOffPeriod", 1, MOST_COOL_OFF_HOURS).orElse(0),
                request.number("LockDuration", 1, MOST_LOCK_DAYS),
                request.time("ExpirationDate"));
        return snapshots
                .lock(request.snapshot("SnapshotId"), wanted, Precondition.NONE)
                .thenApply(locked -> Reply.changed(locked.record().id(), xml -> lock(xml, locked)));
    }

    private static void ownedLock(Ec2Xml xml, SnapshotView snapshot) {
        xml.text("ownerId", Place.ACCOUNT);
        lock(xml, snapshot);
    }

    private static void lock(Ec2Xml xml, SnapshotView snapshot) {
        xml.text("snapshotId", snapshot.record().id()).text("lockState", snapshot.lockState());
        snapshot.entry().lock().ifPresent(lock -> {
            xml.text("lockCreatedOn", lock.createdAt())
                    .text("lockDurationStartTime", lock.startedAt())
                    .text("lockExpiresOn", lock.expiresAt())
                    .text(
                            "lockDuration",
                            Duration.between(lock.startedAt(), lock.expiresAt()).toDays())
                    .text("coolOffPeriodExpiresOn", lock.coolOffUntil());
            if (lock.coolOffHours() > 0) {
                xml.text("coolOffPeriod", lock.coolOffHours());
            }
        });
    }

    private CompletableFuture<Reply> list(
            Parameters request,
            Listing listing,
            Function<ListRequest, ListRequest.Page<SnapshotView>> all,
            String set,
            BiConsumer<Ec2Xml, SnapshotView> item) {
        List<SnapshotId> ids =
                request.list("SnapshotId").stream().map(Parameters::snapshotId).toList();
        ids.forEach(snapshots::describe);
        ListRequest.Page<SnapshotView> page = listing.page(request, ids, all);
        return Reply.of(xml -> xml.set(set, page.items(), item).text("nextToken", page.next()));
    }

    private CompletableFuture<Reply> attribute(Parameters request) {
        SnapshotId id =
                snapshots.describe(request.snapshot("SnapshotId")).record().id();
        String attribute = request.required("Attribute");
        if (!attribute.equals("createVolumePermission") && !attribute.equals("productCodes")) {
            throw Ec2Exception.value("Attribute", attribute, "createVolumePermission or productCodes");
        }
        return Reply.of(xml -> xml.text("snapshotId", id).inside(attribute, nobody -> {}));
    }

    private CompletableFuture<Reply> unshared(Parameters request) {
        SnapshotId id =
                snapshots.describe(request.snapshot("SnapshotId")).record().id();
        String attribute = request.text("Attribute").orElse("createVolumePermission");
        if (!attribute.equals("createVolumePermission")) {
            throw Ec2Exception.value("Attribute", attribute, "createVolumePermission");
        }
        return CompletableFuture.completedFuture(Reply.done(id));
    }

    private CompletableFuture<Reply> block(Parameters request) {
        String state = request.required("State");
        if (!state.equals(BLOCKED)) {
            throw Ec2Exception.unsupported(NOT_SHARED + ", so that the state is always " + BLOCKED);
        }
        return Reply.of(xml -> xml.text("state", BLOCKED));
    }

    private CompletableFuture<Reply> enableFastRestore(Parameters request) {
        List<SnapshotView> all = fastRestores(request);
        return Reply.of(xml -> xml.set("successful", all, SnapshotProtectionActions::fastRestore)
                .inside("unsuccessful", none -> {}));
    }

    private List<SnapshotView> fastRestores(Parameters request) {
        request.list("AvailabilityZone").forEach(zone -> Place.requireKnown(zone, Place.ZONE));
        request.list("AvailabilityZoneId").forEach(zone -> Place.requireKnown(zone, Place.ZONE_ID));
        List<String> ids = request.list("SourceSnapshotId");
        if (ids.isEmpty()) {
            request.required("SourceSnapshotId.1");
        }
        return ids.stream()
                .map(id -> snapshots.describe(Parameters.snapshotId(id)))
                .toList();
    }

    private CompletableFuture<Reply> disableFastRestore(Parameters request) {
        List<SnapshotView> all = fastRestores(request);
        return Reply.of(xml -> xml.inside("successful", none -> {})
                .set(
                        "unsuccessful",
                        all,
                        (item, snapshot) -> item.text(
                                        "snapshotId", snapshot.record().id())
                                .set(
                                        "fastSnapshotRestoreStateErrorSet",
                                        List.of(Place.ZONE),
                                        (one, zone) -> one.text("availabilityZone", zone)
                                                .inside(
                                                        "error",
                                                        error -> error.text("code", "UnsupportedOperation")
                                                                .text(
                                                                        "message",
                                                                        "restores are always instant here")))));
    }

    private static void fastRestore(Ec2Xml xml, SnapshotView snapshot) {
        xml.text("snapshotId", snapshot.record().id())
                .text("availabilityZone", Place.ZONE)
                .text("availabilityZoneId", Place.ZONE_ID)
                .text("state", "enabled")
                .text("stateTransitionReason", "Client.UserInitiated")
                .text("ownerId", Place.ACCOUNT)
                .text("enabledTime", snapshot.startTime());
    }

    private CompletableFuture<Reply> refuseTier(Parameters request) {
        snapshots.describe(request.snapshot("SnapshotId"));
        throw Ec2Exception.unsupported(ONE_TIER);
    }

    private static void tier(Ec2Xml xml, SnapshotView snapshot) {
        xml.text("snapshotId", snapshot.record().id())
                .text("volumeId", snapshot.volumeId())
                .text("status", snapshot.state())
                .text("ownerId", Place.ACCOUNT)
                .text("storageTier", "standard")
                .tags(snapshot.entry().label().tags());
    }
}
