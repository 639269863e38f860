# SPDX-License-Identifier: Apache-2.0
"""As much of PostgreSQL's protocol as a test needs to look into a server without a driver."""
import socket
import struct

from lib.program import DEADLINE_S


class PostgresError(Exception):
    def __init__(self, fields):
        super().__init__("%s: %s" % (fields.get("C"), fields.get("M")))
        self.sqlstate = fields.get("C")


def frame(kind, body):
    return kind + struct.pack("!I", len(body) + 4) + body


def query(port, user, database, text):
    """The rows of the last statement of @text as dictionaries of texts."""
    with socket.create_connection(("127.0.0.1", port), DEADLINE_S) as s, s.makefile("rb") as file:
        hello = b"".join(word.encode() + b"\0" for word in ("user", user, "database", database))
        s.sendall(frame(b"", struct.pack("!I", 3 << 16) + hello + b"\0"))
        _until_ready(file)
        s.sendall(frame(b"Q", text.encode() + b"\0"))
        rows = _until_ready(file)
        s.sendall(frame(b"X", b""))
        return rows


def _until_ready(file):
    names, rows, fault = [], [], None
    while True:
        head = file.read(5)
        if len(head) < 5:
            raise fault or ConnectionError("the server closed the connection")
        kind, body = head[:1], file.read(struct.unpack("!I", head[1:])[0] - 4)
        if kind == b"T":
            names, rows = _names(body), []
        elif kind == b"D":
            rows.append(dict(zip(names, _values(body))))
        elif kind == b"E":
            fault = PostgresError({part[:1].decode(): part[1:].decode() for part in body.split(b"\0") if part})
        elif kind == b"R" and body[:4] != b"\0\0\0\0":
            raise AssertionError("the server wants a password of a user that should need none")
        elif kind == b"Z":
            if fault:
                raise fault
            return rows


def _names(body):
    names, at = [], 2
    for _ in range(struct.unpack("!H", body[:2])[0]):
        end = body.index(b"\0", at)
        names.append(body[at:end].decode())
        at = end + 19  # its table, column, type, size, modifier and format
    return names


def _values(body):
    values, at = [], 2
    for _ in range(struct.unpack("!H", body[:2])[0]):
        size = struct.unpack("!i", body[at:at + 4])[0]
        at += 4
        values.append(None if size < 0 else body[at:at + size].decode())
        at += max(size, 0)
    return values
