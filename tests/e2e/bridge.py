# SPDX-License-Identifier: Apache-2.0
"""The bridge that a desktop client starts: it finds or starts the daemon, and outlives it."""
import os
import re
import signal

from lib.case import LONG_SQL, Case, main
from lib.client import Answer
from lib.daemon import SNOWMUX, ask, wait_gone
from lib.program import logfmt, poll

DIRTY_KB_MAX = 2048
SUMMARY = "SELECT metric FROM summary ORDER BY metric"
WILDLIFE = [["cost in dollars"], ["species"], ["strikes"]]


def private_dirty_kb(pid):
    with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as file:
        return int(re.search(r"Private_Dirty:\s+(\d+) kB", file.read()).group(1))


class Bridge(Case):
    def daemon_of_bridges(self, **settings):
        """One that no test starts: it logs to its state directory."""
        return self.daemon(settings, start=False)

    def events(self, daemon):
        path = os.path.join(daemon.state, "snowmux.log")
        with open(path, encoding="utf-8") as file:
            return [fields for fields in map(logfmt, file.read().splitlines()) if "event" in fields]

    def serving(self, daemon):
        """The process that serves the state directory now, and its socket."""
        listening = [event for event in self.events(daemon) if event["event"] == "listening"]
        self.assertTrue(listening)
        return ask(listening[-1]["socket"], "ls")["pid"], listening[-1]["socket"]

    def test_two_bridges_that_start_at_once_start_one_daemon(self):
        for kind in ("ts_v1", "python"):
            with self.subTest(kind=kind):
                daemon = self.daemon_of_bridges()
                where = {"stdio": self.command(daemon), "era": "legacy"}
                opened = [self.peer(kind).send("open", client="%s %d" % (kind, i), name="n%d" % i, **where)
                          for i in range(2)]
                for i, future in enumerate(opened):
                    future.result(60)
                    self.addCleanup(self.peer(kind).ask, "close", client="%s %d" % (kind, i))
                calls = [self.peer(kind).send("call", client="%s %d" % (kind, i), tool="execute_query",
                                              arguments={"query": "SELECT %d" % i}, timeout_ms=60000)
                         for i in range(2)]
                self.assertEqual([Answer(call.result(60)).rows for call in calls], [[[0]], [[1]]])
                listening = [e for e in self.events(daemon) if e["event"] == "listening"]
                self.assertEqual(len(listening), 1)
                pid, socket = self.serving(daemon)
                self.assertEqual(len(ask(socket, "ls")["sessions"]), 2)

    def command(self, daemon):
        return [SNOWMUX, "stdio", *daemon.arguments]

    def test_a_daemon_that_a_bridge_started_leaves_when_nobody_needs_it(self):
        daemon = self.daemon_of_bridges(daemon={"linger_s": 1})
        client = self.stdio("ts_v1", daemon)
        self.assertEqual(client.sql("SELECT 1").rows, [[1]])
        pid, _ = self.serving(daemon)
        client.close()
        wait_gone(pid)
        self.assertEqual(self.events(daemon)[-1]["event"], "stopped")

    def test_calls_go_on_after_the_daemon_was_killed_and_nobody_but_the_bridge_starts_one(self):
        daemon = self.daemon_of_bridges()
        client = self.stdio("ts_v2", daemon, era="legacy")
        client.call("use_context", schema="nature.wildlife")
        first, _ = self.serving(daemon)
        os.kill(first, signal.SIGKILL)
        wait_gone(first)
        self.assertEqual(client.sql(SUMMARY).rows, WILDLIFE)
        second, _ = self.serving(daemon)
        self.assertNotEqual(first, second)

    def check_unanswered(self, kind, era):
        """Two calls are under way when the daemon is killed, one of them running; the bridge
        starts the next daemon, and the client has nothing to do but wait."""
        daemon = self.daemon({"profile.demo": {"slots": 1}})
        client = self.stdio(kind, daemon, era=era)
        named = {}
        entered = client.call("use_context", schema="nature.wildlife")
        if era != "legacy":
            named["session"] = entered.data["session"]
        running = client.send("execute_query", query=LONG_SQL, timeout_s=2, **named)
        daemon.wait_calls(running=1)
        waiting = client.send("execute_query", query=SUMMARY, **named)
        daemon.wait_calls(running=1, queued=1)
        daemon.kill9()
        self.check_error(Answer(running.result(60)), "timeout", True)
        self.assertEqual(Answer(waiting.result(60)).rows, WILDLIFE)
        self.assertEqual(client.sql(SUMMARY, **named).rows, WILDLIFE)

    def test_unanswered_calls_of_the_first_typescript_sdk_are_answered_after_a_restart(self):
        self.check_unanswered("ts_v1", "legacy")

    def test_unanswered_calls_of_the_second_typescript_sdk_are_answered_after_a_restart(self):
        self.check_unanswered("ts_v2", "auto")

    def test_unanswered_calls_of_the_python_sdk_are_answered_after_a_restart(self):
        self.check_unanswered("python", "auto")

    def test_it_stays_under_two_megabytes_of_private_dirty_memory(self):
        daemon = self.daemon()
        client = self.stdio("ts_v1", daemon)
        client.tools()
        wide = "SELECT range, repeat('x', 300) FROM range(100)"
        for turn in range(3):
            calls = [client.send("execute_query", query=wide) for _ in range(20)]
            for call in calls:
                self.assertEqual(Answer(call.result(60)).data["row_count"] > 50, True)
        if not os.environ.get("SNOWMUX_SANITIZED"):
            self.assertLess(private_dirty_kb(client.pid), DIRTY_KB_MAX)

    def test_it_ends_with_its_client(self):
        daemon = self.daemon()
        client = self.stdio("ts_v1", daemon)
        client.sql("SELECT 1")
        client.close()
        wait_gone(client.pid)
        poll(lambda: all(s["state"] == "disconnected" for s in daemon.ask("ls")["sessions"]),
             "its session is disconnected")


if __name__ == "__main__":
    main()
