"""An NBD client with extended headers, written from the NBD project's doc/proto.md and from the same file on its branch
extension-ext-header, and from nothing else. It holds the server to what these say of replies: a reply that breaks a MUST is
an AssertionError. It sends whatever it is told to, allowed or not. For one thread.
"""
import socket
import ssl
import struct

NBDMAGIC = 0x4E42444D41474943
IHAVEOPT = 0x49484156454F5054
OPTION_REPLY_MAGIC = 0x3E889045565A9
EXTENDED_REQUEST_MAGIC = 0x21E41C71
EXTENDED_REPLY_MAGIC = 0x6E8A278C

OPT_EXPORT_NAME, OPT_ABORT, OPT_LIST, OPT_STARTTLS, OPT_INFO, OPT_GO = 1, 2, 3, 5, 6, 7
OPT_STRUCTURED_REPLY, OPT_LIST_META_CONTEXT, OPT_SET_META_CONTEXT, OPT_EXTENDED_HEADERS = 8, 9, 10, 11

REP_ACK, REP_SERVER, REP_INFO, REP_META_CONTEXT = 1, 2, 3, 4
ERR = 1 << 31
ERR_UNSUP, ERR_POLICY, ERR_INVALID, ERR_PLATFORM, ERR_TLS_REQD = ERR + 1, ERR + 2, ERR + 3, ERR + 4, ERR + 5
ERR_UNKNOWN, ERR_SHUTDOWN, ERR_BLOCK_SIZE_REQD, ERR_TOO_BIG, ERR_EXT_HEADER_REQD = (
    ERR + 6, ERR + 7, ERR + 8, ERR + 9, ERR + 10)

INFO_EXPORT, INFO_NAME, INFO_DESCRIPTION, INFO_BLOCK_SIZE = 0, 1, 2, 3

READ, WRITE, DISC, FLUSH, TRIM, CACHE, WRITE_ZEROES, BLOCK_STATUS = range(8)
FUA, NO_HOLE, DF, REQ_ONE, FAST_ZERO, PAYLOAD_LEN = (1 << bit for bit in range(6))
FLAG_HAS_FLAGS, FLAG_READ_ONLY, FLAG_SEND_DF, FLAG_BLOCK_STATUS_PAYLOAD = 1 << 0, 1 << 1, 1 << 7, 1 << 12

TYPE_NONE, TYPE_OFFSET_DATA, TYPE_OFFSET_HOLE, TYPE_BLOCK_STATUS_EXT = 0, 1, 2, 6
TYPE_ERROR, TYPE_ERROR_OFFSET = 0x8001, 0x8002
REPLY_FLAG_DONE = 1

EPERM, EIO, ENOMEM, EINVAL, ENOSPC, EOVERFLOW, ENOTSUP, ESHUTDOWN = 1, 5, 12, 22, 28, 75, 95, 108
ERRORS = {EPERM, EIO, ENOMEM, EINVAL, ENOSPC, EOVERFLOW, ENOTSUP, ESHUTDOWN}

STRING_BYTES = 4096
MAX_PAYLOAD = 1 << 25


def text(data):
    """A string of the protocol: UTF-8, no NUL, 4096 bytes at most."""
    assert len(data) <= STRING_BYTES and 0 not in data, data[:64]
    return data.decode("utf-8")


class Closed(Exception):
    """The server has closed the connection."""


class Negotiation:
    """The handshake, fixed newstyle and without zeroes."""

    def __init__(self, address, flags=3):
        self.socket = socket.socket(socket.AF_UNIX) if isinstance(address, str) else socket.socket()
        self.socket.settimeout(60)
        self.socket.connect(address)
        magic, version, server_flags = struct.unpack(">QQH", self.receive(18))
        assert (magic, version) == (NBDMAGIC, IHAVEOPT)
        assert server_flags & 3 == 3, server_flags
        self.send(struct.pack(">I", flags))
        self.max_payload = MAX_PAYLOAD
        self.contexts = {}

    def send(self, data):
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as e:
            raise Closed() from e

    def receive(self, count):
        data = bytearray()
        while len(data) < count:
            try:
                piece = self.socket.recv(min(count - len(data), 1 << 20))
            except ConnectionResetError as e:
                raise Closed() from e
            if not piece:
                assert not data, "closed in the middle of a message"
                raise Closed()
            data += piece
        return bytes(data)

    def option(self, option, data=b""):
        """Sends an option; gives its replies as (type, data), the last one final."""
        self.send(struct.pack(">QII", IHAVEOPT, option, len(data)) + data)
        replies = []
        while True:
            magic, told, kind, length = struct.unpack(">QIII", self.receive(20))
            assert (magic, told) == (OPTION_REPLY_MAGIC, option), (hex(magic), told)
            payload = self.receive(length) if length else b""
            replies.append((kind, payload))
            if kind == REP_ACK:
                assert not payload
                return replies
            if kind & ERR:
                text(payload)
                return replies
            assert kind in (REP_SERVER, REP_INFO, REP_META_CONTEXT), kind

    def answer(self, option, data=b""):
        """The type of an option's final reply."""
        return self.option(option, data)[-1][0]

    def start_tls(self, context, name):
        assert self.answer(OPT_STARTTLS) == REP_ACK
        self.socket = context.wrap_socket(self.socket, server_hostname=name)

    def select(self, export, *queries):
        """SET_META_CONTEXT; the contexts selected are in self.contexts, by name."""
        replies = self.option(OPT_SET_META_CONTEXT, context_query(export, *queries))
        if replies[-1][0] == REP_ACK:
            self.contexts = {text(data[4:]): struct.unpack(">I", data[:4])[0] for _, data in replies[:-1]}
            assert len(set(self.contexts.values())) == len(replies) - 1, "ids are unique"
        return replies[-1][0]

    def go(self, export, infos=(INFO_NAME, INFO_DESCRIPTION, INFO_BLOCK_SIZE), option=OPT_GO):
        """GO or INFO; what is told is in self.size, self.flags, ..."""
        replies = self.option(option, export_request(export, *infos))
        if replies[-1][0] == REP_ACK:
            assert b"\0\0" in [data[:2] for _, data in replies[:-1]], "INFO_EXPORT is mandatory"
        for kind, data in replies[:-1]:
            assert kind == REP_INFO
            info, = struct.unpack(">H", data[:2])
            if info == INFO_EXPORT:
                self.size, self.flags = struct.unpack(">QH", data[2:])
                assert self.flags & FLAG_HAS_FLAGS
            elif info == INFO_BLOCK_SIZE:
                least, preferred, self.max_payload = struct.unpack(">III", data[2:])
                assert least & (least - 1) == 0 and least <= 65536
                assert preferred & (preferred - 1) == 0 and preferred >= max(least, 512)
                assert self.max_payload >= preferred
            elif info == INFO_NAME:
                self.name = text(data[2:])
            elif info == INFO_DESCRIPTION:
                self.description = text(data[2:])
        return replies[-1][0]

    def closed(self):
        """True if the server has nothing to say but goodbye."""
        try:
            self.receive(1)
            return False
        except Closed:
            return True
        except ssl.SSLError:
            return True


def export_request(export, *infos):
    name = export.encode()
    return struct.pack(">I", len(name)) + name + struct.pack(">H", len(infos)) + b"".join(
        struct.pack(">H", info) for info in infos)


def context_query(export, *queries):
    name = export.encode()
    data = struct.pack(">I", len(name)) + name + struct.pack(">I", len(queries))
    for query in queries:
        data += struct.pack(">I", len(query.encode())) + query.encode()
    return data


class Reply:
    """All chunks of one request."""

    def __init__(self, command, flags, offset, length):
        self.command, self.flags, self.offset, self.length = command, flags, offset, length
        self.errors = []
        self.content = {}
        self.status = {}
        self.chunks = 0

    def data(self):
        """What a READ read, from chunks that cover it without a gap."""
        at, data = self.offset, b""
        for start, piece in sorted(self.content.items()):
            assert start == at, "a gap or an overlap"
            data += piece
            at += len(piece)
        assert at == self.offset + self.length, "less than was asked for"
        return data

    def error(self):
        return self.errors[0][0] if self.errors else 0


class Extended:
    """The transmission phase with extended headers, several requests in flight."""

    def __init__(self, negotiation):
        self.wire = negotiation
        self.size, self.flags = negotiation.size, negotiation.flags
        self.contexts = negotiation.contexts
        self.cookie = 0
        self.flying = {}

    def submit(self, command, offset=0, length=0, flags=0, payload=b""):
        """Sends a request and gives its cookie; the caller says all, the PAYLOAD_LEN flag too."""
        self.cookie = (self.cookie * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        self.wire.send(struct.pack(">IHHQQQ", EXTENDED_REQUEST_MAGIC, flags, command, self.cookie, offset, length) + payload)
        self.flying[self.cookie] = Reply(command, flags, offset, length)
        return self.cookie

    def receive(self):
        """The next reply that is complete, whichever it is: its cookie and chunks."""
        while True:
            magic, flags, kind, cookie, offset, length = struct.unpack(">IHHQQQ", self.wire.receive(32))
            assert magic == EXTENDED_REPLY_MAGIC, hex(magic)
            assert flags & ~REPLY_FLAG_DONE == 0, flags
            assert cookie in self.flying, "a reply to nothing"
            reply = self.flying[cookie]
            assert offset == reply.offset, "the header has the request's offset"
            assert length <= self.wire.max_payload + 64, length
            self.take(reply, kind, flags, self.wire.receive(length) if length else b"")
            if flags & REPLY_FLAG_DONE:
                del self.flying[cookie]
                self.check(reply)
                return cookie, reply

    def take(self, reply, kind, flags, payload):
        reply.chunks += 1
        if kind == TYPE_NONE:
            assert not payload and flags & REPLY_FLAG_DONE
        elif kind in (TYPE_OFFSET_DATA, TYPE_OFFSET_HOLE):
            assert reply.command == READ
            at, = struct.unpack(">Q", payload[:8])
            if kind == TYPE_OFFSET_HOLE:
                assert len(payload) == 12
                piece = bytes(struct.unpack(">I", payload[8:])[0])
            else:
                piece = payload[8:]
            assert piece, "a chunk of nothing"
            assert reply.offset <= at and at + len(piece) <= reply.offset + reply.length, "outside of the request"
            assert not any(at < start + len(other) and start < at + len(piece) for start, other in reply.content.items())
            reply.content[at] = piece
        elif kind == TYPE_BLOCK_STATUS_EXT:
            assert reply.command == BLOCK_STATUS
            context, count = struct.unpack(">II", payload[:8])
            assert count > 0 and len(payload) == 8 + 16 * count, (len(payload), count)
            assert context in self.contexts.values() and context not in reply.status
            reply.status[context] = [struct.unpack(">QQ", payload[at:at + 16]) for at in range(8, len(payload), 16)]
        elif kind in (TYPE_ERROR, TYPE_ERROR_OFFSET):
            error, told = struct.unpack(">IH", payload[:6])
            tail = 8 if kind == TYPE_ERROR_OFFSET else 0
            assert error in ERRORS and len(payload) == 6 + told + tail
            text(payload[6:6 + told])
            where = None
            if tail:
                where, = struct.unpack(">Q", payload[6 + told:])
                assert reply.offset <= where < reply.offset + max(reply.length, 1)
            reply.errors.append((error, where))
        else:
            raise AssertionError("a chunk of type %d, which extended headers do not have here" % kind)

    def check(self, reply):
        if reply.errors:
            return
        if reply.command == READ:
            reply.data()
            if reply.flags & DF:
                assert len(reply.content) == (1 if reply.length else 0), "fragmented"
        if reply.command == BLOCK_STATUS:
            filtered = reply.flags & PAYLOAD_LEN
            assert filtered or set(reply.status) == set(self.contexts.values()), "one chunk for each context"
            for extents in reply.status.values():
                assert all(length > 0 for length, _ in extents)
                total = sum(length for length, _ in extents)
                assert reply.offset + total <= self.size
                if reply.flags & REQ_ONE:
                    assert len(extents) == 1
                    assert filtered or extents[0][0] <= reply.length
                elif not filtered:
                    assert total - extents[-1][0] < reply.length, "an extent behind the request"

    def call(self, command, offset=0, length=0, flags=0, payload=b""):
        """One request and its reply, while nothing else is in flight."""
        cookie = self.submit(command, offset, length, flags, payload)
        answered, reply = self.receive()
        assert answered == cookie and not self.flying
        return reply

    def read(self, offset, length, flags=0):
        reply = self.call(READ, offset, length, flags)
        assert not reply.errors, reply.errors
        return reply.data()

    def write(self, offset, data, flags=0):
        return self.call(WRITE, offset, len(data), flags | PAYLOAD_LEN, data)

    def map(self, context, offset, length):
        """The extents of a range in one context, asked for as often as it takes, cut at the end of the range."""
        extents, end = [], offset + length
        while offset < end:
            reply = self.call(BLOCK_STATUS, offset, end - offset)
            assert not reply.errors, reply.errors
            for piece, status in reply.status[self.contexts[context]]:
                piece = min(piece, end - offset)
                if piece and extents and extents[-1][1] == status:
                    extents[-1] = (extents[-1][0] + piece, status)
                elif piece:
                    extents.append((piece, status))
                offset += piece
        return extents

    def disconnect(self):
        assert not self.flying
        self.wire.send(struct.pack(">IHHQQQ", EXTENDED_REQUEST_MAGIC, 0, DISC, 1, 0, 0))
        assert self.wire.closed()


def connect(address, export, *contexts):
    """Opens an export with extended headers and contexts."""
    negotiation = Negotiation(address)
    assert negotiation.answer(OPT_EXTENDED_HEADERS) == REP_ACK
    if contexts:
        assert negotiation.select(export, *contexts) == REP_ACK
        assert set(negotiation.contexts) == set(contexts), negotiation.contexts
    assert negotiation.go(export) == REP_ACK
    return Extended(negotiation)
