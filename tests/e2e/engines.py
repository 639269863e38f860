# SPDX-License-Identifier: Apache-2.0
"""Every tool on every engine, and what the engine itself saw of it: marks, settings, cancels."""
import json
import os
import signal

from lib.case import main
from lib.client import Answer
from lib.daemon import wait_gone
from lib.engine import ENGINES, EngineCase
from lib.flightsql import READER, READER_PASSWORD
from lib.program import poll

CLIENTS = (("ts_v1", "http", "legacy"), ("ts_v2", "http", "modern"), ("python", "stdio", "auto"))
ROWS = 1234


class Tools:
    """Mixed into a class for each engine; server and files live as long as the class."""

    kind = None
    fails = ()  # statements that fail while they run, and words of why

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.engine = ENGINES[cls.kind](cls.addClassCleanup)

    def client(self, number=0, **more):
        """A daemon of the engine, and a client of this test."""
        self.daemon_ = self.serve(self.engine, **more)
        return self.another(number)

    def another(self, number=0, **more):
        kind, transport, era = CLIENTS[number]
        client = {"http": self.http, "stdio": self.stdio}[transport](kind, self.daemon_, era=era, **more)
        client.tools()  # from now on the SDK checks every answer against its schema
        return client

    def check_context(self, answer, **differs):
        self.assertFalse(answer.is_error, answer.text)
        self.assertEqual(answer.data["context"], {**self.engine.context, **differs})

    def column(self, answer, name):
        at = [column["name"] for column in answer.data["columns"]].index(name)
        return [row[at] for row in answer.rows]

    def test_values_arrive_whole_with_their_types_and_the_whole_context(self):
        for number in range(len(CLIENTS)):
            client = self.client(number)
            answer = client.sql("SELECT * FROM orders ORDER BY id")
            self.check_rows(answer, [self.engine.edge, [2] + [None] * 7])
            self.assertEqual([column["type"] for column in answer.data["columns"]], self.engine.types)
            self.assertEqual(answer.data["columns"][0]["name"], self.engine.spelled("id"))
            self.check_context(answer)

    def test_the_catalogue_is_listed(self):
        client = self.client(1)
        tables = client.call("list_tables")
        self.assertIn(self.engine.spelled("orders"), self.column(tables, "name"))
        self.assertNotIn(self.engine.spelled("big_orders"), self.column(tables, "name"))
        self.check_context(tables)
        self.assertEqual(self.column(client.call("list_tables", like="ORD%"), "name"), [self.engine.spelled("orders")])
        self.assertEqual(self.column(client.call("list_tables", like="none%"), "name"), [])
        self.assertEqual(self.column(client.call("list_views"), "name"), [self.engine.spelled("big_orders")])
        self.assertIn(self.engine.database, self.column(client.call("list_databases"), "name"))
        schemas = self.column(client.call("list_schemas"), "name")
        self.assertEqual(self.engine.schema in schemas, self.engine.schema is not None)

    def test_a_long_catalogue_is_read_on(self):
        client = self.client()
        first = client.call("list_tables", limit=1)
        names = self.column(first, "name")
        while first.data["next"]:
            first = client.call(first.data["next"]["tool"], **first.data["next"]["arguments"])
            names += self.column(first, "name")
        self.assertEqual(names, self.column(client.call("list_tables"), "name"))

    def check_described(self, client, name):
        answer = client.call("describe_table", table=name, sample=1)
        self.check_context(answer)
        (relation,) = answer.data["relations"]
        self.assertEqual((relation["name"], relation["kind"]), (self.engine.spelled("orders"), "table"))
        self.assertEqual([column["name"].lower() for column in relation["columns"]],
                         ["id", "amount", "placed", "day", "big", "note", "paid", "raw"])
        self.assertEqual(relation["sample"]["rows"], [self.engine.edge])

    def test_relations_are_described_by_any_part_of_their_name_in_any_case(self):
        client = self.client(2)
        parts = [part for part in (self.engine.database, self.engine.schema) if part]
        for name in ("orders", "ORDERS", "Orders", ".".join([*parts, "orders"]), ".".join([*parts[1:], "ORDERS"])):
            self.check_described(client, name)
        both = client.call("describe_view", view_name=["Big_Orders", "orders"])
        self.assertEqual({relation["name"]: relation["kind"] for relation in both.data["relations"]},
                         {self.engine.spelled("orders"): "table", self.engine.spelled("big_orders"): "view"})
        self.check_rows(client.call("query_view", view_name="BIG_orders"), [self.engine.edge[:2]])

    def test_database_and_schema_before_a_name_are_found_in_any_case_too(self):
        parts = [part for part in (self.engine.database, self.engine.schema) if part]
        self.check_described(self.client(2), ".".join([*parts, "orders"]).swapcase())

    def test_a_name_that_is_not_there_is_answered_with_the_nearest(self):
        client = self.client()
        for tool, arguments in (("query_view", {"view_name": "ordres"}), ("describe_table", {"table": "ordres"})):
            error = self.check_error(client.call(tool, **arguments), "object_not_found", True)
            self.assertTrue(any(self.engine.spelled("orders") in name for name in error["nearest"]), error)

    def test_errors_of_the_engine_keep_its_words_and_codes(self):
        client = self.client(1)
        error = self.check_error(client.sql("SELECT * FROM ordres"), "sql_error", True)
        self.assertIn("ordres", error["message"].lower())
        self.assertEqual({key: error.get(key) for key in self.codes}, self.codes)
        self.assertNotIn("snowmux", error["message"])
        self.assertIn("nothing", self.check_error(client.sql("SELECT nothing FROM orders"), "sql_error", True)["message"].lower())
        self.check_rows(client.sql("SELECT 1"), [[1]])

    def test_what_fails_while_it_runs_is_an_error_of_the_statement_and_the_connection_stays(self):
        client = self.client(slots=1)
        self.check_rows(client.sql("SELECT 1"), [[1]])
        for sql, words in self.fails:
            error = self.check_error(client.sql(sql), "sql_error", True)
            self.assertIn(words, error["message"])
            self.check_rows(client.sql("SELECT 1"), [[1]])
        self.assertNotIn("warehouse_lost", "\n".join(self.daemon_.program.err.lines))

    def test_a_result_beyond_its_page_is_read_to_the_end(self):
        client = self.client(2)
        answer = client.sql(self.engine.series(ROWS), limit=500)
        rows = list(answer.rows)
        self.assertEqual((len(rows), answer.data["total_rows"], answer.data["truncated"]), (500, ROWS, True))
        while answer.data["next"]:
            answer = client.call(answer.data["next"]["tool"], **answer.data["next"]["arguments"])
            rows += answer.rows
        self.assertEqual(rows, [[n, "row %d" % n] for n in range(ROWS)])

    def test_writes_are_refused_before_the_engine_hears_of_them(self):
        client = self.client()
        for sql in ("DELETE FROM orders", "INSERT INTO orders (id) VALUES (3)", "DROP TABLE orders",
                    "SELECT 1; DELETE FROM orders", "CREATE TABLE stolen AS SELECT 1 AS x"):
            self.check_error(client.sql(sql), "statement_refused", False)
        if self.engine.tells:
            self.assertEqual([self.engine.saw(word) for word in ("DELETE FROM", "INSERT INTO orders (id", "TABLE orders", "TABLE stolen AS")],
                             [[]] * 4)
        self.check_rows(client.sql("SELECT count(*) FROM orders"), [[2]])

    def start_long(self, client, **more):
        call = client.send("execute_query", query=self.engine.long(), **more)
        self.daemon_.wait_calls(running=1)
        if self.engine.tells:
            poll(lambda: self.engine.is_running(self.engine.long_word), "the statement runs at the engine")
        return call

    def check_stopped(self, client, workers):
        """The only slot is free, and the engine does nothing any more."""
        self.daemon_.wait_calls(running=0)
        if self.engine.tells:
            poll(lambda: not self.engine.is_running(self.engine.long_word), "the statement ends at the engine")
        else:
            for pid in set(workers) - set(self.daemon_.workers()):
                wait_gone(pid)
        self.check_rows(client.sql("SELECT 1"), [[1]])

    def test_a_time_limit_stops_the_statement_at_the_engine(self):
        client = self.client(slots=1)
        self.check_rows(client.sql("SELECT 1"), [[1]])
        workers = self.daemon_.workers()
        error = self.check_error(client.sql(self.engine.long(), timeout_s=1), "timeout", True)
        self.assertIn("1 s", error["message"])
        self.check_stopped(client, workers)

    def test_a_cancel_stops_the_statement_at_the_engine(self):
        client = self.client(1, slots=1)
        other = self.another(0)
        self.check_rows(client.sql("SELECT 1"), [[1]])
        workers = self.daemon_.workers()
        call = self.start_long(client)
        (query,) = [one["query"] for one in client.call("query_status").data["queries"] if one["status"] == "running"]
        self.assertFalse(other.call("cancel_query", query=query).is_error)
        self.check_error(Answer(call.result(60)), "cancelled", True)
        self.check_stopped(client, workers)
        if self.engine.kind == "sqlite":
            self.assertNotEqual(self.daemon_.workers(), workers)
        else:
            self.assertEqual(self.daemon_.workers(), workers)

    def test_a_call_that_takes_long_is_waited_for_with_its_query(self):
        client = self.client(settings={"query": {"grace_s": 1}})
        answer = client.sql(self.engine.long())
        self.check_shape(answer)
        self.assertEqual(answer.data["status"], "running")
        self.assertEqual(client.call("query_status", query=answer.data["query"], wait_s=0).data["status"], "running")
        self.assertFalse(client.call("cancel_query", query=answer.data["query"]).is_error)
        self.check_error(client.call("query_status", query=answer.data["query"]), "cancelled", True)

    def test_sessions_have_contexts_of_their_own(self):
        client = self.client(1)
        first = client.call("open_session", label="first")
        self.check_context(client.sql("SELECT 1", session=first.data["session"]))
        self.assertEqual(client.call("whoami").data["profiles"][0]["dialect"], self.engine.dialect)
        listed = client.call("list_sessions")
        self.assertIn(first.data["session"], [one["session"] for one in listed.data["sessions"]])
        self.assertFalse(client.call("close_session", session=first.data["session"]).is_error)
        self.check_error(client.sql("SELECT 1", session=first.data["session"]), "session_not_found", True)


class Places:
    """Of engines whose connections can be moved."""

    def here(self, client, **context):
        answer = client.sql("SELECT * FROM here", **context)
        self.assertFalse(answer.is_error, answer.text)
        return answer.rows[0][0], answer.data["context"].get("database"), answer.data["context"].get("schema")

    def test_a_context_of_a_call_is_over_with_it(self):
        client = self.client(slots=1)
        home = self.here(client)
        for arguments, there in self.places * 2:
            self.assertEqual(self.here(client, **arguments), there)
            self.assertEqual(self.here(client), home)


class Names(Places):
    def test_names_of_a_context_that_are_not_there_are_answered_with_the_nearest(self):
        client = self.client()
        for arguments, nearest in self.wrong_names:
            error = self.check_error(client.call("use_context", **arguments), "object_not_found", True)
            self.assertIn(nearest, error["nearest"])
        self.check_context(client.sql("SELECT 1"))

    def test_names_of_a_context_are_found_in_any_case_and_shown_as_they_are(self):
        client = self.client()
        for arguments, there in self.places:
            used = client.call("use_context", **{key: value.swapcase() for key, value in arguments.items()})
            self.assertFalse(used.is_error, used.text)
            self.assertEqual((used.data["context"]["database"], used.data["context"]["schema"]), there[1:])
            self.assertEqual(self.here(client), there)


class PostgresTools(Names, Tools, EngineCase):
    kind = "postgresql"
    codes = {"sqlstate": "42P01"}
    fails = [("SELECT row(1, 'a')", "nested record type"), ("SELECT o FROM sales.orders o", "nested record type"),
             ("SELECT pg_lock_status()", "nested record type"),
             ("SELECT row(n, 'a') FROM generate_series(1, 300000) AS g(n)", "nested record type"),
             ("SELECT interval '2562047788:00:54'", "would overflow"), ("SELECT 1 / (3 - n) FROM generate_series(1, 5) AS g(n)", "division by zero")]
    wrong_names = [({"schema": "salse"}, "sales")]
    places = [({"schema": "other"}, ("other", "test", "other")), ({"schema": "sales"}, ("sales", "test", "sales"))]

    def test_a_schema_that_may_not_be_used_is_an_error_of_the_context(self):
        self.engine.server.sql("CREATE SCHEMA hidden; CREATE SCHEMA \"Half hidden\"; GRANT USAGE ON SCHEMA \"Half hidden\" TO tester")
        client = self.client()
        error = self.check_error(client.sql("SELECT 1", schema="hidden"), "context_failed", True)
        self.assertIn("permission denied for schema hidden", error["message"])
        self.check_rows(client.sql("SELECT current_schema()", schema='"Half hidden"'), [["Half hidden"]])
        self.check_rows(client.sql("SELECT current_schema()"), [["sales"]])

    def test_the_engine_itself_reads_only_and_has_limits(self):
        self.engine.server.sql("CREATE TABLE public.stolen (n int); GRANT ALL ON public.stolen TO tester;"
                               "CREATE FUNCTION sales.sneak() RETURNS int LANGUAGE sql AS"
                               " 'INSERT INTO public.stolen VALUES (1) RETURNING 1'")
        client = self.client()
        asked = ["default_transaction_read_only", "transaction_read_only", "statement_timeout", "application_name"]
        answer = client.sql("SELECT %s" % ", ".join("current_setting('%s')" % name for name in asked))
        self.check_rows(answer, [["on", "on", "61min", "snowmux"]])
        error = self.check_error(client.sql("SELECT sales.sneak()"), "sql_error", True)
        self.assertEqual(error["sqlstate"], "25006")
        self.assertEqual(self.engine.server.sql("SELECT * FROM public.stolen"), [])
        # A worker keeps the connection that it began with, which runs nothing.
        names = [row["application_name"] for row in self.engine.logins() if row["query"]]
        self.assertEqual(set(names), {"snowmux"})

    def test_the_mark_of_a_call_stands_behind_its_statement(self):
        client = self.client()
        answer = client.sql("SELECT 'marked' -- to the end of the line")
        self.check_rows(answer, [["marked"]])
        # Over lines of its own, since the statement may end in a comment.
        line = poll(lambda: [one for one in self.engine.saw("/*application='snowmux'") if answer.data["query"] in one], "the mark")[0]
        self.assertIn("principal='uid%3A", line)
        self.assertIn("client='e2e'", line)
        self.assertIn("session='%s'" % client.session, line)

    def test_the_path_of_a_role_is_the_same_after_other_calls_on_its_connection(self):
        self.engine.server.sql("CREATE TABLE IF NOT EXISTS other.only_there AS SELECT 7 AS n;"
                               "GRANT SELECT ON other.only_there TO tester; ALTER ROLE tester SET search_path = sales, other")
        self.addCleanup(self.engine.server.sql, "ALTER ROLE tester RESET search_path")
        client = self.client(slots=1, schema="")
        self.check_rows(client.sql("SELECT n FROM only_there"), [[7]])
        self.assertEqual(self.here(client, schema="other"), ("other", "test", "other"))
        self.check_rows(client.sql("SELECT n FROM only_there"), [[7]])
        self.assertEqual(self.here(client), ("sales", "test", "sales"))

    def test_a_worker_that_is_killed_leaves_no_statement_behind(self):
        client = self.client()
        call = self.start_long(client)
        os.kill(self.daemon_.workers()[0], signal.SIGKILL)
        self.check_error(Answer(call.result(60)), "worker_died", True)
        poll(lambda: not self.engine.is_running(self.engine.long_word), "the server notices")

    def test_another_database_needs_another_profile(self):
        error = self.check_error(self.client().call("use_context", database="postgres"), "context_failed", True)
        self.assertIn("cannot change the database", error["message"])


class SnowflakeTools(Names, Tools, EngineCase):
    kind = "snowflake"
    codes = {"sqlstate": "42S02", "vendor_code": 2003}
    wrong_names = [({"schema": "PUBLIK"}, "PUBLIC"), ({"database": "OTTER"}, "OTHER")]
    places = [({"database": "OTHER"}, ("OTHER.PUBLIC", "OTHER", "PUBLIC")),
              ({"database": "DEMO", "schema": "SIDE"}, ("DEMO.SIDE", "DEMO", "SIDE")),
              ({"schema": "OTHER.PUBLIC"}, ("OTHER.PUBLIC", "OTHER", "PUBLIC")),
              ({"database": "DEMO"}, ("DEMO.PUBLIC", "DEMO", "PUBLIC"))]

    def test_what_stands_before_a_name_is_taken_exactly_where_nothing_else_is_found(self):
        self.engine.server.sql('CREATE SCHEMA IF NOT EXISTS DEMO."low"')
        self.engine.server.sql('CREATE TABLE IF NOT EXISTS DEMO."low".found AS SELECT 7 AS seven')
        client = self.client()
        for name in ("low.found", "DEMO.low.FOUND", '"low".found'):
            self.check_rows(client.call("query_view", view_name=name), [[7]])
            (described,) = client.call("describe_table", table=name).data["relations"]
            self.assertEqual((described["name"], described["schema"]), ("FOUND", "low"))
        error = self.check_error(client.call("query_view", view_name="lower.found"), "object_not_found", True)
        self.assertIn("lower", error["message"])

    def test_roles_and_warehouses_without_quotes_are_meant_in_upper_case(self):
        self.check_rows(self.client().sql("SELECT CURRENT_ROLE(), CURRENT_WAREHOUSE()", role="reporter", warehouse="large"),
                        [["REPORTER", "LARGE"]])

    def test_a_query_tag_says_whose_the_statement_is_and_is_of_one_statement(self):
        client = self.client()
        answer = client.sql("SELECT 'tagged'")
        (query,) = self.engine.server.queries("SELECT 'tagged'")[-1:]
        tag = json.loads(query["tag"])
        self.assertEqual((tag["app"], tag["client"], tag["session"], tag["query"]),
                         ("snowmux", "e2e", client.session, answer.data["query"]))
        self.assertTrue(tag["principal"].startswith("uid:"))
        self.assertNotIn("'tagged'", query["tag"])

    def test_a_new_connection_is_given_the_engines_own_limits_first(self):
        before = len(self.engine.server.queries())
        client = self.client()
        self.check_rows(client.sql("SELECT 'limited'"), [["limited"]])
        mine = self.engine.server.queries()[before:]
        session = [query["session"] for query in mine if "'limited'" in query["sql"]]
        asked = [query["sql"] for query in mine if [query["session"]] == session]
        self.assertEqual(asked[:2], ["ALTER SESSION SET STATEMENT_TIMEOUT_IN_SECONDS = 3660",
                                     "ALTER SESSION SET STATEMENT_QUEUED_TIMEOUT_IN_SECONDS = 3660"])
        self.assertIn("CURRENT_ROLE()", asked[2])
        (now,) = [one for one in self.engine.server.control("sessions") if [one["session"]] == session]
        self.assertEqual(now["parameters"]["STATEMENT_TIMEOUT_IN_SECONDS"], "3660")

    def test_role_and_warehouse_are_those_of_the_call_also_at_the_server(self):
        client = self.client(slots=1)
        for role, warehouse in (("REPORTER", "LARGE"), (None, None), ("ANALYST", "LARGE"), ("REPORTER", "SMALL"), (None, None)):
            context = {key: value for key, value in (("role", role), ("warehouse", warehouse)) if value}
            answer = client.sql("SELECT 'who', CURRENT_ROLE(), CURRENT_WAREHOUSE()", **context)
            wanted = [role or "ANALYST", warehouse or "SMALL"]
            self.check_rows(answer, [["who", *wanted]])
            query = self.engine.server.queries("SELECT 'who'")[-1]
            self.assertEqual([query["role"], query["warehouse"]], wanted)
            self.check_context(answer, role=wanted[0], warehouse=wanted[1])

    def test_a_role_that_is_not_granted_is_refused_and_nothing_runs(self):
        client = self.client()
        error = self.check_error(client.sql("SELECT 'never'", role="ACCOUNTADMIN"), "context_failed", True)
        self.assertIn("not assigned", error["message"])
        self.check_error(client.sql("SELECT 'never'", warehouse="HUGE"), "context_failed", True)
        self.assertEqual(self.engine.saw("'never'"), [])
        self.check_rows(client.sql("SELECT CURRENT_ROLE()"), [["ANALYST"]])

    def test_a_cancel_is_an_abort_at_the_server(self):
        before = len(self.engine.server.log("abort"))
        client = self.client(slots=1)
        self.check_error(client.sql(self.engine.long(), timeout_s=1), "timeout", True)
        poll(lambda: True in [one["found"] for one in self.engine.server.log("abort")[before:]], "the abort")
        ended = poll(lambda: [one for one in self.engine.server.queries(self.engine.long_word) if one["is_ended"]], "its end")[-1]
        self.assertEqual(ended["code"], "000604")


class SqliteTools(Tools, EngineCase):
    kind = "sqlite"
    codes = {"sqlstate": None}
    fails = [("SELECT abs(-9223372036854775808)", "integer overflow"), ("SELECT json('{')", "malformed JSON"),
             ("SELECT sum(x) FROM (SELECT 9223372036854775807 AS x UNION ALL SELECT 1)", "integer overflow"),
             ("WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 3000) SELECT iif(n < 2000, n, 'text') FROM t",
              "Type mismatch in column 0")]

    def test_a_write_that_the_engine_refuses_is_no_outcome_unknown(self):
        client = self.client(policy="read_write")
        self.assertFalse(client.sql("CREATE TABLE more (n int CHECK (n < 5))").is_error)
        self.addCleanup(client.sql, "DROP TABLE more")
        for sql, why in (("INSERT INTO more VALUES (5)", "CHECK constraint failed"),
                         ("INSERT INTO more VALUES (abs(-9223372036854775808))", "integer overflow")):
            self.assertIn(why, self.check_error(client.sql(sql), "sql_error", True)["message"])
        self.check_rows(client.sql("SELECT COUNT(*) FROM more"), [[0]])

    def test_it_has_one_place(self):
        error = self.check_error(self.client().call("use_context", schema="elsewhere"), "context_failed", True)
        self.assertIn("cannot change the schema", error["message"])


class DuckdbTools(Names, Tools, EngineCase):
    kind = "duckdb"
    codes = {"sqlstate": None}
    fails = [("SELECT 9223372036854775807 + range FROM range(2)", "verflow"), ("SELECT json('{') FROM range(3)", "alformed JSON")]
    wrong_names = [({"schema": "salse"}, "sales"), ({"database": "shp"}, "shop")]
    places = [({"database": "store", "schema": "sales"}, ("store.sales", "store", "sales")),
              ({"schema": "shop.main"}, ("shop.main", "shop", "main")),
              ({"database": "store"}, ("store.main", "store", "main"))]

    def test_the_engine_itself_reads_only_and_is_locked(self):
        client = self.client()
        asked = ["access_mode", "enable_external_access", "lock_configuration"]
        self.check_rows(client.sql("SELECT %s" % ", ".join("current_setting('%s')" % name for name in asked)), [["read_only", False, True]])


class FlightSqlTools(Names, Tools, EngineCase):
    kind = "flightsql"
    codes = {"sqlstate": None}
    wrong_names = DuckdbTools.wrong_names
    places = DuckdbTools.places

    def test_what_the_server_does_not_allow_its_user_is_an_error_of_the_statement(self):
        client = self.client(0, policy="session_state", options={"username": READER, "password": READER_PASSWORD})
        self.check_rows(client.sql("SELECT count(*) FROM orders"), [[2]])
        error = self.check_error(client.sql("CREATE TEMP TABLE mine AS SELECT 1 AS n"), "sql_error", True)
        self.assertIn("reader may only read", error["message"])
        self.assertEqual(len([one for one in self.engine.logins() if one["user"] == READER]), 1)


class Together(EngineCase):
    def test_five_profiles_of_one_daemon_answer_at_once(self):
        engines = [self.engine(kind) for kind in ENGINES]
        settings = {key: value for engine in engines for key, value in engine.settings().items()}
        settings["profile.sqlite"]["slots"] = 1  # it has a worker for each connection
        daemon = self.daemon({"profile.demo": None, **settings})
        clients = [self.http("ts_v1", daemon, name="a"), self.http("ts_v2", daemon, era="modern", name="b"),
                   self.stdio("python", daemon, name="c", era="auto")]
        asked = [(engine, client, client.send("execute_query", query="SELECT * FROM orders ORDER BY id", profile=engine.profile))
                 for _ in range(5) for engine in engines for client in clients]
        for engine, _, future in asked:
            answer = Answer(future.result(60))
            self.check_rows(answer, [engine.edge, [2] + [None] * 7])
            self.assertEqual(answer.data["context"], engine.context)
        self.assertEqual({one["name"]: one["dialect"] for one in clients[0].call("whoami").data["profiles"]},
                         {engine.profile: engine.dialect for engine in engines})
        self.assertEqual(self.metrics(daemon)["workers"], 5)


if __name__ == "__main__":
    main()
