package io.varve.api.aws.ec2;

import io.varve.api.control.Filter;
import io.varve.api.control.ListRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Lists as EC2 asks for them: by ids, and by filters some of which are about what is the same for all objects here.
 *
 * @param constants what is the same for all, by the filter that asks for it
 */
record Listing(Map<String, List<String>> constants) {
    /**
     * The page that is wanted.
     *
     * @param ids those that are asked for, all of which are there; empty for all
     */
    <T> ListRequest.Page<T> page(
            Parameters parameters, List<?> ids, Function<ListRequest, ListRequest.Page<T>> objects) {
        List<Filter> wanted = new ArrayList<>();
        boolean nothing = false;
        for (Filter filter : parameters.filters()) {
            List<String> same = constants.get(filter.name());
            if (same == null) {
                wanted.add(filter);
            } else {
                nothing |= same.stream().noneMatch(filter::passes);
            }
        }
        Set<String> asked = ids.stream().map(String::valueOf).collect(Collectors.toSet());
        ListRequest.Page<T> page = objects.apply(parameters.page(wanted, asked));
        return nothing ? new ListRequest.Page<>(List.of(), Optional.empty()) : page;
    }
}
