package io.varve.api;

import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code varve completion}. */
@Command(
        name = "completion",
        description = "Print the completion script of bash: source <(varve completion).",
        mixinStandardHelpOptions = true)
final class CompletionCommand implements Runnable {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public void run() {
        var out = spec.commandLine().getOut();
        out.println(AutoComplete.bash("varve", spec.root().commandLine()));
        out.flush();
    }
}
