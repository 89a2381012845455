package io.varve.api.aws.ebs;

import io.varve.api.access.Role;
import io.varve.api.aws.Action;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The operations that there are: the registry that docs/aws.md is held against. */
enum EbsOperation {
    START_SNAPSHOT("StartSnapshot", "POST", "/snapshots", Role.OPERATE, true),
    /** Not in the audit log block by block: its start and its completion are. */
    PUT_SNAPSHOT_BLOCK("PutSnapshotBlock", "PUT", "/snapshots/([^/]+)/blocks/([^/]+)", Role.OPERATE, false),
    COMPLETE_SNAPSHOT("CompleteSnapshot", "POST", "/snapshots/completion/([^/]+)", Role.OPERATE, true),
    LIST_SNAPSHOT_BLOCKS("ListSnapshotBlocks", "GET", "/snapshots/([^/]+)/blocks", Role.READ, false),
    LIST_CHANGED_BLOCKS("ListChangedBlocks", "GET", "/snapshots/([^/]+)/changedblocks", Role.READ, false),
    GET_SNAPSHOT_BLOCK("GetSnapshotBlock", "GET", "/snapshots/([^/]+)/blocks/([^/]+)", Role.READ, false);

    private final String text;
    private final String method;
    private final Pattern path;
    private final Role needs;
    private final boolean audited;

    EbsOperation(String text, String method, String path, Role needs, boolean audited) {
        this.text = text;
        this.method = method;
        this.path = Pattern.compile(path);
        this.needs = needs;
        this.audited = audited;
    }

    /** Its name in EBS's words, and who may do it. */
    Action action() {
        return new Action(text, needs, audited);
    }

    /** The operation of a request, if there is one. */
    static Optional<EbsOperation> of(String method, String path) {
        for (EbsOperation operation : values()) {
            if (operation.method.equals(method) && operation.path.matcher(path).matches()) {
                return Optional.of(operation);
            }
        }
        return Optional.empty();
    }

    /** A part of the path that names something: 0 is the snapshot, 1 the block. */
    String part(String of, int index) {
        Matcher matcher = path.matcher(of);
        if (!matcher.matches()) {
            throw new IllegalArgumentException(of + " is not a path of " + text);
        }
        return matcher.group(index + 1);
    }
}
