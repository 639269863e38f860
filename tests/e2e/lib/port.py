# SPDX-License-Identifier: Apache-2.0
"""A port that the kernel chose, for servers that cannot say which one they got."""
import socket


def free_port():
    """Somebody else may take it before it is used: be ready to ask again."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def bound_socket():
    """Bound by its number: so the port stays ours while nobody listens on it."""
    while True:
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", free_port()))
            return s
        except OSError:
            s.close()
