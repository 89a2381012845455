"""What the client of wire.py does to a server: scenarios.py NAME ADDRESS [ARGUMENT ...]. An address is the path of a socket or
HOST:PORT. The document's sentence stands where a step may surprise.
"""
import random
import ssl
import struct
import sys

from wire import *

MIB, GIB, TIB = 1 << 20, 1 << 30, 1 << 40


def refused(reply, error):
    assert reply.error() == error, (reply.error(), error)


def requests(address, export, seed):
    """Random requests, many in flight, against an array of bytes; requests in flight do not overlap."""
    r = random.Random(int(seed))
    size = 24 * MIB
    base = 5 * GIB - 8 * MIB  # so that offsets go over 2^32
    model = bytearray(size)
    client = connect(address, export, "base:allocation")
    flying = {}
    sent = 0
    while sent < 700 or flying:
        if sent < 700 and len(flying) < 24:
            length = r.choice([1, 511, 512, 4096, 8192, 65536, r.randrange(1, 300000)])
            at = r.randrange(size - length)
            if r.random() < 0.5:
                at -= at % 4096
            if any(at < a + n and a < at + length for a, n, _ in flying.values()):
                if len(flying) > 4:
                    collect(client, flying, model, base)
                continue
            sent += 1
            kind = r.randrange(10)
            fua = FUA if r.random() < 0.05 else 0
            if kind < 4:
                data = r.randbytes(length)
                cookie = client.submit(WRITE, base + at, length, PAYLOAD_LEN | fua, data)
                model[at:at + length] = data
                flying[cookie] = (at, length, None)
            elif kind == 4:
                cookie = client.submit(WRITE_ZEROES, base + at, length, fua | r.choice([0, NO_HOLE]))
                model[at:at + length] = bytes(length)
                flying[cookie] = (at, length, None)
            elif kind == 5:
                client_length = length + r.choice([0, 4096])
                cookie = client.submit(CACHE, base + at, min(client_length, size - at))
                flying[cookie] = (at, min(client_length, size - at), None)
            elif kind == 6 and not flying:
                cookie = client.submit(FLUSH)
                flying[cookie] = (0, 0, None)
            else:
                cookie = client.submit(READ, base + at, length, r.choice([0, 0, DF, fua]))
                flying[cookie] = (at, length, bytes(model[at:at + length]))
        else:
            collect(client, flying, model, base)
    assert client.read(base, size) == model
    zero_where_told(client, base, model)
    # What other requests left is as it was: nothing outside was touched.
    assert client.map("base:allocation", 0, base) == [(base, 3)]
    client.disconnect()


def collect(client, flying, model, base):
    cookie, reply = client.receive()
    assert not reply.errors, reply.errors
    at, length, expected = flying.pop(cookie)
    if expected is not None:
        assert reply.data() == expected, (base + at, length)


def zero_where_told(client, base, model):
    """base:allocation: what is told to be zero reads as zeroes. A server may not know of all."""
    at, zeroes = 0, 0
    for length, status in client.map("base:allocation", base, len(model)):
        assert status & ~3 == 0 and (status & 1 == 0 or status & 2)
        if status & 2:
            assert model[at:at + length].count(0) == length
            zeroes += length
        at += length
    assert at == len(model) and zeroes > 0


def long_lengths(address, export):
    """Effect lengths of 64 bits, on 16 TiB."""
    client = connect(address, export, "base:allocation")
    assert client.size == 16 * TIB
    places = [0, 4 * GIB - 4096, 4 * GIB, 6 * TIB + 12288, 16 * TIB - 4096]
    for place in places:
        assert not client.write(place, b"\x5a" * 4096).errors
    reply = client.call(BLOCK_STATUS, 4096, 16 * TIB - 4096)
    first = reply.status[client.contexts["base:allocation"]][0]
    assert first == (4 * GIB - 8192, 3), first
    assert client.map("base:allocation", 0, 16 * TIB) == [
        (4096, 0), (4 * GIB - 8192, 3), (8192, 0), (2 * TIB * 3 + 12288 - 4 * GIB - 4096, 3), (4096, 0),
        (16 * TIB - 4096 - 6 * TIB - 16384, 3), (4096, 0)]
    # REQ_ONE: one extent, no longer than what was asked for, which is more than 32 bits here.
    reply = client.call(BLOCK_STATUS, 7 * TIB, 8 * TIB, REQ_ONE)
    assert list(reply.status.values()) == [[(8 * TIB, 3)]], reply.status
    for command, flags in [(TRIM, 0), (WRITE_ZEROES, 0), (WRITE_ZEROES, FAST_ZERO), (CACHE, 0)]:
        for place in places[1:4]:
            assert not client.write(place, b"\xa5" * 4096).errors
        reply = client.call(command, 4096, 15 * TIB, flags)
        assert not reply.errors, (command, reply.errors)
        assert client.read(0, 4096) == b"\x5a" * 4096
        assert client.read(16 * TIB - 4096, 4096) == b"\x5a" * 4096
        for place in places[1:4]:
            assert client.read(place, 4096) == (b"\xa5" * 4096 if command == CACHE else bytes(4096))
    # The sum of offset and length goes over 2^64.
    for command, error in [(TRIM, EINVAL), (WRITE_ZEROES, ENOSPC), (CACHE, EINVAL), (BLOCK_STATUS, EINVAL)]:
        for offset, length in [(4096, (1 << 64) - 4096), (4096, (1 << 64) - 1), ((1 << 64) - 4096, 4096),
                               (16 * TIB, 1), (1 << 63, 1 << 63), (0, 16 * TIB + 1)]:
            refused(client.call(command, offset, length), error)
    for length in [(1 << 32) - 1, 1 << 32, (1 << 64) - 1]:
        refused(client.call(READ, 0, length), EOVERFLOW)
    client.disconnect()


def filters(address, export, snapshot):
    """BLOCK_STATUS with a payload that says which contexts to answer (NBD_FLAG_BLOCK_STATUS_PAYLOAD)."""
    names = ["base:allocation", "varve:changed-since:" + snapshot, "qemu:allocation-depth"]
    client = connect(address, export, *names)
    assert client.flags & FLAG_BLOCK_STATUS_PAYLOAD and client.flags & FLAG_SEND_DF
    ids = [client.contexts[name] for name in names]

    def ask(chosen, length=client.size, flags=0):
        payload = struct.pack(">Q", length) + b"".join(struct.pack(">I", i) for i in chosen)
        return client.call(BLOCK_STATUS, 0, len(payload), PAYLOAD_LEN | flags, payload)

    for chosen in [ids[:1], ids[1:2], ids[2:], ids[:2], ids[1:], ids, ids[::-1]]:
        reply = ask(chosen)
        assert not reply.errors and set(reply.status) == set(chosen), (chosen, reply.status)
        one = ask(chosen, 65536, REQ_ONE)
        assert all(len(extents) == 1 and extents[0][0] <= 65536 for extents in one.status.values())
    whole = client.call(BLOCK_STATUS, 0, client.size)
    assert ask(ids).status == whole.status
    assert all(status >> 32 == 0 for extents in whole.status.values() for _, status in extents)
    # Duplicate or unknown ids, or a length that is no 8 + n * 4: the payload is consumed, and EINVAL.
    unknown = max(ids) + 1
    for chosen in [ids[:1] * 2, ids + ids[:1], [unknown], ids[:2] + [unknown], [0xFFFFFFFF]]:
        refused(ask(chosen), EINVAL)
    refused(ask(ids, client.size + 1), EINVAL)
    refused(ask(ids, 1 << 63), EINVAL)
    for length in [1, 4, 7, 8, 9, 10, 11, 13, 4096, 65536]:
        refused(client.call(BLOCK_STATUS, 0, length, PAYLOAD_LEN, bytes(length)), EINVAL)
    assert ask(ids).status == whole.status
    client.disconnect()


def request_errors(address, export, snapshot):
    client = connect(address, export)
    assert not client.flags & FLAG_BLOCK_STATUS_PAYLOAD
    size = client.size
    # "The command NBD_CMD_WRITE MUST use the flag"; without it there is no payload, and length is an effect length.
    refused(client.call(WRITE, 0, 4096), EINVAL)
    refused(client.call(WRITE, 0, 1 << 40), EINVAL)
    # "the flag will trigger an NBD_EINVAL error unless the command documents an optional payload"
    for command in [READ, FLUSH, TRIM, CACHE, WRITE_ZEROES, BLOCK_STATUS]:
        refused(client.call(command, 0, 4096, PAYLOAD_LEN, b"\xff" * 4096), EINVAL)
        refused(client.call(command, 0, 3, PAYLOAD_LEN, b"\xff" * 3), EINVAL)
    # unknown commands, with and without a payload
    for command in [8, 9, 99, 65535]:
        refused(client.call(command, 0, 4096), EINVAL)
        refused(client.call(command, 0, 4096, PAYLOAD_LEN, bytes(4096)), EINVAL)
    for flag in [1 << bit for bit in range(6, 16)]:
        for command in [READ, TRIM, CACHE, WRITE_ZEROES, BLOCK_STATUS]:
            refused(client.call(command, 0, 4096, flag), EINVAL)
        refused(client.write(0, bytes(4096), flag), EINVAL)
    for command, flag in [(READ, NO_HOLE), (READ, REQ_ONE), (READ, FAST_ZERO), (TRIM, DF), (TRIM, NO_HOLE), (WRITE_ZEROES, DF)]:
        refused(client.call(command, 0, 4096, flag), EINVAL)
    refused(client.call(BLOCK_STATUS, 0, 4096), EINVAL)  # no context was selected
    refused(client.call(FLUSH, 1, 0), EINVAL)
    refused(client.call(FLUSH, 0, 1), EINVAL)
    # beyond the end
    refused(client.write(size - 1, bytes(2)), ENOSPC)
    refused(client.write(1 << 63, bytes(2)), ENOSPC)
    refused(client.call(WRITE_ZEROES, size, 1), ENOSPC)
    refused(client.call(READ, size - 1, 2), EINVAL)
    refused(client.call(TRIM, size - 1, 2), EINVAL)
    refused(client.call(CACHE, size, 1), EINVAL)
    refused(client.call(READ, 0, client.wire.max_payload + 1), EOVERFLOW)
    refused(client.call(READ, 0, client.wire.max_payload + 1, DF), EOVERFLOW)
    assert len(client.read(0, client.wire.max_payload, DF)) == client.wire.max_payload
    refused(client.call(WRITE_ZEROES, 1, 4096, FAST_ZERO), ENOTSUP)
    assert not client.call(WRITE_ZEROES, 1, 4096).errors
    # nothing was written
    assert client.read(0, MIB) == bytes(MIB)
    client.disconnect()

    reader = connect(address, snapshot)
    assert reader.flags & FLAG_READ_ONLY
    refused(reader.write(0, bytes(100000)), EPERM)
    refused(reader.call(TRIM, 0, 4096), EPERM)
    refused(reader.call(WRITE_ZEROES, 0, 4096), EPERM)
    assert reader.read(0, 4096) == bytes(4096)
    reader.disconnect()

    # "A server SHOULD initiate hard disconnect if ... a length larger than a server's advertised ... maximum payload"
    client = connect(address, export)
    client.submit(WRITE, 0, client.wire.max_payload + 1, PAYLOAD_LEN)
    assert client.wire.closed()
    client = connect(address, export)  # a compact request where extended ones were agreed on
    client.wire.send(struct.pack(">IHHQQI", 0x25609513, 0, READ, 1, 0, 4096) + bytes(4))
    assert client.wire.closed()


def option_errors(address, export):
    n = Negotiation(address)
    query = context_query(export, "base:allocation")
    for option in [0, 4, 12, 77, 1 << 31, (1 << 32) - 1]:
        assert n.answer(option) == ERR_UNSUP
        assert n.answer(option, bytes(1000)) == ERR_UNSUP
    for option in [OPT_LIST, OPT_STRUCTURED_REPLY, OPT_EXTENDED_HEADERS]:
        assert n.answer(option, b"x") == ERR_INVALID
    assert n.answer(OPT_STARTTLS) == ERR_POLICY
    # contexts need chunks to be answered in
    assert n.answer(OPT_SET_META_CONTEXT, query) == ERR_INVALID
    assert n.answer(OPT_LIST_META_CONTEXT, query) == ERR_INVALID
    assert n.answer(OPT_STRUCTURED_REPLY) == REP_ACK
    assert n.answer(OPT_STRUCTURED_REPLY) in (REP_ACK, ERR_INVALID)
    assert n.answer(OPT_LIST_META_CONTEXT, query) == REP_ACK
    # lengths that contradict each other
    for option in [OPT_INFO, OPT_GO]:
        for data in [b"", b"\0" * 5, struct.pack(">I", 7) + b"vol\0\0", struct.pack(">IHH", 0, 2, 0), struct.pack(">IHHH", 0, 1, 0, 0),
                     struct.pack(">IH", 0xFFFFFFFF, 0)]:
            assert n.answer(option, data) in (ERR_INVALID, ERR_TOO_BIG), data
        assert n.answer(option, export_request("nothing")) == ERR_UNKNOWN
        assert n.answer(option, export_request("x" * 4096)) == ERR_UNKNOWN
        assert n.answer(option, export_request("x" * 4097)) == ERR_TOO_BIG
        assert n.answer(option, bytes(1 << 20)) == ERR_TOO_BIG
    for option in [OPT_LIST_META_CONTEXT, OPT_SET_META_CONTEXT]:
        for data in [b"", query[:-1], query + b"x", struct.pack(">I", 0xFFFFFFFF), context_query(export, "no colon")]:
            assert n.answer(option, data) in (ERR_INVALID, ERR_TOO_BIG), data
        assert n.answer(option, context_query("nothing", "base:allocation")) == ERR_UNKNOWN
        assert n.answer(option, context_query(export, *["base:allocation"] * 1000)) == ERR_TOO_BIG
        assert n.answer(option, context_query(export, "base:" + "x" * 4096)) == ERR_TOO_BIG
        assert n.answer(option, context_query(export, "unknown:namespace", "base:nothing")) == REP_ACK
    # "Once extended headers are successfully requested" they stay, and take precedence
    assert n.answer(OPT_EXTENDED_HEADERS) == REP_ACK
    assert n.answer(OPT_STRUCTURED_REPLY) == ERR_EXT_HEADER_REQD
    # "Issuing this command replaces all previously-set metadata contexts (including when this command fails)"
    assert n.select(export, "base:allocation") == REP_ACK and n.contexts
    assert n.select(export, "no colon") == ERR_INVALID
    n.contexts = {}
    assert n.go(export, option=OPT_INFO) == REP_ACK
    size = n.size
    assert n.go(export) == REP_ACK and n.size == size
    client = Extended(n)
    refused(client.call(BLOCK_STATUS, 0, 4096), EINVAL)
    client.disconnect()

    n = Negotiation(address)
    assert n.answer(OPT_ABORT, b"data is ignored") == REP_ACK and n.closed()
    n = Negotiation(address)  # "a client MUST NOT use NBD_OPT_EXPORT_NAME"
    assert n.answer(OPT_EXTENDED_HEADERS) == REP_ACK
    n.send(struct.pack(">QII", IHAVEOPT, OPT_EXPORT_NAME, len(export)) + export.encode())
    assert n.closed()
    n = Negotiation(address)
    n.send(struct.pack(">QII", IHAVEOPT, OPT_EXPORT_NAME, 7) + b"nothing")
    assert n.closed()
    n = Negotiation(address, flags=0xFF)  # "MUST close the TCP connection if it does not recognize the client's flags"
    assert n.closed()


def tls(address, export, certificates):
    """A server that requires TLS: nothing but STARTTLS before it, and nothing of what was agreed on survives it."""
    context = ssl.create_default_context(cafile=certificates + "/ca-cert.pem")
    context.load_cert_chain(certificates + "/client-cert.pem", certificates + "/client-key.pem")
    for version in [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]:
        context.minimum_version = context.maximum_version = version
        n = Negotiation(address)
        for option in [OPT_LIST, OPT_INFO, OPT_GO, OPT_STRUCTURED_REPLY, OPT_LIST_META_CONTEXT, OPT_SET_META_CONTEXT,
                       OPT_EXTENDED_HEADERS, 77]:
            assert n.answer(option, b"x" * 8) == ERR_TLS_REQD
        assert n.answer(OPT_STARTTLS, b"x") == ERR_INVALID
        n.start_tls(context, "127.0.0.1")
        assert n.answer(OPT_STARTTLS) == ERR_INVALID
        assert n.answer(OPT_SET_META_CONTEXT, context_query(export, "base:allocation")) == ERR_INVALID
        assert n.answer(OPT_EXTENDED_HEADERS) == REP_ACK
        assert n.select(export, "base:allocation") == REP_ACK
        assert n.go(export) == REP_ACK
        client = Extended(n)
        data = random.Random(9).randbytes(3 * MIB + 513)
        assert not client.write(513, data, FUA).errors
        assert client.read(513, len(data)) == data
        assert client.map("base:allocation", 0, client.size)[-1][1] == 3
        client.disconnect()


def main():
    name, place, *arguments = sys.argv[1:]
    host, _, port = place.rpartition(":")
    globals()[name]((host, int(port)) if host else place, *arguments)
    print(name + " ended well")


main()
