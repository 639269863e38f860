# SPDX-License-Identifier: Apache-2.0
"""The operator ends sessions: their clients are told, the others go on, a restart keeps it so."""
import concurrent.futures
import contextlib
import os
import sqlite3
import subprocess
import tempfile
import unittest

from lib.case import LONG_SQL, Case, main
from lib.client import Answer
from lib.daemon import SNOWMUX
from lib.line import Line
from lib.program import poll

OTHER = 65534


class KillSession(Case):
    def kill(self, daemon, *handles):
        done = subprocess.run([SNOWMUX, "kill-session", *handles, "--state", daemon.state],
                              capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr

    def ask_end(self, line, handle):
        line.send({"snowmux": "kill-session", "session": handle})
        return line.until("snowmux", "kill-session")["state"]

    def test_its_client_is_told_and_others_go_on(self):
        daemon = self.daemon()
        victim, other = self.http("ts_v1", daemon), self.http("ts_v1", daemon)
        opened = other.call("open_session").data["session"]
        running = victim.send("execute_query", query=LONG_SQL)
        daemon.wait_calls(running=1)
        self.assertEqual(self.kill(daemon, victim.session, opened),
                         (0, "%s ended\n%s ended\n" % (victim.session, opened), ""))
        daemon.kill9()  # right after: the store has forgotten them
        daemon.restart()
        left = [s["session"] for s in daemon.ask("ls")["sessions"]]
        self.assertEqual(left, [other.session])
        self.check_error(other.sql("SELECT 1", session=opened), "session_not_found", True)
        self.assertEqual(other.sql("SELECT 1").rows, [[1]])
        with self.assertRaises(Exception):  # 404, or an error of the call that was cut off
            answer = Answer(running.result(60))
            self.assertFalse(answer.is_error)
        with self.assertRaises(Exception) as told:
            victim.sql("SELECT 1")
        self.assertIn("404", str(told.exception) + repr(vars(told.exception)))

    def test_one_that_is_still_being_opened_can_be_ended(self):
        daemon = self.daemon()
        client = self.stdio("ts_v1", daemon)
        known = {s["session"] for s in daemon.ask("ls")["sessions"]}
        with contextlib.closing(sqlite3.connect(os.path.join(daemon.state, "snowmux.db"))) as store:
            store.execute("BEGIN IMMEDIATE")  # the daemon cannot write meanwhile
            opening = client.send("open_session")
            poll(lambda: len(daemon.ask("ls")["sessions"]) > len(known), "the new session is listed")
            new, = {s["session"] for s in daemon.ask("ls")["sessions"]} - known
            with concurrent.futures.ThreadPoolExecutor() as pool:
                killed = pool.submit(self.kill, daemon, new)
                self.check_error(Answer(opening.result(60)), "session_not_found", True)
                store.rollback()
                self.assertEqual(killed.result(60), (0, "%s ended\n" % new, ""))
        self.assertEqual(client.sql("SELECT 1").rows, [[1]])
        self.assertEqual({s["session"] for s in daemon.ask("ls")["sessions"]}, known)

    @unittest.skipUnless(os.geteuid() == 0, "only root can be another user")
    def test_another_user_ends_his_own_and_no_others(self):
        with tempfile.TemporaryDirectory() as place:
            os.chmod(place, 0o755)
            path = os.path.join(place, "socket")
            daemon = self.daemon({"listen": {"socket": path, "uids": [OTHER]}})
            mine = self.http("ts_v1", daemon)
            os.chmod(path, 0o666)
            with Line(path, uid=OTHER) as line:
                line.send({"snowmux": "hello", "version": 1, "instance": "other", "session": None},
                          {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
                              "protocolVersion": "2025-11-25", "capabilities": {},
                              "clientInfo": {"name": "other", "version": "1"}}})
                his = line.until("snowmux", "session")["session"]
                self.assertEqual(self.ask_end(line, mine.session), "gone")
                self.assertEqual(mine.sql("SELECT 1").rows, [[1]])
                self.assertEqual(self.ask_end(line, his), "ending")
                poll(lambda: self.ask_end(line, his) == "gone", "his own session ends")
            self.assertEqual([s["session"] for s in daemon.ask("ls")["sessions"]], [mine.session])

    def test_what_is_not_there_is_said(self):
        daemon = self.daemon()
        status, _, said = self.kill(daemon, "s_" + "a" * 26)
        self.assertEqual((status, said), (1, "snowmux: there is no session s_%s\n" % ("a" * 26)))
        status, _, said = self.kill(daemon)
        self.assertEqual(status, 2)
        self.assertIn("name a session", said)


if __name__ == "__main__":
    main()
