package io.varve.api;

import io.varve.api.access.AuditLog;
import io.varve.api.access.Caller;
import io.varve.api.access.Credentials;
import io.varve.api.access.Role;
import io.varve.api.control.ControlDatabase;
import io.varve.engine.BlockStore;
import io.varve.engine.StoreException;
import io.varve.engine.StoreOptions;
import io.varve.nbd.NettyLoops;
import io.varve.nbd.Transport;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code varve token recover}: whoever may write to the data directory is master of the store anyway. */
@Command(
        name = "recover",
        description =
                "Make an administrator's token for a data directory that no server has open, and print it, this once.",
        mixinStandardHelpOptions = true,
        footer = {
            "",
            "For a server whose administrators' tokens are lost, and for the first one of a server that other machines are",
            "to reach. An empty directory becomes an empty store."
        })
final class TokenRecoverCommand implements Callable<Integer> {
    private static final int CREATED = 201;

    /** Whom the audit log names. */
    private static final Caller OPERATOR = new Caller("offline", Role.ADMINISTER);

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Option(
            names = "--data",
            paramLabel = "DIR",
            defaultValue = "varve-data",
            description = "The data directory; default: varve-data.")
    private Path data = Path.of("varve-data");

    @Override
    public Integer call() {
        Credentials.Made made;
        try (NettyLoops loops = NettyLoops.start(Transport.auto(), 1);
                DaemonThreads threads = new DaemonThreads(loops);
                BlockStore store = open(threads); // nobody else has the directory while this has
                ControlDatabase database =
                        ControlDatabase.open(data, () -> store.yieldReserve().join())) {
            made = make(database);
        } catch (StoreException e) {
            throw new StartException(ExitCode.of(e.kind()), String.valueOf(e.getMessage()), e);
        }
        PrintWriter out = spec.commandLine().getOut();
        out.println("tokenId  " + made.entry().id());
        out.println("token    " + made.secret());
        out.flush();
        return ExitCode.OK;
    }

    private BlockStore open(DaemonThreads threads) {
        ControlDatabase.check(data);
        return BlockStore.open(data, StoreOptions.DEFAULT, threads);
    }

    private Credentials.Made make(ControlDatabase database) {
        Credentials credentials =
                new Credentials(database.credentials(), data, new SecureRandom(), Clock.systemUTC(), false);
        try (AuditLog audit = new AuditLog(data, Clock.systemUTC())) {
            Credentials.Made made = credentials.recoverToken();
            audit.note(OPERATOR, "command", "recoverToken", List.of(made.entry().id()), CREATED)
                    .join();
            return made;
        }
    }
}
