# SPDX-License-Identifier: Apache-2.0
"""What official clients hear while their calls are queued and running."""
import re

from lib.case import LONG_SQL, Case, main
from lib.client import Answer
from lib.daemon import FAKE

RUNNING = re.compile(r"running \d+ s, \d+ rows so far$")
QUEUED = re.compile(r"queued: position 1 of 1, about \d+ s; 1 of 1 connections busy$")
KINDS = (("ts_v1", "legacy"), ("ts_v2", "modern"), ("python", "auto"))


class Progress(Case):
    def check(self, told, *patterns):
        """Each message is of one of the patterns, and each pattern was heard."""
        self.assertEqual([t["progress"] for t in told], sorted({t["progress"] for t in told}))
        self.assertEqual([t.get("total") for t in told], [None] * len(told))
        for pattern in patterns:
            self.assertTrue(any(pattern.match(t["message"]) for t in told), told)
        for t in told:
            self.assertTrue(any(pattern.match(t["message"]) for pattern in patterns), t)

    def test_every_client_hears_of_its_call(self):
        daemon = self.daemon({"query": {"timeout_s": 3}})
        clients = [self.http(kind, daemon, era=era) for kind, era in KINDS]
        clients.append(self.stdio("ts_v1", daemon))
        calls = [client.send_with_progress("execute_query", query=LONG_SQL) for client in clients]
        for call in calls:
            answer = Answer(call.result(60))
            self.check_error(answer, "timeout", True)
            self.assertGreaterEqual(len(answer.progress), 1)
            self.check(answer.progress, RUNNING)

    def test_queued_then_running(self):
        daemon = self.daemon({"query": {"timeout_s": 3}, "profile.demo": {"slots": 1}})
        first, second = (self.http("ts_v1", daemon, instance=name) for name in "ab")
        running = first.send("execute_query", query=LONG_SQL)
        daemon.wait_calls(running=1)
        waiting = second.send_with_progress("execute_query", query=LONG_SQL)
        self.assertTrue(Answer(running.result(60)).is_error)
        self.check(Answer(waiting.result(60)).progress, QUEUED, RUNNING)

    def test_who_waits_for_a_query_hears_of_that_one(self):
        daemon = self.daemon({"query": {"grace_s": 1, "timeout_s": 5}})
        client = self.http("ts_v1", daemon)
        query = client.sql(LONG_SQL).data["query"]
        waiting = client.send_with_progress("query_status", query=query, wait_s=20)
        self.check(Answer(waiting.result(60)).progress, RUNNING)

    def test_progress_keeps_a_client_from_giving_up(self):
        daemon = self.daemon({"query": {"timeout_s": 6}})
        client = self.http("ts_v1", daemon)
        call = client.send_with_progress("execute_query", query=LONG_SQL, deadline_s=3, resets=True)
        self.check_error(Answer(call.result(60)), "timeout", True)  # the daemon's own limit

    def test_it_grows_also_when_the_daemon_behind_a_bridge_is_another(self):
        for kind, era in (("ts_v1", "legacy"), ("python", "auto")):
            with self.subTest(kind=kind):
                daemon = self.daemon({"profile.demo": FAKE})
                client = self.stdio(kind, daemon, era=era)
                other = self.http("ts_v2", daemon, era="modern")  # sees all of the principal's queries
                self.assertEqual(client.sql("SELECT 'rows 1'").data["row_count"], 1)
                call = client.send_with_progress("execute_query", query="SELECT 'sleep 6000'")
                daemon.wait_calls(running=1)
                query = other.call("query_status").data["queries"][0]["query"]
                other.call("query_status", query=query, wait_s=4)  # some was told by now
                daemon.kill9()  # the bridge starts another
                answer = Answer(call.result(60))
                self.assertEqual(answer.rows, [["slept"]])
                self.check(answer.progress, RUNNING)
                numbers = [told["progress"] for told in answer.progress]
                self.assertTrue(numbers[0] < 6 < numbers[-1], numbers)

    def test_rows_are_counted_while_they_are_read(self):
        daemon = self.daemon({"query": {"timeout_s": 4}, "results": {"spool_rows": 1000000000, "spool_mb": 4096, "principal_mb": 4096}})
        client = self.http("ts_v1", daemon)
        call = client.send_with_progress("execute_query", query="SELECT * FROM range(100000000000)")
        told = Answer(call.result(60)).progress
        self.check(told, RUNNING)
        self.assertGreater(int(re.search(r"(\d+) rows", told[-1]["message"]).group(1)), 0)

    def test_the_warehouse_is_named_where_there_is_one(self):
        daemon = self.daemon({"profile.demo": {**FAKE, "dialect": "snowflake", "warehouse": "WH_S"}})
        call = self.http("ts_v1", daemon).send_with_progress("execute_query", query="SELECT 'sleep 2500'")
        told = Answer(call.result(60)).progress
        self.assertRegex(told[-1]["message"], r"^running \d+ s on WH_S, 0 rows so far$")

    def test_who_asks_hears_the_same_figures(self):
        daemon = self.daemon({"profile.demo": {**FAKE, "slots": 1}})
        client = self.http("ts_v1", daemon)
        self.assertFalse(client.sql("SELECT 'sleep 100'").is_error)  # what a statement takes, for the estimate
        call = client.send("execute_query", query="SELECT 'slow 1000 100'")
        daemon.wait_calls(running=1)
        waits = client.send("execute_query", query="SELECT 'rows 1'")
        daemon.wait_calls(running=1, queued=1)
        second, first = client.call("query_status").data["queries"][:2]
        self.assertEqual((second["position"], second["queue_length"]), (1, 1))
        self.assertGreater(second["wait_ms"], 0)
        answer = client.call("query_status", query=first["query"], wait_s=4)
        self.assertEqual(answer.data["status"], "running")
        self.assertGreater(answer.data["rows_so_far"], 0)
        client.call("cancel_query", query=first["query"])
        self.check_error(Answer(call.result(60)), "cancelled", True)
        self.assertEqual(len(Answer(waits.result(60)).rows), 1)

    def test_who_did_not_ask_hears_nothing(self):
        daemon = self.daemon({"query": {"timeout_s": 2}})
        answer = Answer(self.http("ts_v1", daemon).send("execute_query", query=LONG_SQL).result(60))
        self.assertEqual(answer.progress, [])


if __name__ == "__main__":
    main()
