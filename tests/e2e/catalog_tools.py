# SPDX-License-Identifier: Apache-2.0
"""What is there: searched and explained on every engine, and what was said about names is kept."""
import os
import sqlite3
import tempfile

from lib.case import Case, main
from lib.drivers import DRIVERS
from lib.fakesnow import Fakesnow
from lib.postgres import Postgres

TABLES = ("create table %sorders (id integer, customer_id integer)", "create view %sorder_view as select * from %sorders")


def settings(engine, options, more=None, **keys):
    """A daemon's with one profile, of a real driver."""
    return {"profile.demo": None, "profile.main": {"driver": DRIVERS[engine], "dialect": engine, **keys},
            "profile.main.options": {'"%s"' % key: value for key, value in options.items()}, **(more or {})}


class Engines(Case):
    def fakesnow(self, account=None):
        server = Fakesnow(account)
        self.addCleanup(server.close)
        server.start()
        for sql in TABLES:
            server.sql(sql.replace("%s", "demo.public."))
        return server

    def postgres(self):
        server = Postgres()
        self.addCleanup(server.close)
        server.start()
        for sql in ("create schema sales", *(sql.replace("%s", "sales.") for sql in TABLES), "grant usage on schema sales to tester",
                    "grant select on all tables in schema sales to tester", "comment on table sales.orders is 'what was sold'"):
            server.sql(sql)
        return server

    def sqlite(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        path = os.path.join(directory.name, "shop.db")
        link = sqlite3.connect(path)
        for sql in TABLES:
            link.execute(sql.replace("%s", ""))
        link.close()
        return path

    def client(self, daemon, name="catalog"):
        return self.http("ts_v1", daemon, name=name)

    def names(self, client, **arguments):
        answer = client.call("search_objects", **{"detail": "names", **arguments})
        self.assertFalse(answer.is_error, answer.text)
        self.check_shape(answer)
        return answer.data["objects"]


class Search(Engines):
    def check(self, client, table, column):
        """@table and @column: by their full names, as the engine writes them."""
        self.assertIn(table, self.names(client, pattern="ORDER"))
        self.assertEqual(self.names(client, pattern="orders")[0], table)
        self.assertEqual(self.names(client, pattern="orders", kind="view"), [])
        self.assertIn(column, self.names(client, pattern="customer", kind="column"))
        self.assertIn(table, self.names(client, pattern="customer_id"))
        self.assertEqual(self.names(client, pattern="x", kind="semantic_view"), [])
        full = client.call("search_objects", pattern="orders", kind="table", detail="full").data["objects"][0]
        self.assertEqual([column["name"].lower() for column in full["columns"]], ["id", "customer_id"])
        nothing = client.call("search_objects", pattern="ordesr")
        self.assertEqual((nothing.data["objects"], nothing.data["nearest"][0]), ([], table))
        following = nothing.data["next"]
        described = client.call(following["tool"], **following["arguments"])
        self.assertEqual(described.data["relations"][0]["name"].lower(), "orders")
        explained = client.call("explain_query", query="select id from %s where customer_id = 1" % table)
        self.assertFalse(explained.is_error, explained.text)
        self.assertTrue(explained.data["plan"])
        self.check_error(client.call("explain_query", query="delete from " + table), "statement_refused", False)
        return explained

    def test_on_postgresql(self):
        client = self.client(self.daemon(settings("postgresql", {"uri": self.postgres().uri})))
        explained = self.check(client, "test.sales.orders", "test.sales.orders.customer_id")
        self.assertGreater(explained.data["estimated_rows"], 0)
        self.assertEqual(self.names(client, pattern="sold"), ["test.sales.orders"])
        self.assertEqual(client.sql("show timezone").data["row_count"], 1)

    def test_on_sqlite(self):
        client = self.client(self.daemon(settings("sqlite", {"uri": self.sqlite()})))
        explained = self.check(client, "main.orders", "main.orders.customer_id")
        self.assertIn("SCAN", explained.data["plan"])

    def test_on_snowflake(self):
        server = self.fakesnow()
        client = self.client(self.daemon(settings("snowflake", server.options())))
        explained = self.check(client, "DEMO.PUBLIC.ORDERS", "DEMO.PUBLIC.ORDERS.CUSTOMER_ID")
        self.assertEqual(explained.data["scan_bytes"], 1024)
        self.assertEqual(explained.data["partitions"], {"assigned": 1, "total": 1})
        self.assertTrue(server.queries("SEMANTIC_VIEWS"))
        self.assertFalse(client.call("list_views").is_error)

    def test_on_snowflake_without_a_database_names_are_searched_in_all(self):
        server = self.fakesnow()
        server.sql("create database second")
        server.sql("create schema second.public")
        server.sql("create table second.public.order_log (n integer)")
        client = self.client(self.daemon(settings("snowflake", server.options(database=None, schema=None))))
        self.assertEqual(self.names(client, pattern="order"),
                         ["DEMO.PUBLIC.ORDERS", "SECOND.PUBLIC.ORDER_LOG", "DEMO.PUBLIC.ORDER_VIEW"])
        self.assertEqual(self.names(client, pattern="second", kind="database"), ["SECOND"])
        self.assertEqual(client.call("list_databases").rows, [["DEMO", None], ["SECOND", None]])
        self.assertTrue(client.call("list_databases", like="sec%").data["row_count"])
        self.assertTrue(server.queries("SHOW DATABASES LIKE 'sec%'"))
        nothing = client.call("search_objects", pattern="ordesr").data
        self.assertEqual((nothing["objects"], nothing["nearest"][0]), ([], "DEMO.PUBLIC.ORDERS"))

    def test_on_duckdb_over_both_files(self):
        client = self.client(self.daemon())
        found = self.names(client, pattern="summary")
        self.assertTrue({name.split(".")[0] for name in found} >= {"travel", "nature"}, found)
        self.assertEqual({name.split(".")[0] for name in self.names(client, pattern="summary", database="nature")}, {"nature"})

    def test_a_cursor_leads_through_all(self):
        client = self.client(self.daemon())
        everything = self.names(client, pattern="a", limit=1000)
        rows, answer = [], client.call("search_objects", pattern="a", detail="names", limit=7)
        while True:
            rows += answer.data["objects"]
            if not answer.data["next"]:
                break
            answer = client.call(answer.data["next"]["tool"], **answer.data["next"]["arguments"])
        self.assertGreater(len(rows), 14)
        self.assertEqual(rows, everything)
        cursor = client.call("search_objects", pattern="a", limit=1).data["next"]["arguments"]["cursor"]
        error = self.check_error(client.call("search_objects", pattern="b", cursor=cursor), "invalid_argument", True)
        self.assertIn("not of this search", error["message"])


class Kept(Engines):
    def ask(self, client, **more):
        answer = client.call("list_tables", **more)
        self.assertFalse(answer.is_error, answer.text)
        self.assertRegex(answer.data["as_of"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        return answer

    def test_a_second_client_is_answered_without_the_warehouse(self):
        server = self.fakesnow()
        daemon = self.daemon(settings("snowflake", server.options()))
        first = self.ask(self.client(daemon, "a"))
        asked = len(server.queries("TABLES"))
        second = self.ask(self.client(daemon, "b"), warehouse="LARGE")
        self.assertEqual(second.rows, first.rows)
        self.assertEqual(second.data["as_of"], first.data["as_of"])
        self.assertNotIn("query", second.data)
        self.assertEqual(len(server.queries("TABLES")), asked)
        self.ask(self.client(daemon, "c"), role="REPORTER")
        self.assertEqual(len(server.queries("TABLES")), asked + 1)
        self.ask(self.client(daemon, "d"), refresh=True)
        self.assertEqual(len(server.queries("TABLES")), asked + 2)

    def test_what_is_new_is_seen_when_it_was_not_there_or_with_refresh(self):
        server = self.fakesnow()
        client = self.client(self.daemon(settings("snowflake", server.options(), database="DEMO", schema="PUBLIC")))
        before = self.ask(client)
        for name in ("later", "LATER"):
            self.check_error(client.call("describe_table", table=name), "object_not_found", True)
        server.sql("create table demo.public.later (n integer)")
        self.assertEqual(self.ask(client).rows, before.rows)
        for name in ("later", "LATER"):
            self.assertEqual(client.call("describe_table", table=name).data["relations"][0]["name"], "LATER")
        self.assertEqual(len(self.ask(client, refresh=True).rows), len(before.rows) + 1)
        self.assertEqual(len(self.ask(client).rows), len(before.rows) + 1)

    def test_rows_of_a_sample_are_never_kept(self):
        server = self.fakesnow()
        client = self.client(self.daemon(settings("snowflake", server.options())))
        for expected in (1, 2):
            server.sql("insert into demo.public.orders values (1, 2)")
            got = client.call("describe_table", table="orders", sample=3)
            self.assertEqual(len(got.data["relations"][0]["sample"]["rows"]), expected)

    def test_its_rate_counts(self):
        client = self.client(self.daemon({"rate.catalog": {"burst": 3, "per_s": 0.001}}))
        for _ in range(3):
            self.ask(client)
        error = self.check_error(client.call("list_tables"), "rate_limited", True)
        self.assertEqual(error["limit"]["name"], "client_catalog")

    def test_it_can_be_turned_off(self):
        client = self.client(self.daemon({"catalog": {"cache_s": 0}}))
        for _ in range(2):
            answer = client.call("list_tables")
            self.assertIn("query", answer.data)
            self.assertNotIn("as_of", answer.data)


class Scans(Engines):
    def test_a_scan_beyond_the_bound_is_refused_and_not_run(self):
        server = self.fakesnow({"explain": {"partitionsTotal": 8, "partitionsAssigned": 8, "bytesAssigned": 5000}})
        daemon = self.daemon(settings("snowflake", server.options(), scan_bytes_max=4999))
        error = self.check_error(self.client(daemon).sql("select 'scanned' from orders"), "scan_too_large", True)
        self.assertIn("5000", error["message"])
        self.assertIn("4999", error["message"])
        self.assertEqual([query["sql"].split("select")[0] for query in server.queries("scanned")], ["EXPLAIN USING JSON "])

    def test_a_relation_is_not_read_either_when_that_scans_too_much(self):
        server = self.fakesnow({"explain": {"partitionsTotal": 8, "partitionsAssigned": 8, "bytesAssigned": 5000}})
        server.sql("CREATE TABLE DEMO.PUBLIC.scanned AS SELECT 1 AS a")
        daemon = self.daemon(settings("snowflake", server.options(), scan_bytes_max=4999))
        client = self.client(daemon)
        for name in ("SCANNED", "scanned", "demo.public.Scanned"):
            self.check_error(client.call("query_view", view_name=name), "scan_too_large", True)
        self.assertEqual({query["sql"].split("SELECT")[0] for query in server.queries("LIMIT 101")}, {"EXPLAIN USING JSON "})
        server.control("account", explain={"partitionsTotal": 1, "partitionsAssigned": 1, "bytesAssigned": 1})
        for name in ("SCANNED", "scanned"):
            self.assertEqual(client.call("query_view", view_name=name).rows, [[1]])

    def test_a_scan_within_the_bound_runs_on_the_same_connection(self):
        server = self.fakesnow()
        daemon = self.daemon(settings("snowflake", server.options(), scan_bytes_max=1024))
        self.assertEqual(self.client(daemon).sql("select 'scanned' as a").rows, [["scanned"]])
        self.assertEqual(len({query["session"] for query in server.queries("scanned")}), 1)
        self.assertEqual(len(server.queries("scanned")), 2)

    def test_a_bound_that_cannot_hold_is_no_configuration(self):
        daemon = self.daemon({"profile.demo": {"scan_bytes_max": 1}}, start=False)
        program = daemon.spawn()
        self.addCleanup(program.kill)
        self.assertNotEqual(program.wait(), 0)
        self.assertIn("scan_bytes_max", "\n".join(program.err.lines))
        self.assertIn("snowflake", "\n".join(program.err.lines))


if __name__ == "__main__":
    main()
