# SPDX-License-Identifier: Apache-2.0
"""The committed corpora of refusals, through the whole of it: each is refused with its reason and its place,
none reaches the engine, and what is stored there is the same afterwards. The role may write, so that nothing but
the guard stands in the way of most of them."""
import hashlib
import os
import re

from lib.case import SOURCE, main
from lib.engine import ENGINES, EngineCase

CORPUS = os.path.join(SOURCE, "tests", "unit", "corpus")
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}
LEAST = {"postgresql": 280, "sqlite": 125, "duckdb": 280}


def decoded(name):
    with open(os.path.join(CORPUS, name), "rb") as file:
        rows = [line.decode("utf-8", "surrogateescape") for line in file.read().split(b"\n")]
    return [re.sub(r"\\(.)", lambda match: ESCAPES.get(match[1], match[1]), row) for row in rows if row and row[0] != "#"]


def place(text, offset):
    before = text.encode()[:offset].decode()
    return {"line": before.count("\n") + 1, "column": len(before) - before.rfind("\n")}


def refusals(kind):
    """Class, place and text, of those that JSON can carry."""
    for row in decoded("%s_refusals.txt" % kind):
        cls, offset, text = row.split("|", 2)
        if not any("\udc80" <= character <= "\udcff" for character in text):
            yield cls, place(text, int(offset)), text


def digest_of_files(*paths):
    digest = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


class Refusals:
    kind = None
    keys = {}

    def what_is_wrong(self, answer, cls, where, text):
        """What is not as it has to be of an answer; empty: nothing."""
        error = answer.data.get("error") if answer.is_error else None
        if error and error["code"] == "invalid_argument" and (not text or "\0" in text):
            return ""  # refused before the guard reads it
        if not error or error["code"] != "statement_refused":
            return "not refused: %s" % answer.text[:200]
        if not re.match(r"Refused: .+: .+|Refused: (there is no|a second) statement", error["message"], re.DOTALL) or "Nothing was run." not in error["message"]:
            return "no reason: %s" % error["message"]
        found = (error["class"], error["position"])
        return "" if found == (cls, where) else "found %s at %s" % found

    def send_all(self, client):
        bad, count = [], 0
        for cls, where, text in refusals(self.kind):
            count += 1
            if cls == "use":
                continue  # the tool for it takes its place
            wrong = self.what_is_wrong(client.sql(text), cls, where, text)
            if wrong:
                bad.append("%r: %s" % (text, wrong))
        self.assertGreaterEqual(count, LEAST[self.kind])
        return bad

    def test_none_of_them_reaches_the_engine(self):
        engine = ENGINES[self.kind](self.addCleanup)
        self.prepare(engine)
        daemon = self.serve(engine, **self.keys)
        client = self.http("ts_v1", daemon)
        self.assertFalse(client.sql("SELECT 1").is_error)
        before = self.state(engine)
        statements = self.metrics(daemon)['statements_total{profile="%s"}' % self.kind]
        self.assertEqual(self.send_all(client), [])
        self.assertEqual(self.metrics(daemon)['statements_total{profile="%s"}' % self.kind], statements)
        self.assertEqual(self.state(engine), before)


class PostgresRefusals(Refusals, EngineCase):
    kind = "postgresql"
    keys = {"schema": "public"}

    def prepare(self, engine):
        for statement in decoded("postgresql_schema.txt"):
            engine.server.sql(statement)
        engine.server.sql("CREATE SEQUENCE public.s; GRANT ALL ON ALL TABLES IN SCHEMA public TO tester;"
                          "GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO tester; GRANT ALL ON SCHEMA public TO tester")

    def state(self, engine):
        """All that is stored: names, columns, rows, sequences, large objects, roles and settings of roles."""
        ask = engine.server.sql
        found = [ask("SELECT n.nspname, c.relname, c.relkind, c.relacl::text, a.attname, a.atttypid FROM pg_class c JOIN"
                     " pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_attribute a ON a.attrelid = c.oid ORDER BY 1, 2, 5"),
                 ask("SELECT rolname, rolsuper, rolconfig::text FROM pg_roles ORDER BY 1"), ask("SELECT datname FROM pg_database ORDER BY 1"),
                 ask("SELECT proname, prosrc FROM pg_proc ORDER BY oid"), ask("SELECT extname FROM pg_extension ORDER BY 1"),
                 ask("SELECT count(*) FROM pg_largeobject_metadata"), ask("SELECT * FROM pg_sequences ORDER BY 1, 2"),
                 ask("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")]
        for table in ask("SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name FROM pg_class c JOIN pg_namespace n"
                         " ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'm') AND n.nspname IN ('public', 'sales', 'other') ORDER BY 1"):
            found.append(ask("SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM %s AS t" % table["name"]))
        return hashlib.sha256(repr(found).encode()).hexdigest()

    def test_a_view_or_a_sample_is_no_way_around(self):
        engine = ENGINES[self.kind](self.addCleanup)
        engine.server.sql("CREATE VIEW sales.pg_stat_statements AS SELECT 'as the extension has it' AS query;"
                          "GRANT SELECT ON sales.pg_stat_statements TO tester")
        client = self.http("ts_v1", self.serve(engine))
        for name in ("pg_catalog.pg_stat_activity", "test.pg_catalog.PG_STAT_ACTIVITY", "pg_catalog.pg_prepared_statements"):
            error = self.check_error(client.call("query_view", view_name=name), "statement_refused", False)
            self.assertIn("other clients' work", error["message"])
        relation = client.call("describe_view", view_name="sales.pg_stat_statements", sample=2).data["relations"][0]
        self.assertEqual([column["name"] for column in relation["columns"]], ["query"])
        self.assertIn("other clients' work", relation["sample"]["error"])
        self.assertEqual(engine.saw('FROM "'), [])


class SqliteRefusals(Refusals, EngineCase):
    kind = "sqlite"

    def prepare(self, engine):
        os.unlink(engine.path)
        engine.run(*decoded("sqlite_schema.txt"))

    def state(self, engine):
        return sorted(os.listdir(engine.folder)), digest_of_files(engine.path)


class DuckdbRefusals(Refusals, EngineCase):
    kind = "duckdb"
    keys = {"schema": "main"}

    def prepare(self, engine):
        engine.files = [engine.make("reads", decoded("duckdb_schema.txt"))]

    def state(self, engine):
        return sorted(os.listdir(engine.folder)), digest_of_files(*engine.files)


main()
