# SPDX-License-Identifier: Apache-2.0
"""What all tests share: a daemon or several, peers, and how to end."""
import json
import os
import subprocess
import sys
import unittest

from lib.client import Peer, http, stdio
from lib.daemon import BUILD, Daemon

SOURCE = os.path.abspath(os.environ.get("SNOWMUX_SOURCE", "."))

# Long enough to be running whenever a test looks, short of forever: about ten minutes a core.
LONG_SQL = "SELECT count(*) FROM range(100000000) a, range(1000) b WHERE a.range + b.range < 0"


class Case(unittest.TestCase):
    """Peers start once a class; daemons and clients belong to one test."""

    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        subprocess.run([os.path.join(SOURCE, "tools/demo/build.sh"), BUILD], check=True)
        cls.peers = {}

    @classmethod
    def tearDownClass(cls):
        for peer in cls.peers.values():
            peer.close()

    def peer(self, kind):
        if kind not in self.peers:
            self.peers[kind] = Peer(kind)
        return self.peers[kind]

    def daemon(self, settings=None, start=True):
        daemon = Daemon(settings)
        self.addCleanup(daemon.close)
        return daemon.start() if start else daemon

    def http(self, kind, daemon, **more):
        return self._ends_with_test(http(self.peer(kind), daemon, **more))

    def stdio(self, kind, daemon, **more):
        return self._ends_with_test(stdio(self.peer(kind), daemon, **more))

    def _ends_with_test(self, client):
        """Before its daemon does: a bridge that lost its daemon starts another."""
        def end():
            try:
                client.close()
            except Exception:  # its process takes it along
                client.peer.close()
                if self.peers.get(client.peer.kind) is client.peer:
                    del self.peers[client.peer.kind]
        self.addCleanup(end)
        return client

    def check_shape(self, answer):
        """One text, which is the compact JSON of the structured content."""
        self.assertEqual(json.loads(answer.text), answer.data)
        self.assertNotIn("\n", answer.text)

    def check_error(self, answer, code, retryable):
        self.assertTrue(answer.is_error, answer.text[:400])
        self.check_shape(answer)
        self.assertEqual(answer.error["code"], code, answer.text)
        self.assertEqual(answer.error["retryable"], retryable)
        self.assertTrue(answer.error["message"])
        self.assertTrue(answer.error["hint"])
        return answer.error


def main():
    unittest.main(testRunner=unittest.TextTestRunner(stream=sys.stdout, verbosity=2))
