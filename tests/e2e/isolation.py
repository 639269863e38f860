# SPDX-License-Identifier: Apache-2.0
"""What one client does is never another's: state of connections, marks, answers, cancels, handles
and the words of errors, on every engine and with one connection for all."""
import concurrent.futures
import http.client
import json
import os
import tempfile
import unittest
from urllib.parse import urlsplit

from lib.case import main
from lib.client import Answer
from lib.engine import ENGINES, EngineCase
from lib.line import Foreign
from lib.program import DEADLINE_S, poll

OTHER = 65534
ROUNDS = 15


class Raw:
    """Legacy HTTP by hand: the numbers of requests are the test's."""

    def __init__(self, daemon, name):
        self.place = urlsplit(daemon.url).netloc
        self.session = None
        self.post({"id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25", "capabilities": {},
                                                              "clientInfo": {"name": name, "version": "1"}}})

    def post(self, message):
        connection = http.client.HTTPConnection(self.place, timeout=DEADLINE_S)
        try:
            headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
            headers.update({"Mcp-Session-Id": self.session} if self.session else {})
            connection.request("POST", "/mcp", json.dumps({"jsonrpc": "2.0", **message}), headers)
            answer = connection.getresponse()
            self.session = answer.getheader("Mcp-Session-Id", self.session)
            text = answer.read().decode()
        finally:
            connection.close()
        lines = [line[5:] for line in text.splitlines() if line.startswith("data:") and line[5:].strip()]
        return json.loads(lines[-1] if lines else text) if text else None

    def call(self, number, tool, **arguments):
        return self.post({"id": number, "method": "tools/call", "params": {"name": tool, "arguments": arguments}})

    def cancel(self, number):
        self.post({"method": "notifications/cancelled", "params": {"requestId": number}})


class Isolation:
    """Mixed into a class for each engine."""

    kind = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.engine = ENGINES[cls.kind](cls.addClassCleanup)

    def two(self, **more):
        """Clients of one daemon that has one connection."""
        self.daemon_ = self.serve(self.engine, slots=1, **more)
        return self.http("ts_v1", self.daemon_, name="a"), self.http("python", self.daemon_, name="b")

    def test_equal_numbers_of_requests_at_once_get_their_own_answers(self):
        daemon = self.serve(self.engine, slots=2)
        clients = [Raw(daemon, name) for name in "ab"]
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for turn in range(ROUNDS):
                heavy = "SELECT '%%s', count(*) FROM (%s) AS q" % self.engine.series(2000 if turn % 2 else 1)
                light = "SELECT '%s', 1"
                asked = [(who, name, pool.submit(who.call, number, "execute_query", query=sql % (name + str(turn))))
                         for who, name, sql in ((clients[0], "a", heavy), (clients[1], "b", light)) for number in (7, "7")]
                for _, name, future in asked:
                    got = future.result()["result"]["structuredContent"]
                    self.assertEqual(got["rows"][0][0], name + str(turn))

    def test_what_would_stay_on_a_connection_is_refused_and_never_sent(self):
        a, b = self.two()
        for sql in self.stays:
            with self.subTest(sql=sql):
                self.check_error(a.sql(sql), "statement_refused", False)
        if self.engine.tells:
            self.assertEqual([sql for sql in self.stays if self.engine.saw(sql)], [])
        self.check_rows(b.sql("SELECT count(*) FROM orders"), [[2]])

    def test_errors_never_tell_of_anothers_statement(self):
        a, b = self.two()
        for turn in range(ROUNDS):
            mine = self.check_error(a.sql("SELECT 'hers%d' FROM missing_hers" % turn), "sql_error", True)
            theirs = self.check_error(b.sql("SELECT 'his%d' FROM missing_his" % turn), "sql_error", True)
            # The handle of a query may have any letters.
            self.assertNotIn("his", json.dumps({**mine, "query": ""}).lower().replace("this", ""))
            self.assertNotIn("hers", json.dumps({**theirs, "query": ""}).lower())
            self.assertNotIn(a.session, json.dumps(theirs))

    def occupy(self, client):
        call = client.send("execute_query", query=self.engine.long())
        self.daemon_.wait_calls(running=1)
        if self.engine.tells:
            poll(lambda: self.engine.is_running(self.engine.long_word), "the statement runs at the engine")
        return call

    def test_a_late_cancel_hits_nobody_else_on_the_same_connection(self):
        a, b = self.two()
        done = a.sql("SELECT 1").data["query"]
        raw = Raw(self.daemon_, "c")
        raw.call(7, "execute_query", query="SELECT 2")
        call = self.occupy(b)
        aborts = len(self.aborts())
        a.call("cancel_query", query=done)
        for number in range(10):
            raw.cancel(number)
            raw.cancel(str(number))
        self.assertEqual(a.call("query_status", query=done).rows, [[1]])
        self.daemon_.wait_calls(running=1)
        self.assertFalse(call.done())
        self.assertEqual(len(self.aborts()), aborts)
        b.abort(call)
        self.daemon_.wait_calls(running=0)
        self.check_rows(a.sql("SELECT 3"), [[3]])

    def aborts(self):
        return []

    @unittest.skipUnless(os.geteuid() == 0, "only root can be another user")
    def test_handles_of_another_user_are_not_found(self):
        with tempfile.TemporaryDirectory() as place:
            os.chmod(place, 0o755)
            path = os.path.join(place, "socket")
            self.daemon_ = self.serve(self.engine, slots=2, settings={"listen": {"http": "127.0.0.1:0", "socket": path, "uids": [OTHER]}})
            mine = self.http("ts_v1", self.daemon_)
            os.chmod(path, 0o666)
            his = Foreign(path, OTHER)
            self.addCleanup(his.close)
            answer = mine.sql(self.engine.series(200), limit=2)
            result, query = answer.data["result"], answer.data["query"]
            long = self.occupy(mine)
            (running,) = [one["query"] for one in mine.call("query_status").data["queries"] if one["status"] == "running"]
            nobody = "a" * 26
            for tool, key, handle, more, code in (
                    ("fetch_result", "result", result, {}, "result_not_found"), ("query_status", "query", query, {}, "query_not_found"),
                    ("query_status", "query", running, {"wait_s": 0}, "query_not_found"), ("cancel_query", "query", running, {}, "query_not_found"),
                    ("execute_query", "session", mine.session, {"query": "SELECT 1"}, "session_not_found"),
                    ("use_context", "session", mine.session, {}, "session_not_found"),
                    ("close_session", "session", mine.session, {}, "session_not_found")):
                with self.subTest(tool=tool, handle=handle[:2]):
                    got = his.call(tool, **{key: handle}, **more)["error"]
                    none = his.call(tool, **{key: handle[:2] + nobody}, **more)["error"]
                    self.assertEqual(got["code"], code)
                    self.assertEqual(json.dumps({**got, "query": ""}).replace(handle, ""),
                                     json.dumps({**none, "query": ""}).replace(handle[:2] + nobody, ""))
            self.assertEqual([one["query"] for one in his.call("query_status")["queries"]
                              if one["query"] in (query, running)], [])
            self.assertEqual(self.daemon_.ask("ls")["running"], 1)
            self.assertEqual(mine.call("fetch_result", result=result, offset=199).rows, [[199, "row 199"]])
            mine.abort(long)
            self.daemon_.wait_calls(running=0)


class Moved:
    """Of engines whose connections can be moved."""

    def test_a_context_of_one_is_never_anothers_on_the_same_connection(self):
        a, b = self.two()
        home = b.sql("SELECT * FROM here").rows
        self.assertFalse(a.call("use_context", **self.elsewhere).is_error)
        away = a.sql("SELECT * FROM here").rows
        self.assertNotEqual(away, home)
        for _ in range(ROUNDS):
            self.check_rows(b.sql("SELECT * FROM here"), home)
            self.check_rows(a.sql("SELECT * FROM here"), away)
        a.close()
        self.check_rows(b.sql("SELECT * FROM here"), home)


class PostgresIsolation(Moved, Isolation, EngineCase):
    kind = "postgresql"
    elsewhere = {"schema": "other"}
    stays = ("CREATE TEMP TABLE leak AS SELECT 1", "BEGIN", "START TRANSACTION", "SAVEPOINT leak", "SET my.leak = 'x'", "SET ROLE postgres",
             "SET search_path = leak", "SET SESSION AUTHORIZATION postgres", "RESET ALL", "DISCARD TEMP", "PREPARE leak AS SELECT 1",
             "LISTEN leak", "DECLARE leak CURSOR FOR SELECT 1", "SELECT set_config('my.leak', 'x', false)", "SELECT pg_advisory_lock(1)",
             "SELECT pg_cancel_backend(1)", "SELECT pg_terminate_backend(1)", "SELECT query FROM pg_stat_activity", "LOCK TABLE orders")

    def aborts(self):
        return self.engine.saw("canceling statement")

    def test_what_a_function_leaves_on_the_connection_is_gone_for_the_next_session(self):
        sneaks = {
            "variable": ("SELECT set_config('my.leak', 'of a', false)", "SELECT coalesce(current_setting('my.leak', true), '')"),
            "path": ("SET search_path = other", "SELECT current_schema()"),
            "limit": ("SET statement_timeout = 1", "SELECT current_setting('statement_timeout')"),
            "mode": ("SET default_transaction_read_only = off", "SELECT current_setting('default_transaction_read_only')"),
            "role": ("SET ROLE lender", "SELECT current_user"),
            "lock": ("SELECT pg_advisory_lock(77)", "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")}
        self.engine.server.sql("CREATE ROLE lender; GRANT lender TO tester;" + ";".join(
            "CREATE FUNCTION sales.leave_%s() RETURNS int LANGUAGE sql AS $$ %s; SELECT 1 $$" % (name, body)
            for name, (body, _) in sneaks.items()))
        a, b = self.two()
        for name, (_, look) in sneaks.items():
            clean = b.sql(look).rows
            self.check_rows(a.sql("SELECT sales.leave_%s()" % name), [[1]])
            if name in ("variable", "role"):
                self.assertNotEqual(a.sql(look).rows, clean)  # its own it keeps, while nobody comes between
            self.check_rows(b.sql(look), clean)

    def test_the_mark_of_each_statement_is_its_own(self):
        a, b = self.two()
        for turn in range(ROUNDS):
            for client, name in ((a, "ann"), (b, "bob")):
                self.check_rows(client.sql("SELECT '%s %d'" % (name, turn)), [["%s %d" % (name, turn)]])
        log = "\n".join(self.engine.server.program.err.lines)
        for client, name in ((a, "ann"), (b, "bob")):
            for turn in range(ROUNDS):
                mark = log[log.index("SELECT '%s %d'" % (name, turn)):].split("*/")[0]
                self.assertIn("session='%s'" % client.session, mark)
        for before in log.split("DISCARD ALL")[1:]:
            self.assertRegex(before, r"\A\s*/\*application='snowmux',principal='uid%3A0',client=")


class SnowflakeIsolation(Moved, Isolation, EngineCase):
    kind = "snowflake"
    elsewhere = {"database": "OTHER"}
    stays = ("CREATE TEMPORARY TABLE leak (n int)", "BEGIN", "START TRANSACTION", "SET leak = 1", "USE ROLE reporter", "USE WAREHOUSE large",
             "USE SECONDARY ROLES ALL", "ALTER SESSION SET QUERY_TAG = 'leak'", "ALTER SESSION UNSET QUERY_TAG", "UNSET leak",
             "SELECT LAST_QUERY_ID()", "SELECT LAST_QUERY_ID(-2)", "SELECT * FROM TABLE(RESULT_SCAN('01-02'))",
             "SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))", "SELECT * FROM TABLE(INFORMATION_SCHEMA.QUERY_HISTORY())",
             "SELECT * FROM TABLE(INFORMATION_SCHEMA.QUERY_HISTORY_BY_SESSION())", "SELECT SYSTEM$CANCEL_QUERY('01-02')",
             "SELECT SYSTEM$CANCEL_ALL_QUERIES(100001)", "SELECT SYSTEM$ABORT_SESSION(100001)", "SHOW TABLES ->> CREATE TABLE leak (n int)",
             "DESCRIBE RESULT '01-02'", "EXECUTE IMMEDIATE 'SELECT 1'")

    def aborts(self):
        return self.engine.server.log("abort")

    def test_the_tag_of_each_statement_is_its_own(self):
        a, b = self.two()
        for turn in range(ROUNDS):
            for client, name in ((a, "ann"), (b, "bob")):
                self.check_rows(client.sql("SELECT '%s'" % name, role="REPORTER" if client is b else "ANALYST"), [[name]])
        for client, name in ((a, "ann"), (b, "bob")):
            tags = [json.loads(query["tag"]) for query in self.engine.server.queries("SELECT '%s'" % name)]
            self.assertEqual({(tag["session"], tag["client"]) for tag in tags}, {(client.session, "a" if client is a else "b")})
            self.assertEqual(len({tag["query"] for tag in tags}), ROUNDS)
        moved = [json.loads(query["tag"])["session"] for query in self.engine.server.queries("USE ROLE")]
        self.assertLessEqual({a.session, b.session}, set(moved))

    def test_role_and_warehouse_of_one_are_never_anothers(self):
        a, b = self.two()
        ask = "SELECT CURRENT_ROLE(), CURRENT_WAREHOUSE()"
        self.assertFalse(a.call("use_context", role="REPORTER", warehouse="LARGE").is_error)
        for _ in range(ROUNDS):
            self.check_rows(a.sql(ask), [["REPORTER", "LARGE"]])
            self.check_rows(b.sql(ask), [["ANALYST", "SMALL"]])
        # A role that is refused on the way leaves nobody under it.
        self.check_error(a.sql(ask, role="ACCOUNTADMIN"), "context_failed", True)
        self.check_rows(b.sql(ask), [["ANALYST", "SMALL"]])

    def test_a_statement_whose_context_fails_half_way_leaves_nothing_behind(self):
        a, b = self.two()
        self.engine.server.control("fail", code="002043", sqlstate="02000", match="^use warehouse", count=9)
        self.addCleanup(self.engine.server.control, "clear")
        self.check_error(a.sql("SELECT 'half'", role="REPORTER", warehouse="LARGE"), "context_failed", True)
        self.assertEqual(self.engine.saw("'half'"), [])
        self.engine.server.control("clear")
        self.check_rows(b.sql("SELECT CURRENT_ROLE(), CURRENT_WAREHOUSE()"), [["ANALYST", "SMALL"]])


class SqliteIsolation(Isolation, EngineCase):
    kind = "sqlite"
    stays = ("CREATE TEMP TABLE leak (n)", "CREATE TEMP VIEW leak AS SELECT 1", "BEGIN", "SAVEPOINT leak", "ATTACH ':memory:' AS leak",
             "DETACH main", "PRAGMA case_sensitive_like = ON", "PRAGMA query_only = OFF", "SELECT load_extension('leak')", "VACUUM")


class DuckdbIsolation(Moved, Isolation, EngineCase):
    kind = "duckdb"
    elsewhere = {"database": "store", "schema": "sales"}
    stays = ("CREATE TEMP TABLE leak AS SELECT 1", "CREATE TEMP MACRO leak() AS 1", "BEGIN", "SET VARIABLE leak = 1", "SET schema = 'main'",
             "RESET schema", "PREPARE leak AS SELECT 1", "EXECUTE leak", "ATTACH ':memory:' AS leak", "DETACH store",
             "SET search_path = 'main'", "CHECKPOINT", "LOAD leak", "CREATE TEMP SEQUENCE leak", "PRAGMA database_list")


class FlightSqlIsolation(DuckdbIsolation):
    kind = "flightsql"


if __name__ == "__main__":
    main()
