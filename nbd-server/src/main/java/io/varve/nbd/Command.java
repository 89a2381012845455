package io.varve.nbd;

import org.jspecify.annotations.Nullable;

/**
 * The commands that are carried out, and the flags that each may bear (proto.md, "Request types", "Command flags").
 * FUA is taken with every command, as the protocol demands of a server that offers it.
 */
enum Command {
    READ(0, 0, false),
    WRITE(1, 0, true),
    DISC(2, 0, false),
    FLUSH(3, 0, false),
    TRIM(4, 0, true),
    CACHE(5, 0, false),
    WRITE_ZEROES(6, TransmissionWire.COMMAND_FLAG_NO_HOLE | TransmissionWire.COMMAND_FLAG_FAST_ZERO, true),
    BLOCK_STATUS(7, TransmissionWire.COMMAND_FLAG_REQ_ONE, false);

    private static final Command[] BY_CODE = byCode();

    private final int code;
    private final int flags;
    private final boolean writes;

    Command(int code, int flags, boolean writes) {
        this.code = code;
        this.flags = flags | TransmissionWire.COMMAND_FLAG_FUA;
        this.writes = writes;
    }

    /** The command of a request, or null if it is none that we know. */
    static @Nullable Command of(int code) {
        return code < BY_CODE.length ? BY_CODE[code] : null;
    }

    /** True if every flag may stand with this command: DF needs chunks, PAYLOAD_LEN extended headers. */
    boolean allows(int commandFlags, ReplyStyle style) {
        int allowed = flags;
        if (this == READ && style.hasChunks()) {
            allowed |= TransmissionWire.COMMAND_FLAG_DF;
        }
        if ((this == WRITE || this == BLOCK_STATUS) && style == ReplyStyle.EXTENDED) {
            allowed |= TransmissionWire.COMMAND_FLAG_PAYLOAD_LEN;
        }
        return (commandFlags & ~allowed) == 0;
    }

    /** True if a read-only export refuses it. */
    boolean writes() {
        return writes;
    }

    private static Command[] byCode() {
        Command[] table = new Command[values().length];
        for (Command command : values()) {
            table[command.code] = command;
        }
        return table;
    }
}
