package io.varve.api.cli;

import java.util.List;
import picocli.CommandLine.Option;

/** The filters of the commands that list. */
final class FilterOption {
    @Option(
            names = "--filter",
            paramLabel = "NAME=VALUE",
            description = "Only those, such as status=available or tag:team=red; may be given many times:"
                    + " values of one name are alternatives, different names must all hold; * and ? are wildcards.")
    private List<String> filters = List.of();

    List<String> filters() {
        return filters;
    }
}
