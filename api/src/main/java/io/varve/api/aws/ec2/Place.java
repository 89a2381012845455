package io.varve.api.aws.ec2;

import io.varve.api.aws.Echo;
import java.util.List;
import java.util.Map;

/** Where everything is, in the words of clients that cannot go on without them. */
final class Place {
    static final String ACCOUNT = "000000000000";
    static final String REGION = "varve-1";
    static final String ZONE = "varve-1a";
    static final String ZONE_ID = "varve1-az1";

    /** What is the same for all volumes, by the filter that asks for it. */
    static final Map<String, List<String>> OF_VOLUMES = Map.of(
            "availability-zone", List.of(ZONE),
            "availability-zone-id", List.of(ZONE_ID),
            "fast-restored", List.of("true"),
            "operator.managed", List.of("false"),
            "operator.principal", List.of());

    /** What is the same for all snapshots. */
    static final Map<String, List<String>> OF_SNAPSHOTS = Map.of(
            "owner-id", List.of(ACCOUNT),
            "owner-alias", List.of(),
            "transfer-type", List.of("standard"));

    /** What is the same for the fast restores of all snapshots. */
    static final Map<String, List<String>> OF_FAST_RESTORES = Map.of(
            "owner-id", List.of(ACCOUNT),
            "availability-zone", List.of(ZONE),
            "availability-zone-id", List.of(ZONE_ID),
            "state", List.of("enabled"));

    private Place() {}

    /** Fails with InvalidZone.NotFound. */
    static void requireZone(Parameters parameters) {
        require(parameters, "AvailabilityZone", ZONE);
        require(parameters, "AvailabilityZoneId", ZONE_ID);
    }

    private static void require(Parameters parameters, String name, String known) {
        parameters.text(name).ifPresent(zone -> requireKnown(zone, known));
    }

    static void requireKnown(String zone, String known) {
        if (!zone.equals(known)) {
            throw new Ec2Exception(
                    "InvalidZone.NotFound",
                    "there is no zone %s; there is %s only".formatted(Echo.quoted(zone), known));
        }
    }
}
