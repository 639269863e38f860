# SPDX-License-Identifier: Apache-2.0
"""Connections to the daemon: bytes out, and replies read strictly byte by byte."""
import os
import re
import socket

import pattern

DEADLINE_S = 20
SLOW_BYTES = 4096  # of one write in single bytes; the rest goes in larger pieces


class Channel:
    """A connection. @uid: the user it is opened as, None for our own."""

    def __init__(self, family, address, uid=None):
        self.read_ahead = b""
        if uid is not None:
            os.seteuid(uid)
        try:
            self.socket = socket.socket(family, socket.SOCK_STREAM)
            if family == socket.AF_INET:
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket.settimeout(DEADLINE_S)
            self.socket.connect(address)
        finally:
            if uid is not None:
                os.seteuid(0)

    def write(self, data, bytewise):
        try:
            if not bytewise:
                self.socket.sendall(data)
                return
            for i in range(0, min(len(data), SLOW_BYTES)):
                self.socket.sendall(data[i:i + 1])
            for i in range(SLOW_BYTES, len(data), 10007):
                self.socket.sendall(data[i:i + 10007])
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused in the middle: the reply tells why

    def more(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            data = b""
        except socket.timeout as e:
            raise pattern.Mismatch(f"nothing came for {DEADLINE_S} s; "
                                   f"so far: {self.read_ahead[:200]!r}") from e
        self.read_ahead += data
        return bool(data)

    def until(self, mark):
        while mark not in self.read_ahead:
            if not self.more():
                raise pattern.Mismatch(f"the connection ended after {self.read_ahead[:200]!r}")
        found, self.read_ahead = self.read_ahead.split(mark, 1)
        return found

    def exactly(self, size):
        while len(self.read_ahead) < size:
            if not self.more():
                raise pattern.Mismatch(f"the connection ended after {self.read_ahead[:200]!r}")
        found, self.read_ahead = self.read_ahead[:size], self.read_ahead[size:]
        return found

    def expect_end(self):
        if self.read_ahead or self.more():
            raise pattern.Mismatch(f"the connection goes on: {self.read_ahead[:200]!r}")

    def close(self):
        self.socket.close()


class Reply:
    def __init__(self, channel):
        head = channel.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        m = re.fullmatch(r"HTTP/1\.1 (\d{3}) [A-Za-z ]+", head[0])
        if not m:
            raise pattern.Mismatch(f"no status line: {head[0]!r}")
        self.status = int(m.group(1))
        self.headers = {}
        for line in head[1:]:
            name, _, value = line.partition(": ")
            if name.lower() in self.headers:
                raise pattern.Mismatch(f"the header {name} comes twice")
            self.headers[name.lower()] = value
        if "date" not in self.headers:
            raise pattern.Mismatch("no Date header")
        self.is_stream = "transfer-encoding" in self.headers
        length = self.headers.get("content-length")
        if self.status == 204 and length is not None:
            raise pattern.Mismatch("204 with a Content-Length")
        if not self.is_stream and self.status != 204 and length is None:
            raise pattern.Mismatch("neither Content-Length nor a stream")
        self.body = channel.exactly(int(length)).decode() if length else ""


def read_event(channel):
    """The next chunk of a stream: ("event", JSON), ("comment", text) or ("end", "")."""
    size = int(channel.until(b"\r\n"), 16)
    chunk = channel.exactly(size).decode()
    if channel.exactly(2) != b"\r\n":
        raise pattern.Mismatch("a chunk is longer than it says")
    if size == 0:
        return "end", ""
    m = re.fullmatch(r"event: message\ndata: ([^\r\n]*)\n\n", chunk)
    if m:
        return "event", m.group(1)
    m = re.fullmatch(r": ([^\r\n]*)\n\n", chunk)
    if not m:
        raise pattern.Mismatch(f"neither event nor comment: {chunk[:200]!r}")
    return "comment", m.group(1)
