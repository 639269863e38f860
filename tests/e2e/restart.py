# SPDX-License-Identifier: Apache-2.0
"""kill -9 and a new start: clients go on where they were."""
import contextlib
import os
import re
import resource
import sqlite3
import urllib.request

from lib.case import LONG_SQL, Case, main
from lib.client import Answer, CallFailed
from lib.daemon import wait_gone
from lib.line import Line
from lib.program import poll

SUMMARY = "SELECT metric FROM summary ORDER BY metric"
WILDLIFE = [["cost in dollars"], ["species"], ["strikes"]]
POSTAL = [["states"], ["zipcodes"]]


class Restart(Case):
    def kill_and_start(self, daemon):
        workers = daemon.workers()
        daemon.kill9()
        for pid in workers:
            wait_gone(pid)
        daemon.restart()

    def check_goes_on(self, kind):
        daemon = self.daemon()
        client = self.http(kind, daemon)
        self.assertTrue(client.session.startswith("s_"))
        client.call("use_context", schema="nature.wildlife")
        self.assertEqual(client.sql(SUMMARY).rows, WILDLIFE)
        for _ in range(2):
            self.kill_and_start(daemon)
            self.assertEqual(client.sql(SUMMARY).rows, WILDLIFE)
        self.assertEqual(client.call("whoami").data["session"], client.session)

    def test_the_first_typescript_sdk_goes_on_with_its_old_session(self):
        self.check_goes_on("ts_v1")

    def test_the_second_typescript_sdk_goes_on_with_its_old_session(self):
        self.check_goes_on("ts_v2")

    def test_the_python_sdk_goes_on_with_its_old_session(self):
        self.check_goes_on("python")

    def test_another_process_goes_on_with_an_old_session_without_initialize(self):
        daemon = self.daemon()
        client = self.http("ts_v1", daemon)
        client.call("use_context", schema="nature.wildlife")
        self.kill_and_start(daemon)
        heir = self.http("ts_v1", daemon, session=client.session)
        self.assertEqual(heir.sql(SUMMARY).rows, WILDLIFE)

    def test_a_session_handle_of_the_modern_era_is_still_valid(self):
        daemon = self.daemon()
        client = self.http("ts_v2", daemon, era="modern")
        session = client.call("open_session", schema="travel.postal", label="notebook").data["session"]
        self.kill_and_start(daemon)
        self.assertEqual(client.sql(SUMMARY, session=session).rows, POSTAL)
        labels = [s["label"] for s in daemon.ask("ls")["sessions"]]
        self.assertEqual(labels, ["notebook"])

    def test_a_session_whose_row_cannot_be_read_goes_on(self):
        daemon = self.daemon()
        client = self.http("ts_v1", daemon)
        client.call("use_context", schema="nature.wildlife")
        self.kill_and_start(daemon)
        with self.store(daemon) as store:
            store.execute("DELETE FROM session")
            store.commit()
        self.assertEqual(client.sql(SUMMARY).rows, WILDLIFE)
        daemon.event("session_not_read", session=client.session)

    def test_changes_that_fail_together_go_back_to_what_was_written(self):
        daemon = self.daemon()
        client = self.stdio("ts_v1", daemon)
        client.call("use_context", schema="nature.wildlife")
        self.assertEqual(client.sql(SUMMARY).rows, WILDLIFE)
        with self.store(daemon) as store:
            store.execute("BEGIN IMMEDIATE")  # the daemon cannot write meanwhile
            changes = []
            for name in ("travel.postal", "nature.main", "travel.main"):
                changes.append(client.send("use_context", schema=name))
                poll(lambda: self.schema(client) == name, "the change waits for the store")
            resource.prlimit(daemon.program.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
            store.rollback()
        for change in changes:
            self.check_error(Answer(change.result(60)), "store_failed", True)
        failures = self.failures(daemon)
        self.assertEqual(client.sql(SUMMARY).rows, WILDLIFE)
        poll(lambda: self.failures(daemon) > failures, "the count of that call is not written")
        resource.prlimit(daemon.program.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)

        def calls_written():
            with self.store(daemon) as store:
                return store.execute("SELECT max(calls_total) FROM session").fetchone()[0]
        (session,) = daemon.ask("ls")["sessions"]
        poll(lambda: calls_written() == session["total_requests"], "what was counted then is written later")

    def failures(self, daemon):
        with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % daemon.port, timeout=30) as page:
            return int(re.search(r"^snowmux_store_write_failures_total (\d+)$", page.read().decode(), re.M)[1])

    def store(self, daemon):
        return contextlib.closing(sqlite3.connect(os.path.join(daemon.state, "snowmux.db")))

    def schema(self, client):
        (session,) = client.call("list_sessions").data["sessions"]
        context = session["context"]
        return "%s.%s" % (context["database"], context["schema"])

    def test_a_sleeping_session_may_be_closed_twice_in_one_breath(self):
        daemon = self.daemon()
        hello = {"snowmux": "hello", "version": 1, "instance": "twice", "session": None}
        call = {"jsonrpc": "2.0", "method": "tools/call", "params": {"name": "close_session"}}
        with Line(daemon.socket) as line:
            line.send(hello, {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}})
            hello["session"] = line.until("snowmux", "session")["session"]
        daemon.stop()
        daemon.restart()
        with Line(daemon.socket) as line:
            line.send(hello, {**call, "id": 1}, {**call, "id": 2})
            for name in (1, 2):
                self.assertIn("result", line.until("id", name))
        self.assertEqual(daemon.ask("ls")["sessions"], [])

    def test_what_was_closed_or_never_was_is_unknown_after_a_restart_too(self):
        daemon = self.daemon()
        client = self.http("ts_v2", daemon, era="modern")
        session = client.call("open_session").data["session"]
        self.assertFalse(client.call("close_session", session=session).is_error)
        self.kill_and_start(daemon)
        self.check_error(client.sql("SELECT 1", session=session), "session_not_found", True)
        stranger = self.http("ts_v1", daemon, session="s_" + "a" * 26)
        with self.assertRaises(CallFailed) as caught:
            stranger.sql("SELECT 1")
        self.assertEqual(caught.exception.code, 404)

    def test_a_call_in_flight_is_lost_to_its_http_client_and_the_next_one_works(self):
        daemon = self.daemon()
        client = self.http("ts_v2", daemon)
        client.call("use_context", schema="travel.postal")
        lost = client.send("execute_query", query=LONG_SQL)
        daemon.wait_calls(running=1)
        self.kill_and_start(daemon)
        with self.assertRaises(CallFailed):
            lost.result(60)
        self.assertEqual(client.sql(SUMMARY).rows, POSTAL)

    def test_a_client_that_comes_back_without_its_id_inherits_the_context(self):
        daemon = self.daemon()
        first = self.stdio("ts_v1", daemon, instance="desk")
        first.call("use_context", schema="nature.wildlife")
        first.close()
        self.kill_and_start(daemon)
        second = self.stdio("ts_v1", daemon, instance="desk")
        answer = second.sql(SUMMARY)
        self.assertEqual(answer.rows, WILDLIFE)
        self.assertRegex(answer.data["notice"], r"^context resumed from \d\d:\d\dZ: nature\.wildlife$")
        self.assertNotIn("notice", second.sql(SUMMARY).data)  # said once
        other = self.stdio("ts_v1", daemon, instance="lap")
        self.assertEqual(other.sql("SELECT current_schema()").rows, [["main"]])


if __name__ == "__main__":
    main()
