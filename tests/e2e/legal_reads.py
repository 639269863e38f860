# SPDX-License-Identifier: Apache-2.0
"""The committed corpora of legal reads, through the whole of it: what the guard lets through has to
run on the engine, by the driver, on a connection that only reads."""
import os
import re

from lib.case import SOURCE, main
from lib.engine import ENGINES, EngineCase

CORPUS = os.path.join(SOURCE, "tests", "unit", "corpus")
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}
# A parameter has no value here, and PostgreSQL has types that no driver reads.
KNOWN = re.compile(r"parameter|bind|\$\d|Expected .* values|no binary output function", re.IGNORECASE)


def lines(name):
    with open(os.path.join(CORPUS, name), encoding="utf-8", newline="\n") as file:
        rows = [line.rstrip("\n") for line in file]
    return [re.sub(r"\\(.)", lambda match: ESCAPES.get(match[1], match[1]), row) for row in rows if row and row[0] != "#"]


class Reads:
    kind = None
    keys = {}

    def run_all(self, client):
        bad = []
        reads = lines("%s_reads.txt" % self.kind)
        for text in reads:
            answer = client.sql(text, limit=10)
            if answer.is_error and not (answer.error["code"] == "sql_error" and KNOWN.search(answer.error["message"])):
                bad.append("%s: %s" % (text, answer.error["message"]))
        self.assertGreaterEqual(len(reads), 300)
        return bad

    def test_all_of_them_run(self):
        engine = ENGINES[self.kind](self.addCleanup)
        self.prepare(engine)
        daemon = self.serve(engine, settings={"query": {"timeout_s": 20}}, **self.keys)
        self.assertEqual(self.run_all(self.http("ts_v1", daemon)), [])


class PostgresReads(Reads, EngineCase):
    kind = "postgresql"
    keys = {"schema": "public"}

    def prepare(self, engine):
        for statement in lines("postgresql_schema.txt"):
            engine.server.sql(statement)
        engine.server.sql("GRANT SELECT ON ALL TABLES IN SCHEMA public TO tester")


class SqliteReads(Reads, EngineCase):
    kind = "sqlite"

    def prepare(self, engine):
        os.unlink(engine.path)
        engine.run(*lines("sqlite_schema.txt"))


class DuckdbReads(Reads, EngineCase):
    kind = "duckdb"
    keys = {"schema": "main"}

    def prepare(self, engine):
        engine.files = [engine.make("reads", lines("duckdb_schema.txt"))]


main()
