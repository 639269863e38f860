# SPDX-License-Identifier: Apache-2.0
"""Rates and quotas as clients see them, over sessions, names and restarts."""
import concurrent.futures
import contextlib
import itertools
import os
import resource
import sqlite3

from lib.case import LONG_SQL, Case, main
from lib.client import Answer
from lib.daemon import FAKE
from lib.program import poll


class Limits(Case):
    def test_a_quota_outlives_a_crash_and_a_clean_stop(self):
        daemon = self.daemon({"quota.client": {"rows": 1000}})
        client = self.http("ts_v1", daemon)
        self.assertEqual(len(client.sql("SELECT * FROM range(30)").rows), 30)
        self.assertEqual(self.left(client, "client_rows"), 970)
        daemon.kill9()
        daemon.restart()
        after = self.left(client, "client_rows")
        self.assertLessEqual(after, 970)  # a crash gives nothing back,
        self.assertGreaterEqual(after, 970 - 100 - 20)  # and costs what was reserved at most
        self.assertEqual(len(client.sql("SELECT * FROM range(5)").rows), 5)
        self.assertEqual(daemon.stop(), 0)
        daemon.restart()
        self.assertEqual(self.left(client, "client_rows"), after - 5)

    def test_what_remains_is_said_when_a_crash_cannot_give_it_back_any_more(self):
        daemon = self.daemon({"quota.client": {"calls": 1000}})
        client = self.stdio("ts_v1", daemon)
        self.assertEqual(self.left(client, "client_calls"), 1000)
        with contextlib.closing(sqlite3.connect(os.path.join(daemon.state, "snowmux.db"))) as store:
            store.execute("BEGIN IMMEDIATE")  # the daemon cannot write meanwhile
            running = client.send("execute_query", query="SELECT 1")
            said = client.send("whoami")
            client.call("list_sessions")  # answers come in this order, where nothing is waited for
            self.assertFalse(said.done())
            store.rollback()
        self.assertEqual(Answer(running.result(60)).rows, [[1]])
        self.assertEqual(self.remaining(Answer(said.result(60)), "client_calls"), 999)

    def test_what_could_not_be_written_once_is_written_again_and_calls_go_on(self):
        daemon = self.daemon({"quota.client": {"calls": 1000}})
        client = self.stdio("ts_v1", daemon)
        client.sql("SELECT 1")  # starts the worker, which would inherit the limit
        none, all = (0, resource.RLIM_INFINITY), (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(daemon.program.pid, resource.RLIMIT_FSIZE, none)
        while not client.sql("SELECT 1").is_error:
            pass  # until a bound must be raised
        self.check_error(client.sql("SELECT 1"), "store_failed", True)
        resource.prlimit(daemon.program.pid, resource.RLIMIT_FSIZE, all)
        poll(lambda: not client.sql("SELECT 1").is_error, "a call is run again")
        self.assertEqual(client.sql("SELECT 1").rows, [[1]])

    def test_a_new_client_sees_what_remains_of_its_principals_quota(self):
        daemon = self.daemon({"quota.principal": {"calls": 10}, "quota.client": {"calls": 5}})
        self.http("ts_v1", daemon, name="one").sql("SELECT 1")
        other = self.http("ts_v1", daemon, name="other")
        self.assertEqual(self.left(other, "principal_calls"), 9)
        self.assertEqual(self.left(other, "client_calls"), 5)

    def test_a_rate_outlives_a_crash_and_a_clean_stop(self):
        daemon = self.daemon({"rate.client": {"burst": 16, "per_s": 0.001}})
        client = self.http("ts_v1", daemon)
        for _ in range(10):
            self.assertFalse(client.sql("SELECT 1").is_error)
        self.assertEqual(self.left(client, "client_queries"), 6)
        self.assertEqual(daemon.stop(), 0)
        daemon.restart()
        self.assertEqual(self.left(client, "client_queries"), 6)  # a clean stop costs nothing,
        self.assertFalse(client.sql("SELECT 1").is_error)
        daemon.kill9()
        daemon.restart()
        after = self.left(client, "client_queries")
        self.assertLessEqual(after, 5)  # a crash gives nothing back,
        self.assertGreaterEqual(after, 5 - 4)  # and costs a quarter at most,
        other = self.http("ts_v1", daemon, name="another")
        self.assertEqual(self.left(other, "client_queries"), 16 - 4)  # of anybody's

    def test_the_last_rows_of_a_day_are_shown_and_no_more(self):
        daemon = self.daemon({"quota.principal": {"rows": 12}})
        client = self.http("ts_v1", daemon)
        first = client.sql("SELECT * FROM range(10)")
        self.assertEqual(len(first.rows), 10)
        last = client.sql("SELECT * FROM range(10)")
        self.assertEqual((len(last.rows), last.data["truncated"]), (2, True))
        self.check_error(client.sql("SELECT 1"), "quota_exhausted", False)

    def test_more_sessions_and_more_names_have_no_more_calls(self):
        daemon = self.daemon({"rate.principal": {"burst": 20, "per_s": 0.01},
                              "rate.client": {"burst": 5, "per_s": 0.01}})
        one = self.http("ts_v1", daemon)
        other = self.http("ts_v1", daemon)  # the same name: the same client
        answers = [client.sql("SELECT 1") for client in (one, other) * 4]
        self.assertEqual(sum(not answer.is_error for answer in answers), 5)
        self.check_error(answers[-1], "rate_limited", True)

    def test_pages_of_a_kept_result_count(self):
        daemon = self.daemon({"quota.client": {"rows": 250}})
        client = self.http("ts_v1", daemon)
        result = client.sql("SELECT * FROM range(5000)").data["result"]  # shows 100 of them
        pages = [client.send("fetch_result", result=result, offset=i, limit=60) for i in range(4)]
        answers = [Answer(page.result(60)) for page in pages]
        shown = [len(answer.rows) for answer in answers if not answer.is_error]
        self.assertEqual(sorted(shown), [30, 60, 60])  # at once, and no row too many
        (last,) = [answer for answer in answers if answer.is_error]
        held = last.data["error"]["code"] == "quota_reserved"  # the others were not read yet
        self.check_error(last, "quota_reserved" if held else "quota_exhausted", held)
        self.assertEqual(self.left(client, "client_rows"), 0)

    def test_a_call_that_attaches_costs_what_a_call_does(self):
        daemon = self.daemon({"profile.demo": FAKE, "quota.client": {"calls": 1000, "rows": 1000},
                              "rate.client": {"burst": 4, "per_s": 0.001}})
        client = self.http("ts_v1", daemon)
        calls = [client.send("execute_query", query="SELECT 'sleep 500'") for _ in range(3)]
        answers = [Answer(call.result(60)) for call in calls]
        self.assertEqual([answer.rows for answer in answers], [[["slept"]]] * 3)
        self.assertEqual(len(client.call("query_status").data["queries"]), 1)  # run once
        self.assertEqual(self.left(client, "client_calls"), 997)
        self.assertEqual(self.left(client, "client_rows"), 997)
        self.assertEqual(self.left(client, "client_queries"), 1)
        self.assertEqual(client.call("session_stats").data["rows"], 3)
        calls = [client.send("execute_query", query="SELECT 'sleep 501'") for _ in range(3)]
        answers = [Answer(call.result(60)) for call in calls]
        self.assertEqual(sum(not answer.is_error for answer in answers), 1)
        self.check_error(answers[-1], "rate_limited", True)

    def test_a_call_that_attached_in_vain_is_run_and_charged_once(self):
        daemon = self.daemon({"profile.demo": FAKE, "quota.client": {"calls": 1000}})
        client = self.http("ts_v1", daemon)
        first = client.send("execute_query", query="SELECT 'sleep 700'")
        daemon.wait_calls(running=1)
        second = client.send("execute_query", query="SELECT 'sleep 700'")
        poll(lambda: self.left(client, "client_calls") == 998, "the second has attached")
        (query,) = client.call("query_status").data["queries"]
        client.call("cancel_query", query=query["query"])
        self.check_error(Answer(first.result(60)), "cancelled", True)
        self.assertEqual(Answer(second.result(60)).rows, [["slept"]])
        self.assertEqual(self.left(client, "client_calls"), 998)

    def test_what_running_calls_hold_is_not_gone_for_the_day(self):
        daemon = self.daemon({"profile.demo": FAKE, "quota.client": {"rows": 150}})
        client = self.http("ts_v1", daemon)
        running = [client.send("execute_query", query="SELECT 'sleep %d'" % n, limit=100) for n in (900, 901)]
        daemon.wait_calls(running=2)
        error = self.check_error(client.sql("SELECT 'sleep 1'"), "quota_reserved", True)
        self.assertEqual((error["limit"]["name"], error["limit"]["reserved"]), ("client_rows", 150))
        self.assertGreater(error["retry_after_ms"], 0)
        limits = client.call("whoami").data["limits"]["rates_and_quotas"]
        (rows,) = [limit for limit in limits if limit["name"] == "client_rows"]
        self.assertEqual((rows["remaining"], rows["reserved"]), (0, 150))
        for call in running:
            self.assertEqual(Answer(call.result(60)).rows, [["slept"]])
        self.assertEqual(client.sql("SELECT 'sleep 1'").rows, [["slept"]])
        self.assertEqual(self.left(client, "client_rows"), 147)

    def test_many_pages_at_once_wait_for_each_other(self):
        daemon = self.daemon()
        client = self.http("ts_v1", daemon)
        result = client.sql("SELECT * FROM range(5000)").data["result"]
        calls = [client.send("fetch_result", result=result, offset=i) for i in range(80)]
        for i, call in enumerate(calls):
            self.assertEqual(Answer(call.result(60)).rows[0], [i])

    def test_a_role_on_an_engine_without_roles_is_refused_and_touches_nobody(self):
        daemon = self.daemon({"profile.demo": {"slots": 1}})
        one, other = self.http("ts_v1", daemon), self.http("ts_v1", daemon)
        error = self.check_error(one.sql("SELECT 1", role="ANALYST"), "invalid_argument", True)
        self.assertIn('"role" is of no use here', error["message"])
        self.assertEqual(other.sql("SELECT 2").rows, [[2]])

    def test_a_quota_that_ends_a_call_says_which(self):
        daemon = self.daemon({"quota.client": {"engine_s": 5}})
        error = self.check_error(self.http("ts_v1", daemon).sql(LONG_SQL), "quota_exhausted", False)
        self.assertEqual((error["limit"]["name"], error["limit"]["max"]), ("client_engine_ms", 5000))

    def test_weights_share_the_slots(self):
        daemon = self.daemon({"profile.demo": {"slots": 1}, "weight.client": {"heavy": 6},
                              "rate.client": {"burst": 0}, "rate.principal": {"burst": 0}})
        clients = {name: self.http("ts_v1", daemon, name=name) for name in ("heavy", "light")}
        done = dict.fromkeys(clients, 0)
        numbers = itertools.count()
        calls = {}

        def send(name):  # no two alike: they would be one
            query = "SELECT sum(sqrt(range)) + %d FROM range(3000000)" % next(numbers)
            calls[clients[name].send("execute_query", query=query)] = name

        for name in ("heavy", "light") * 4:
            send(name)
        while sum(done.values()) < 140:
            for call in concurrent.futures.wait(calls, return_when="FIRST_COMPLETED").done:
                name = calls.pop(call)
                self.assertFalse(Answer(call.result()).is_error)
                done[name] += 1
                send(name)
        for call in calls:
            call.result(60)
        self.assertGreater(done["heavy"], 3 * done["light"], done)

    def test_types_of_clients_are_configured(self):
        daemon = self.daemon({"client.types": {'"own-*"': "codex", '"Script"': "unknown", '"claude-code"': "vscode"}})
        names = {"Own-Agent": "codex", "script": "unknown", "scripts": "http_client", "Claude-Code": "vscode",
                 "claude-code-2": "claude_code"}
        for name, kind in names.items():
            self.check_type(self.http("ts_v1", daemon, name=name), kind)

    def test_clients_are_known_by_the_names_that_they_send(self):
        daemon = self.daemon()
        names = {"claude-ai": "claude_desktop", "Anthropic/ClaudeAI": "claude_desktop", "claude-code": "claude_code",
                 "Roo Code": "roo_code", "Roo-Code": "roo_code", "cursor-vscode": "cursor",
                 "Visual Studio Code": "vscode", "Visual Studio Code - Insiders": "vscode",
                 "codex-mcp-client": "codex", "Claude": "http_client"}
        for name, kind in names.items():
            self.check_type(self.http("ts_v1", daemon, name=name), kind)
        self.check_type(self.stdio("ts_v1", daemon, name="Claude"), "unknown")

    def check_type(self, client, kind):
        who = client.call("whoami").data
        (session,) = [s for s in client.call("list_sessions").data["sessions"] if s["session"] == who["session"]]
        self.assertEqual((who["client_type"], session["client_type"]), (kind, kind), who["client"])

    def test_credits_are_those_of_the_warehouse(self):
        hour = 3600  # a credit a second
        sales = {**FAKE, "dialect": "snowflake", "credits_per_hour_1000": 10 * hour * 1000}
        daemon = self.daemon({"profile.sales": sales, "profile.sales.warehouse_credits": {"WH_FREE": 0, "WH_L": 200 * hour},
                              "quota.client": {"credits": 1000000}})
        client = self.http("ts_v1", daemon)

        def used(warehouse):
            before = self.left(client, "client_microcredits")
            query = "SELECT 'sleep %d'" % next(numbers)  # no two alike: they would be one
            answer = client.sql(query, profile="sales", **warehouse)
            self.assertEqual(answer.rows, [["slept"]], answer.text)
            return before - self.left(client, "client_microcredits")

        numbers = itertools.count(200)
        self.assertEqual(used({"warehouse": "WH_FREE"}), 0)
        self.assertGreaterEqual(used({"warehouse": "wh_l"}), 200 * 200 * 1000)  # 0.2 s of it
        self.assertGreaterEqual(used({"warehouse": "WH_XS"}), 200 * 10 * 1000)  # not named: the profile's

    def left(self, client, name):
        return self.remaining(client.call("whoami"), name)

    def remaining(self, answer, name):
        (limit,) = [limit for limit in answer.data["limits"]["rates_and_quotas"] if limit["name"] == name]
        return limit["remaining"]


if __name__ == "__main__":
    main()
