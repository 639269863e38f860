# SPDX-License-Identifier: Apache-2.0
"""Transactions, temporary objects and variables: a session's own, over several calls, and what ends them."""
import os
import re
import signal
import urllib.request

from lib.case import Case, main
from lib.client import Answer
from lib.daemon import wait_gone
from lib.drivers import DRIVERS
from lib.postgres import Postgres
from lib.program import poll

LONG = "SELECT count(*) FROM generate_series(1, 9999) a, generate_series(1, 9999) b, generate_series(1, 9999) c"
GONE = r"What this session held open on profile \w+ is gone \(%s\)"


class Pins(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = Postgres().start()
        cls.server.sql("CREATE TABLE account(name text PRIMARY KEY, amount int)")
        cls.server.sql("CREATE SCHEMA other")
        for text in ("TABLE account TO", "SCHEMA other TO"):
            cls.server.sql("GRANT ALL ON %s tester" % text)

    @classmethod
    def tearDownClass(cls):
        cls.server.close()
        super().tearDownClass()

    def setUp(self):
        self.server.sql("TRUNCATE account")
        self.server.sql("INSERT INTO account VALUES ('ana', 10), ('ben', 20)")

    def daemon(self, settings=None, policy="read_write"):
        profile = {"driver": DRIVERS["postgresql"], "dialect": "postgresql", "policy": policy, "slots": 3}
        return super().daemon({"profile.main": profile, "profile.main.options": {"uri": self.server.uri},
                               "profile.demo": None, **(settings or {})})

    def amounts(self, client):
        return dict(self.run_sql(client, "SELECT name, amount FROM account ORDER BY name").rows)

    def run_sql(self, client, query, **more):
        answer = client.sql(query, **more)
        self.assertFalse(answer.is_error, answer.text)
        return answer

    def test_a_transaction_goes_over_several_calls_and_is_seen_by_nobody_else(self):
        daemon = self.daemon()
        ana, ben = self.http("ts_v1", daemon), self.http("ts_v1", daemon)
        self.run_sql(ana, "BEGIN")
        answer = self.run_sql(ana, "UPDATE account SET amount = amount - 5 WHERE name = 'ana'")
        self.assertEqual(([column["name"] for column in answer.data["columns"]], answer.rows), (["rows_affected"], [[1]]))
        self.run_sql(ana, "UPDATE account SET amount = amount + 5 WHERE name = 'ben'")
        self.assertEqual(self.amounts(ana), {"ana": 5, "ben": 25})
        self.assertEqual(self.amounts(ben), {"ana": 10, "ben": 20})
        self.run_sql(ben, "ROLLBACK")  # his own, of nothing
        self.assertEqual(self.amounts(ana), {"ana": 5, "ben": 25})
        self.run_sql(ana, "COMMIT")
        self.assertEqual(self.amounts(ben), {"ana": 5, "ben": 25})

    def test_calls_of_a_transaction_that_are_sent_at_once_run_in_their_order(self):
        client = self.http("ts_v1", self.daemon())
        texts = ["BEGIN"] + ["UPDATE account SET amount = amount * 2 + %d WHERE name = 'ana'" % i for i in range(6)]
        calls = [client.send("execute_query", query=text) for text in texts + ["COMMIT"]]
        for call in calls:
            self.assertFalse(Answer(call.result(60)).is_error)
        want = 10
        for i in range(6):
            want = want * 2 + i
        self.assertEqual(self.amounts(client)["ana"], want)

    def test_a_temporary_table_is_its_sessions_own(self):
        daemon = self.daemon(policy="session_state")
        ana, ben = self.http("ts_v1", daemon), self.http("ts_v1", daemon)
        self.run_sql(ana, "CREATE TEMP TABLE mine AS SELECT 7 AS n")
        self.assertEqual(self.run_sql(ana, "SELECT n FROM mine").rows, [[7]])
        self.check_error(ben.sql("SELECT n FROM mine"), "sql_error", True)
        self.check_error(ana.sql("DELETE FROM account"), "statement_refused", False)
        self.assertEqual(self.amounts(ben), {"ana": 10, "ben": 20})

    def test_what_is_held_is_counted_by_its_kind(self):
        daemon = self.daemon(policy="session_state")
        client, other = self.http("ts_v1", daemon), self.http("ts_v1", daemon)

        def holds(**kinds):
            found = {kind: 0 for kind in ("transaction", "temporary", "variable", "prepared")}
            return {**found, **kinds}

        def wait(wanted):
            poll(lambda: self.pinned(daemon) == wanted, "the figures are %s" % wanted)

        self.assertEqual(self.pinned(daemon), holds())
        self.run_sql(client, "BEGIN")
        self.run_sql(other, "SET a.b = 'c'")
        wait(holds(transaction=1, variable=1))
        self.run_sql(client, "CREATE TEMP TABLE mine AS SELECT 7 AS n")
        wait(holds(transaction=1, temporary=1, variable=1))
        self.run_sql(client, "COMMIT")
        wait(holds(temporary=1, variable=1))
        client.call("close_session")
        wait(holds(variable=1))

    def pinned(self, daemon):
        with urllib.request.urlopen(daemon.url.replace("/mcp", "/metrics"), timeout=60) as page:
            return {kind: int(count) for kind, count in re.findall(r'^snowmux_pinned{reason="(\w+)"} (\d+)$', page.read().decode(), re.M)}

    def test_after_a_loss_nothing_runs_that_may_rest_on_what_is_gone(self):
        daemon = self.daemon()
        client = self.http("ts_v1", daemon)
        self.run_sql(client, "BEGIN")
        self.run_sql(client, "UPDATE account SET amount = amount + 1 WHERE name = 'ana'")
        self.server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tester'")
        self.assertTrue(client.sql("SELECT 1").is_error)
        error = self.check_error(client.sql("UPDATE account SET amount = amount - 1 WHERE name = 'ben'"), "state_lost", False)
        self.assertIn("its connection is gone", error["message"])
        self.assertEqual(self.amounts(client), {"ana": 10, "ben": 20})
        self.run_sql(client, "BEGIN")  # told once
        self.run_sql(client, "ROLLBACK")

    def test_names_inside_a_transaction_are_told_to_nobody_else(self):
        daemon = self.daemon()
        ana, ben = self.http("ts_v1", daemon), self.http("ts_v1", daemon)
        def names(client):
            answer = client.call("list_tables", schema="other")
            at = [column["name"] for column in answer.data["columns"]].index("name")
            return [row[at] for row in answer.rows]
        self.assertEqual(names(ben), [])
        self.run_sql(ana, "BEGIN")
        self.run_sql(ana, "CREATE TABLE other.fresh(n int)")
        self.assertEqual((names(ana), names(ben), names(ana)), (["fresh"], [], ["fresh"]))
        self.run_sql(ana, "ROLLBACK")
        self.assertEqual((names(ana), names(ben)), ([], []))

    def test_nothing_of_this_goes_where_a_profile_only_reads(self):
        client = self.http("ts_v1", self.daemon(policy="read_only"))
        for text in ("BEGIN", "CREATE TEMP TABLE mine AS SELECT 1", "SET SESSION a.b = '1'", "DELETE FROM account"):
            self.check_error(client.sql(text), "statement_refused", False)
        self.assertEqual(self.amounts(client), {"ana": 10, "ben": 20})

    def test_a_transaction_without_a_call_is_rolled_back_and_its_client_told(self):
        daemon = self.daemon({"session": {"pin_idle_s": 1}})
        client = self.http("ts_v1", daemon)
        self.run_sql(client, "BEGIN")
        self.run_sql(client, "DELETE FROM account")
        daemon.event("session_unpinned", reason="idle_limit")
        poll(lambda: not self.server.activity(), "the server has let it go")
        answer = self.run_sql(client, "SELECT count(*) FROM account")
        self.assertEqual(answer.rows, [[2]])
        self.assertRegex(answer.data["notice"], GONE % "idle_limit")
        self.assertNotIn("notice", self.run_sql(client, "SELECT count(*) FROM account").data)

    def test_a_kill_and_restart_roll_back_and_the_client_is_told_once(self):
        daemon = self.daemon()
        client, other = self.http("ts_v1", daemon), self.http("ts_v1", daemon)
        for text in ("BEGIN", "DELETE FROM account"):
            self.run_sql(client, text)
        for text in ("BEGIN", "COMMIT"):
            self.run_sql(other, text)
        daemon.kill9()
        daemon.start()
        answer = self.run_sql(client, "SELECT count(*) FROM account")
        self.assertEqual(answer.rows, [[2]])
        self.assertRegex(answer.data["notice"], GONE % "restart")
        for _ in range(2):
            for one in (client, other):
                self.assertNotIn("notice", self.run_sql(one, "SELECT count(*) FROM account").data)
            daemon.stop()
            daemon.start()

    def test_a_cancel_a_death_and_an_end_of_the_session_roll_back(self):
        daemon = self.daemon()
        client = self.http("ts_v1", daemon)
        begin = ("BEGIN", "DELETE FROM account")
        for text in begin:
            self.run_sql(client, text)
        self.check_error(client.sql(LONG, timeout_s=1), "timeout", True)
        answer = self.run_sql(client, "SELECT count(*) FROM account")
        self.assertEqual(answer.rows, [[2]])
        self.assertRegex(answer.data["notice"], GONE % "timeout")
        for text in begin:
            self.run_sql(client, text)
        (pid,) = daemon.workers()
        os.kill(pid, signal.SIGKILL)
        wait_gone(pid)
        daemon.event("session_unpinned", reason="worker_died")
        answer = self.run_sql(client, "SELECT count(*) FROM account")
        self.assertEqual(answer.rows, [[2]])
        self.assertRegex(answer.data["notice"], GONE % "its connection is gone")
        session = client.call("open_session").data["session"]
        for text in begin:
            self.run_sql(client, text, session=session)
        self.assertFalse(client.call("close_session", session=session).is_error)
        self.assertEqual(self.amounts(client), {"ana": 10, "ben": 20})

    def test_one_transaction_waits_for_no_other_session(self):
        daemon = self.daemon()
        clients = [self.http("ts_v1", daemon) for _ in range(2)]
        for client in clients:
            self.run_sql(client, "BEGIN")
        other = self.http("ts_v1", daemon)
        self.assertEqual(self.amounts(other), {"ana": 10, "ben": 20})
        for client in clients:
            self.run_sql(client, "COMMIT")

    def test_a_context_that_a_rollback_takes_back_reaches_nobody(self):
        daemon = self.daemon()
        ana, ben = self.http("ts_v1", daemon), self.http("ts_v1", daemon)
        self.run_sql(ana, "BEGIN")
        self.assertEqual(self.run_sql(ana, "SELECT current_schema()", schema="other").rows, [["other"]])
        self.run_sql(ana, "ROLLBACK")
        for client in (ben, ana) * 3:
            self.assertEqual(self.run_sql(client, "SELECT current_schema()").rows, [["public"]])
            self.assertEqual(self.run_sql(client, "SELECT current_schema()", schema="other").rows, [["other"]])

    def test_duckdb_has_temporary_tables_and_variables(self):
        daemon = super().daemon({"profile.demo": {"policy": "session_state"}})
        ana, ben = self.http("ts_v1", daemon), self.http("ts_v1", daemon)
        self.run_sql(ana, "CREATE TEMP TABLE mine AS SELECT range AS n FROM range(5)")
        self.run_sql(ana, "SET VARIABLE secret = 42")
        self.assertEqual(self.run_sql(ana, "SELECT sum(n), getvariable('secret') FROM mine").rows, [[10, 42]])
        self.check_error(ben.sql("SELECT n FROM mine"), "sql_error", True)
        self.assertEqual(self.run_sql(ben, "SELECT getvariable('secret')").rows, [[None]])


if __name__ == "__main__":
    main()
