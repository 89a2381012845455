package io.varve.api.aws.ec2;

import static io.varve.api.aws.ec2.Ec2Action.changing;
import static io.varve.api.aws.ec2.Ec2Action.reading;

import io.varve.api.control.Filter;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/** Regions, zones, the account and its settings: what clients ask on the way. */
final class PlaceActions {
    private static final String FILTER_NAME = "Filter.N.Name";
    private static final String FILTER_VALUE = "Filter.N.Value.N";
    private static final String ONE_REGION = "there is one region, which everybody may use";
    private static final String NO_KEYS = "volumes are not encrypted here";

    private static final Map<String, List<String>> REGION = Map.of(
            "region-name", List.of(Place.REGION),
            "opt-in-status", List.of("opt-in-not-required"));
    private static final Map<String, List<String>> ZONE = Map.of(
            "region-name", List.of(Place.REGION),
            "zone-name", List.of(Place.ZONE),
            "zone-id", List.of(Place.ZONE_ID),
            "state", List.of("available"),
            "zone-type", List.of("availability-zone"),
            "opt-in-status", List.of("opt-in-not-required"),
            "group-name", List.of(Place.REGION));

    private PlaceActions() {}

    static List<Ec2Action> all() {
        return List.of(
                reading("DescribeRegions")
                        .done("RegionName.N", FILTER_NAME, FILTER_VALUE)
                        .ignored(ONE_REGION, "AllRegions")
                        .note("The region is varve-1; a client may sign with any.")
                        .by(PlaceActions::regions),
                reading("DescribeAvailabilityZones")
                        .done("ZoneName.N", "ZoneId.N", FILTER_NAME, FILTER_VALUE)
                        .ignored(ONE_REGION, "AllAvailabilityZones")
                        .note("The zone is varve-1a.")
                        .by(PlaceActions::zones),
                reading("DescribeAccountAttributes")
                        .done("AttributeName.N")
                        .note("supported-platforms is VPC, default-vpc is none.")
                        .by(PlaceActions::account),
                reading("GetEbsEncryptionByDefault")
                        .by(request -> Reply.of(
                                xml -> xml.text("ebsEncryptionByDefault", false).text("sseType", "none"))),
                changing("DisableEbsEncryptionByDefault")
                        .by(request -> Reply.of(xml -> xml.text("ebsEncryptionByDefault", false))),
                refused("EnableEbsEncryptionByDefault"),
                refused("GetEbsDefaultKmsKeyId"),
                refused("ModifyEbsDefaultKmsKeyId", "KmsKeyId"),
                refused("ResetEbsDefaultKmsKeyId"));
    }

    private static Ec2Action refused(String name, String... parameters) {
        return changing(name)
                .done(parameters)
                .note("UnsupportedOperation: " + NO_KEYS)
                .by(request -> {
                    throw Ec2Exception.unsupported(NO_KEYS);
                });
    }

    private static boolean passes(Parameters request, Map<String, List<String>> facts) {
        boolean passes = true;
        for (Filter filter : request.filters()) {
            List<String> known = facts.get(filter.name());
            if (known == null) {
                throw Ec2Exception.value("Filter.Name", filter.name(), String.join(", ", facts.keySet()));
            }
            passes &= known.stream().anyMatch(filter::passes);
        }
        return passes;
    }

    private static CompletableFuture<Reply> regions(Parameters request) {
        for (String name : request.list("RegionName")) {
            if (!name.equals(Place.REGION)) {
                throw Ec2Exception.value("RegionName", name, Place.REGION);
            }
        }
        List<String> regions = passes(request, REGION) ? List.of(Place.REGION) : List.of();
        return Reply.of(xml -> xml.set(
                "regionInfo",
                regions,
                (item, region) -> item.text("regionName", region)
                        .text("regionEndpoint", request.host())
                        .text("optInStatus", "opt-in-not-required")));
    }

    private static CompletableFuture<Reply> zones(Parameters request) {
        request.list("ZoneName").forEach(zone -> Place.requireKnown(zone, Place.ZONE));
        request.list("ZoneId").forEach(zone -> Place.requireKnown(zone, Place.ZONE_ID));
        List<String> zones = passes(request, ZONE) ? List.of(Place.ZONE) : List.of();
        return Reply.of(xml -> xml.set(
                "availabilityZoneInfo",
                zones,
                (item, zone) -> item.text("zoneName", zone)
                        .text("zoneId", Place.ZONE_ID)
                        .text("zoneState", "available")
                        .text("zoneType", "availability-zone")
                        .text("optInStatus", "opt-in-not-required")
                        .text("regionName", Place.REGION)
                        .text("groupName", Place.REGION)
                        .text("networkBorderGroup", Place.REGION)
                        .inside("messageSet", none -> {})));
    }

    private static CompletableFuture<Reply> account(Parameters request) {
        List<String> wanted = request.list("AttributeName");
        List<Map.Entry<String, String>> known =
                List.of(Map.entry("supported-platforms", "VPC"), Map.entry("default-vpc", "none"));
        return Reply.of(xml -> xml.set(
                "accountAttributeSet",
                known.stream()
                        .filter(one -> wanted.isEmpty() || wanted.contains(one.getKey()))
                        .toList(),
                (item, one) -> item.text("attributeName", one.getKey())
                        .set(
                                "attributeValueSet",
                                List.of(one.getValue()),
                                (value, text) -> value.text("attributeValue", text))));
    }
}
