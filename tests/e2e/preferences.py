# SPDX-License-Identifier: Apache-2.0
"""Preferences and statistics of sessions, over reconnections, sleep, crash and restart."""
import json
import os
import sqlite3
import subprocess

from lib.case import LONG_SQL, Case, main
from lib.client import Answer
from lib.daemon import FAKE, SNOWMUX
from lib.line import Line
from lib.program import poll


class Preferences(Case):
    def stats(self, client, **arguments):
        return client.call("session_stats", **arguments).data

    def listed(self, daemon):
        out = subprocess.run([SNOWMUX, "ls", "--state", daemon.state, "--json"], check=True,
                             capture_output=True, timeout=30).stdout
        return json.loads(out)

    def test_preferences_outlive_a_crash_at_once(self):
        daemon = self.daemon()
        client = self.http("ts_v1", daemon)
        answer = client.call("set_preferences", limit=3, format="csv", timeout_s=60, priority="low")
        daemon.kill9()  # right after the answer
        daemon.restart()
        self.assertEqual(answer.data["preferences"],
                         {"limit": 3, "timeout_s": 60, "format": "csv", "priority": "low"})
        self.assertEqual(client.call("whoami").data["preferences"], answer.data["preferences"])
        shown = client.sql("SELECT * FROM range(10)").data
        self.assertEqual(shown["csv"], "range\r\n0\r\n1\r\n2\r\n")
        self.assertEqual((shown["row_count"], shown["truncated"]), (3, True))
        more = client.call("fetch_result", result=shown["result"], offset=8).data
        self.assertEqual(more["csv"], "range\r\n8\r\n9\r\n")

    def test_the_heir_has_them(self):
        daemon = self.daemon()
        first = self.stdio("ts_v1", daemon, instance="desk")
        first.call("set_preferences", limit=4, database="nature")
        first.close()
        heir = self.stdio("ts_v1", daemon, instance="desk")
        stranger = self.stdio("ts_v1", daemon, instance="other")
        self.assertEqual(len(heir.sql("SELECT * FROM range(10)").rows), 4)
        self.assertEqual(heir.sql("SELECT 1").data["context"]["database"], "nature")
        self.assertEqual(len(stranger.sql("SELECT * FROM range(10)").rows), 10)

    def test_a_bad_one_changes_nothing(self):
        daemon = self.daemon()
        client = self.http("ts_v1", daemon)
        client.call("set_preferences", limit=5)
        for wrong in ({"limit": 6, "priority": "high"}, {"limit": 6, "schema": "nowhere"},
                      {"limit": 6, "format": "xml"}):
            self.assertTrue(client.call("set_preferences", **wrong).is_error)
        self.assertEqual(client.call("whoami").data["preferences"]["limit"], 5)

    def test_low_lets_others_go_first(self):
        daemon = self.daemon({"profile.demo": {"slots": 1}})
        first, low, normal = (self.http("ts_v1", daemon, instance=name) for name in "abc")
        self.assertFalse(low.call("set_preferences", priority="low").is_error)
        running = first.send("execute_query", query=LONG_SQL)
        daemon.wait_calls(running=1)
        calls = [(low, low.send("execute_query", query=LONG_SQL))]
        daemon.wait_calls(running=1, queued=1)
        calls.append((normal, normal.send("execute_query", query=LONG_SQL)))
        daemon.wait_calls(running=1, queued=2)
        first.abort(running)
        daemon.wait_calls(running=1, queued=1)
        states = [client.call("query_status").data["queries"][0]["status"] for client in (low, normal)]
        self.assertEqual(states, ["queued", "running"])
        for client, call in reversed(calls):
            client.abort(call)
        daemon.wait_calls(running=0)

    def test_the_modern_era_gets_a_session_to_pass(self):
        daemon = self.daemon()
        client = self.http("ts_v2", daemon, era="modern")
        answer = client.call("set_preferences", limit=2)
        session = answer.data["session"]
        self.assertIn(session, answer.data["notice"])
        self.assertEqual(len(client.sql("SELECT * FROM range(10)", session=session).rows), 2)
        self.assertEqual(len(client.sql("SELECT * FROM range(10)").rows), 10)

    def test_reading_on_in_the_modern_era_keeps_the_format(self):
        daemon = self.daemon()
        client = self.http("ts_v2", daemon, era="modern")
        session = client.call("set_preferences", limit=2, format="csv").data["session"]
        next_ = client.sql("SELECT * FROM range(5)", session=session).data["next"]
        for csv in ("range\r\n2\r\n3\r\n", "range\r\n4\r\n"):
            answer = client.call(next_["tool"], **next_["arguments"])
            self.assertEqual(answer.data["csv"], csv)
            next_ = answer.data["next"]
        self.assertIsNone(next_)

    def test_a_call_does_not_wait_for_the_same_one_in_another_format(self):
        daemon = self.daemon({"profile.demo": None, "profile.fake": FAKE})
        client = self.http("ts_v1", daemon)
        first = client.send("execute_query", query="SELECT 'sleep 1500'")
        daemon.wait_calls(running=1)
        self.assertFalse(client.call("set_preferences", format="csv").is_error)
        self.assertIn("csv", client.sql("SELECT 'sleep 1500'").data)
        self.assertIn("rows", Answer(first.result(60)).data)

    def test_a_sleeping_session_is_woken_to_be_changed(self):
        daemon = self.daemon()
        client = self.http("ts_v2", daemon, era="modern")
        session = client.call("set_preferences", limit=2).data["session"]
        daemon.kill9()
        daemon.restart()
        self.assertEqual([s["asleep"] for s in self.listed(daemon)["sessions"]], [True])
        answer = client.call("set_preferences", session=session, format="objects")
        self.assertFalse(answer.is_error, answer.text)
        self.assertEqual(client.sql("SELECT * FROM range(3)", session=session).rows, [{"range": 0}, {"range": 1}])
        daemon.kill9()
        daemon.restart()
        self.assertEqual(client.sql("SELECT * FROM range(3)", session=session).rows, [{"range": 0}, {"range": 1}])

    def test_the_mean_is_over_calls_and_sessions_that_sleep_count(self):
        daemon = self.daemon()
        one = self.http("ts_v1", daemon)
        other = self.http("ts_v1", daemon, instance="another")
        for _ in range(9):
            self.assertFalse(one.sql("SELECT 1").is_error)
        self.assertTrue(other.sql("DELETE FROM x").is_error)  # refused
        self.assertTrue(other.sql("SELECT * FROM no_such_table").is_error)  # failed
        self.assertEqual(daemon.stop(), 0)
        daemon.restart()  # both sleep now
        listed = self.listed(daemon)
        self.assertEqual([s["asleep"] for s in listed["sessions"]], [True, True])
        stats = listed["stats"]
        self.assertEqual((stats["total_sessions"], stats["unique_clients"]), (2, 2))
        self.assertEqual(stats["active_sessions"], 0)
        self.assertEqual((stats["total_requests"], stats["successful_requests"],
                          stats["failed_requests"], stats["refused_requests"]), (11, 9, 1, 1))
        sums = sum(s["avg_response_time_ms"] * s["total_requests"] for s in listed["sessions"])
        self.assertAlmostEqual(stats["avg_response_time_ms"], sums / 11, delta=0.01)
        self.assertGreater(stats["bytes_received"], 0)
        self.assertGreater(stats["bytes_sent"], stats["rows"])
        self.assertEqual(stats["rows"], 9)
        own = self.stats(one)  # the call itself counts when it is over
        self.assertEqual(own["total_requests"], 11)
        self.assertEqual(own["active_sessions"], 1)

    def test_calls_that_nobody_timed_are_not_in_the_mean(self):
        daemon = self.daemon()
        client = self.http("ts_v1", daemon)
        for _ in range(3):
            client.sql("SELECT 1")
        self.assertEqual(daemon.stop(), 0)
        for times, timed in (("", 0), ("no times", 0), ("3", 3)):  # as an older version left it; damaged
            with sqlite3.connect(os.path.join(daemon.state, "snowmux.db")) as db:
                db.execute("UPDATE session SET calls_total = 1000, response_times = ?, response_ns = 6000000", [times])
            daemon.restart()
            stats = daemon.ask("stats")["stats"]
            self.assertEqual(stats["total_requests"], 1000)
            self.assertEqual(stats["avg_response_time_ms"], 2 if timed else 0)
            self.assertEqual(stats["response_ms_below"]["calls"], 0)  # of those that are awake
            self.assertFalse(client.sql("SELECT 1").is_error)
            now = self.listed(daemon)
            self.assertEqual(now["stats"]["response_ms_below"]["calls"], timed + 1)
            self.assertEqual(now["sessions"][0]["response_ms_below"]["calls"], timed + 1)
            self.assertEqual(daemon.stop(), 0)

    def test_each_attach_and_each_return_is_a_connection(self):
        daemon = self.daemon({"session": {"idle_s": 1}})
        hello = {"snowmux": "hello", "version": 1, "instance": "desk", "session": None}
        call = {"jsonrpc": "2.0", "id": 3, "method": "tools/call",
                "params": {"name": "execute_query", "arguments": {"query": "SELECT 1"}}}

        def count():
            return self.listed(daemon)["sessions"][0]["connection_count"]

        def wait_away():
            poll(lambda: self.listed(daemon)["sessions"][0]["state"] == "disconnected", "it is away")
        with Line(daemon.socket) as line:
            line.send(hello, {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}})
            hello["session"] = line.until("snowmux", "session")["session"]
            self.assertEqual(count(), 1)
            with Line(daemon.socket) as beside:
                beside.send(hello, {"jsonrpc": "2.0", "id": 2, "method": "ping"})
                beside.until("id", 2)
                self.assertEqual(count(), 2)
            wait_away()  # nothing was asked for a second
            line.send(call)
            self.assertIn("result", line.until("id", 3))
            self.assertEqual(count(), 3)
        wait_away()
        with Line(daemon.socket) as line:
            line.send(hello, {"jsonrpc": "2.0", "id": 4, "method": "ping"})
            line.until("id", 4)
            self.assertEqual(count(), 4)

    def test_one_session_has_its_own_figures(self):
        daemon = self.daemon()
        client = self.http("ts_v1", daemon)
        for _ in range(4):
            client.sql("SELECT * FROM range(7)")
        session = client.call("whoami").data["session"]
        stats = self.stats(client, session=session)
        self.assertEqual((stats["rows"], stats["total_requests"]), (28, 5))
        self.assertEqual(stats["connection_count"], 1)
        self.assertEqual(stats["response_ms_below"]["of"], [50, 95, 99])
        below = stats["response_ms_below"]["ms"]
        self.assertEqual(below, sorted(below))
        self.assertGreater(below[2], stats["avg_response_time_ms"] / 2)
        self.check_error(client.call("session_stats", session="s_" + "a" * 26),
                         "session_not_found", True)


if __name__ == "__main__":
    main()
