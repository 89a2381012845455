package io.varve.api;

import io.varve.api.cli.CommandException;
import io.varve.api.cli.CredentialCommands;
import io.varve.api.cli.EventsCommand;
import io.varve.api.cli.ImageCommands;
import io.varve.api.cli.InstanceCommands;
import io.varve.api.cli.LifecyclePolicyCommands;
import io.varve.api.cli.RecycleBinCommands;
import io.varve.api.cli.RetentionRuleCommands;
import io.varve.api.cli.SnapshotCommands;
import io.varve.api.cli.StoreCommand;
import io.varve.api.cli.VolumeCommands;
import io.varve.engine.BlockStore;
import java.io.IOException;
import java.io.InputStream;
import java.util.Properties;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.ParseResult;

/** The program: the server and the commands that talk to one. */
@Command(
        name = "varve",
        description = "A copy-on-write block store: volumes and snapshots over NBD.",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            ServeCommand.class,
            CheckCommand.class,
            VolumeCommands.class,
            SnapshotCommands.class,
            ImageCommands.class,
            InstanceCommands.class,
            RecycleBinCommands.class,
            RetentionRuleCommands.class,
            LifecyclePolicyCommands.class,
            EventsCommand.class,
            StoreCommand.class,
            CompletionCommand.class
        },
        footer = {"", "Begin with: varve serve"})
public final class Main {
    /** The engine that the server runs on. */
    static final Daemon.StoreOpener ENGINE = BlockStore::open;

    private Main() {}

    /** Ends the process with one of {@link ExitCode}. */
    public static void main(String[] arguments) {
        System.exit(commandLine().execute(arguments));
    }

    static CommandLine commandLine() {
        CommandLine commandLine = new CommandLine(new Main());
        commandLine.addSubcommand(CredentialCommands.token().addSubcommand(new TokenRecoverCommand()));
        commandLine.addSubcommand(CredentialCommands.accessKey());
        commandLine.setExecutionExceptionHandler(Main::explain);
        return commandLine;
    }

    /** Failures that say what they are get one line; anything else is a defect and shows where it was. */
    private static int explain(Exception failure, CommandLine commandLine, ParseResult parsed) throws Exception {
        int code;
        if (failure instanceof StartException start) {
            code = start.exitCode();
        } else if (failure instanceof CommandException command) {
            code = command.exitCode();
        } else {
            throw failure;
        }
        commandLine
                .getErr()
                .println("varve: " + String.valueOf(failure.getMessage()).replaceAll("\\s+", " "));
        commandLine.getErr().flush();
        return code;
    }

    /** The version, as Maven writes it into the jar. */
    static final class Version implements IVersionProvider {
        private static final String RESOURCE = "/META-INF/maven/io.varve/api/pom.properties";

        @Override
        public String[] getVersion() throws IOException {
            Properties properties = new Properties();
            try (InputStream in = Main.class.getResourceAsStream(RESOURCE)) {
                if (in != null) {
                    properties.load(in);
                }
            }
            return new String[] {"varve " + properties.getProperty("version", "development build")};
        }
    }
}
