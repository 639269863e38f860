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
