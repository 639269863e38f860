# SPDX-License-Identifier: Apache-2.0
"""Whatever ends a call ends the statement in the engine: the only connection is free again, in
the same worker, and the worker is at rest."""
import os

from lib.case import LONG_SQL, Case, main
from lib.client import Answer, CallFailed
from lib.daemon import FAKE
from lib.program import poll


def ticks(pid):
    with open("/proc/%d/stat" % pid, encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


class Cancel(Case):
    def start(self, client, daemon, **more):
        call = client.send("execute_query", query=LONG_SQL, **more)
        daemon.wait_calls(running=1)
        return call

    def one_slot(self, **settings):
        return self.daemon({"profile.demo": {"slots": 1}, **settings})

    def check_free(self, client, daemon, pids):
        daemon.wait_calls(running=0)
        self.assertEqual(client.sql("SELECT 1").rows, [[1]])
        self.assertEqual(daemon.workers(), pids)
        seen = []

        def is_at_rest():
            seen.append(ticks(pids[0]))
            return len(seen) > 5 and seen[-1] == seen[-6]
        poll(is_at_rest, "worker %d stops computing" % pids[0])

    def check_abort(self, client, daemon):
        client.sql("SELECT 1")
        pids = daemon.workers()
        call = self.start(client, daemon)
        client.abort(call)
        with self.assertRaises(CallFailed):
            call.result(60)
        self.check_free(client, daemon, pids)

    def test_notifications_cancelled_over_http(self):
        for kind in ("ts_v1", "ts_v2", "python"):
            with self.subTest(kind=kind):
                daemon = self.one_slot()
                self.check_abort(self.http(kind, daemon), daemon)

    def test_notifications_cancelled_over_a_bridge(self):
        for kind, era in (("ts_v1", "legacy"), ("ts_v2", "auto"), ("python", "auto")):
            with self.subTest(kind=kind):
                daemon = self.one_slot()
                self.check_abort(self.stdio(kind, daemon, era=era), daemon)

    def test_closing_the_response_in_the_modern_era(self):
        for kind in ("ts_v2", "python"):
            with self.subTest(kind=kind):
                daemon = self.one_slot()
                self.check_abort(self.http(kind, daemon, era="modern"), daemon)

    def test_cancel_query_by_another_client(self):
        daemon = self.one_slot()
        client, other = self.http("ts_v1", daemon, name="a"), self.http("python", daemon, name="b", era="modern")
        client.sql("SELECT 1")
        pids = daemon.workers()
        call = self.start(client, daemon)
        (query,) = [q["query"] for q in other.call("query_status").data["queries"] if q["status"] == "running"]
        self.assertFalse(other.call("cancel_query", query=query).is_error)
        self.check_error(Answer(call.result(60)), "cancelled", True)
        self.check_free(client, daemon, pids)

    def test_a_time_limit_of_the_call(self):
        daemon = self.one_slot()
        client = self.http("ts_v1", daemon)
        client.sql("SELECT 1")
        pids = daemon.workers()
        error = self.check_error(client.sql(LONG_SQL, timeout_s=1), "timeout", True)
        self.assertIn("1 s", error["message"])
        self.check_free(client, daemon, pids)

    def test_a_time_limit_of_the_configuration(self):
        daemon = self.one_slot(query={"timeout_s": 1})
        client = self.http("python", daemon, era="modern")
        client.sql("SELECT 1")
        pids = daemon.workers()
        self.check_error(client.sql(LONG_SQL), "timeout", True)
        self.check_free(client, daemon, pids)

    def test_a_waiting_call_that_is_given_up_is_never_run(self):
        daemon = self.one_slot()
        client = self.http("ts_v1", daemon)
        running = self.start(client, daemon)
        waiting = client.send("execute_query", query="SELECT 1")
        daemon.wait_calls(running=1, queued=1)
        client.abort(waiting)
        daemon.wait_calls(running=1, queued=0)
        client.abort(running)
        daemon.wait_calls(running=0)

    def test_a_cancel_of_one_client_touches_no_other_with_the_same_request_id(self):
        daemon = self.daemon({"profile.demo": {"slots": 2}})
        first, second = self.http("ts_v1", daemon, name="a"), self.http("ts_v1", daemon, name="b")
        mine = first.send("execute_query", query=LONG_SQL)
        theirs = second.send("execute_query", query=LONG_SQL)
        daemon.wait_calls(running=2)
        first.abort(mine)
        daemon.wait_calls(running=1)
        self.assertFalse(theirs.done())
        self.assertEqual(daemon.ask("ls")["running"], 1)
        second.abort(theirs)
        daemon.wait_calls(running=0)

    def test_a_bridge_whose_client_leaves_cancels_what_it_had(self):
        daemon = self.one_slot()
        client = self.stdio("ts_v1", daemon)
        other = self.http("ts_v2", daemon)
        other.sql("SELECT 1")
        pids = daemon.workers()
        call = self.start(client, daemon)
        client.close()
        self.assertIsNotNone(call.exception(60))
        self.check_free(other, daemon, pids)

    def test_a_driver_that_ignores_the_cancel_costs_its_worker_and_no_more(self):
        daemon = self.daemon({"profile.fake": {**FAKE, "slots": 2}})
        client = self.http("ts_v1", daemon)
        self.check_error(client.sql("SELECT 'hang'", profile="fake", timeout_s=1), "timeout", True)
        self.assertEqual(client.sql("SELECT 'waits'", profile="fake").is_error, False)


if __name__ == "__main__":
    main()
