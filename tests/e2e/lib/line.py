# SPDX-License-Identifier: Apache-2.0
"""What a bridge says to the daemon, said by hand."""
import json
import os
import socket

from lib.program import DEADLINE_S


class Line:
    """A bridge's connection, by hand; only root can be another user."""
    def __init__(self, path, uid=None):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(DEADLINE_S)
        if uid is not None:
            os.seteuid(uid)  # the kernel keeps who connected
        try:
            self.socket.connect(path)
        finally:
            if uid is not None:
                os.seteuid(0)
        self.file = self.socket.makefile("r")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send(self, *messages):
        self.socket.sendall("".join(json.dumps(message) + "\n" for message in messages).encode())

    def until(self, key, value):
        for text in self.file:
            message = json.loads(text)
            if message.get(key) == value:
                return message
        raise AssertionError("no line with %s %r" % (key, value))


class Foreign:
    """A client of another user of the machine, through the socket, which has to let it in."""

    def __init__(self, path, uid):
        self.line = Line(path, uid=uid)
        self.count = 1
        self.line.send({"snowmux": "hello", "version": 1, "instance": "other", "session": None},
                       {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
                           "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "other", "version": "1"}}})
        self.line.until("snowmux", "session")
        self.line.until("id", 1)

    def call(self, tool, **arguments):
        self.count += 1
        self.line.send({"jsonrpc": "2.0", "id": self.count, "method": "tools/call", "params": {"name": tool, "arguments": arguments}})
        return self.line.until("id", self.count)["result"]["structuredContent"]

    def close(self):
        self.line.__exit__()
