package io.varve.nbd;

import java.util.Optional;

/** What all connections of one server share. */
record Service(
        NbdLimits limits,
        ExportResolver resolver,
        InFlightBudget budget,
        NbdCounters counters,
        ConnectionRegistry connections,
        Optional<Tls> tls) {
    static Service of(NbdLimits limits, ExportResolver resolver, Optional<Tls> tls) {
        InFlightBudget budget = new InFlightBudget(limits.totalBytes());
        ConnectionRegistry connections = new ConnectionRegistry();
        return new Service(limits, resolver, budget, new NbdCounters(connections), connections, tls);
    }
}
