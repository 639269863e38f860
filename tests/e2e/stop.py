# SPDX-License-Identifier: Apache-2.0
"""The first SIGTERM lets running calls finish, the second one does not."""
import contextlib
import os
import signal
import sqlite3

from lib.case import Case, main
from lib.client import Answer, CallFailed
from lib.daemon import FAKE, wait_gone

FAKES = {"profile.demo": {**FAKE, "slots": 1}}


class Stop(Case):
    def start(self, transport, milliseconds):
        daemon = self.daemon(FAKES)
        client = {"http": self.http, "stdio": self.stdio}[transport]("ts_v1", daemon)
        client.sql("SELECT 'waits'")
        running = client.send("execute_query", query="SELECT 'sleep %d'" % milliseconds)
        daemon.wait_calls(running=1)
        return daemon, client, running

    def test_a_running_call_is_answered_before_the_daemon_ends(self):
        daemon, _, running = self.start("http", 2000)
        daemon.program.signal(signal.SIGTERM)
        daemon.event("stopping")
        self.assertTrue(daemon.program.is_running)
        self.assertEqual(Answer(running.result(60)).rows, [["slept"]])
        self.assertEqual(daemon.program.wait(), 0)
        daemon.event("stopped")

    def test_what_waits_is_finished_too_and_what_comes_now_is_told_to_come_again(self):
        daemon, client, running = self.start("stdio", 2000)
        waiting = client.send("execute_query", query="SELECT 'waits'")
        daemon.wait_calls(running=1, queued=1)
        daemon.program.signal(signal.SIGTERM)
        daemon.event("stopping")
        error = self.check_error(client.sql("SELECT 'cancels'"), "draining", True)
        self.assertGreater(error["retry_after_ms"], 0)
        self.assertEqual(Answer(running.result(60)).rows, [["slept"]])
        self.assertEqual(Answer(waiting.result(60)).rows, [[1]])
        self.assertEqual(daemon.program.wait(), 0)

    def test_a_call_that_takes_longer_than_the_drain_does_not_hold_it_up_and_is_told(self):
        daemon = self.daemon({**FAKES, "daemon": {"drain_s": 1}})
        clients = [self.http("ts_v1", daemon), self.stdio("python", daemon, era="auto")]
        running = [client.send("execute_query", query="SELECT 'sleep 100000'") for client in clients]
        daemon.wait_calls(running=1, queued=1)
        workers = daemon.workers()
        self.assertEqual(daemon.stop(), 0)
        for call in running:
            error = self.check_error(Answer(call.result(60)), "cancelled", True)
            self.assertIn("daemon stopped", error["message"])
        for pid in workers:
            wait_gone(pid)

    def test_what_only_waits_for_the_store_is_answered_as_it_was_done(self):
        daemon = self.daemon()
        client = self.stdio("ts_v1", daemon)
        opened = client.call("open_session").data["session"]
        with contextlib.closing(sqlite3.connect(os.path.join(daemon.state, "snowmux.db"))) as store:
            store.execute("BEGIN IMMEDIATE")  # the daemon cannot write meanwhile
            waiting = client.send("set_preferences", limit=7)
            client.call("whoami")  # so the other one has begun
            daemon.program.signal(signal.SIGTERM)
            daemon.event("stopping")
            self.check_error(client.call("set_preferences", limit=8), "draining", True)
            self.check_error(client.call("close_session", session=opened), "draining", True)
            store.rollback()
        answer = Answer(waiting.result(60))
        self.assertFalse(answer.is_error, answer.text)
        self.assertEqual(answer.data["preferences"]["limit"], 7)
        self.assertEqual(daemon.program.wait(), 0)

    def test_a_second_signal_ends_it_at_once(self):
        daemon, _, running = self.start("http", 100000)
        workers = daemon.workers()
        daemon.program.signal(signal.SIGTERM)
        daemon.event("stopping")
        daemon.program.signal(signal.SIGTERM)
        self.assertEqual(daemon.program.wait(), 1)
        with self.assertRaises(CallFailed):
            running.result(60)
        for pid in workers:
            wait_gone(pid)

    def test_sigint_is_as_good_as_sigterm(self):
        daemon, _, running = self.start("http", 500)
        daemon.program.signal(signal.SIGINT)
        self.assertEqual(Answer(running.result(60)).rows, [["slept"]])
        self.assertEqual(daemon.program.wait(), 0)


if __name__ == "__main__":
    main()
