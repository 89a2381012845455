package io.varve.nbd;

/** What all connections of one server share. */
record Service(
        NbdLimits limits,
        ExportResolver resolver,
        InFlightBudget budget,
        NbdCounters counters,
        ConnectionRegistry connections) {
    static Service of(NbdLimits limits, ExportResolver resolver) {
        InFlightBudget budget = new InFlightBudget(limits.totalBytes());
        return new Service(limits, resolver, budget, new NbdCounters(budget), new ConnectionRegistry());
    }
}
