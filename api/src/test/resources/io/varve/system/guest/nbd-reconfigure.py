"""Changes the kernel's NBD device 0 while it is in use. Debian's nbd-client cannot. Imports nothing but built-in modules.

nbd-reconfigure.py hold SECONDS                   requests wait so long for a connection, where there is none
nbd-reconfigure.py connect HOST PORT EXPORT COUNT new connections in place of those that broke
nbd-reconfigure.py size-by-netlink BYTES          the device has this size
nbd-reconfigure.py size-by-ioctl BYTES            the same for a device that was set up by ioctls (nbd-client -nonetlink)

The kernel's interfaces are include/uapi/linux/nbd-netlink.h (NBD_CMD_RECONFIGURE) and include/uapi/linux/nbd.h.
"""
import sys

import _socket
import _struct
import fcntl

NETLINK_GENERIC = 16
NLM_F_REQUEST, NLM_F_ACK, NLMSG_ERROR = 1, 4, 2
GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME = 16, 3, 1, 2
NLA_F_NESTED = 1 << 15
NBD_ATTR_INDEX, NBD_ATTR_SIZE_BYTES, NBD_ATTR_SOCKETS, NBD_ATTR_DEAD_CONN_TIMEOUT = 1, 2, 7, 8
NBD_SOCK_ITEM, NBD_SOCK_FD, NBD_CMD_RECONFIGURE = 1, 1, 3
NBD_SET_SIZE_BLOCKS = 0xAB07
BLOCK_BYTES = 512  # nbd-client's default


def attribute(kind, value):
    return _struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


class Netlink:
    def __init__(self):
        self.socket = _socket.socket(_socket.AF_NETLINK, _socket.SOCK_RAW, NETLINK_GENERIC)
        self.socket.bind((0, 0))
        answer = self.ask(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, attribute(CTRL_ATTR_FAMILY_NAME, b"nbd\0"))
        while answer:
            length, kind = _struct.unpack("=HH", answer[:4])
            if kind == CTRL_ATTR_FAMILY_ID:
                self.family, = _struct.unpack("=H", answer[4:6])
            answer = answer[length + -length % 4:]

    def ask(self, family, command, attributes):
        """Sends a message and gives the attributes that come back before its acknowledgement."""
        body = _struct.pack("=BBH", command, 1, 0) + attributes
        self.socket.send(_struct.pack("=IHHII", 16 + len(body), family, NLM_F_REQUEST | NLM_F_ACK, 1, 0) + body)
        attributes = b""
        while True:
            data = self.socket.recv(65536)
            while data:
                length, kind = _struct.unpack("=IH", data[:6])
                if kind == NLMSG_ERROR:
                    error, = _struct.unpack("=i", data[16:20])
                    if error:
                        sys.exit("the kernel refused: error %d" % -error)
                    return attributes
                attributes += data[20:length]
                data = data[length + -length % 4:]

    def reconfigure(self, attributes):
        self.ask(self.family, NBD_CMD_RECONFIGURE, attribute(NBD_ATTR_INDEX, _struct.pack("=I", 0)) + attributes)


def connect(host, port, export):
    """A connection in the transmission phase, by NBD_OPT_EXPORT_NAME (proto.md, "Fixed newstyle negotiation")."""
    connection = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    connection.connect((host, int(port)))
    receive(connection, 18)
    name = export.encode()
    connection.send(_struct.pack(">IQII", 3, 0x49484156454F5054, 1, len(name)) + name)
    receive(connection, 10)
    return connection


def receive(connection, count):
    while count:
        piece = connection.recv(count)
        if not piece:
            sys.exit("the server has closed the connection")
        count -= len(piece)


def main(what, *arguments):
    if what == "hold":
        Netlink().reconfigure(attribute(NBD_ATTR_DEAD_CONN_TIMEOUT, _struct.pack("=Q", int(arguments[0]))))
    elif what == "size-by-netlink":
        Netlink().reconfigure(attribute(NBD_ATTR_SIZE_BYTES, _struct.pack("=Q", int(arguments[0]))))
    elif what == "size-by-ioctl":
        with open("/dev/nbd0") as device:
            fcntl.ioctl(device, NBD_SET_SIZE_BLOCKS, int(arguments[0]) // BLOCK_BYTES)
    else:
        connections = [connect(*arguments[:3]) for _ in range(int(arguments[3]))]
        items = b"".join(
            attribute(NBD_SOCK_ITEM | NLA_F_NESTED, attribute(NBD_SOCK_FD, _struct.pack("=I", connection.fileno())))
            for connection in connections)
        Netlink().reconfigure(attribute(NBD_ATTR_SOCKETS | NLA_F_NESTED, items))


main(*sys.argv[1:])
