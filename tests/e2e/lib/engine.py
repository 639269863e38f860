# SPDX-License-Identifier: Apache-2.0
"""The five engines behind one face: the same small shop in each, a profile for a daemon, and what
the engine itself saw. Servers end with the test that started them."""
import os
import shutil
import sqlite3
import subprocess
import tempfile
import urllib.request

from lib.case import LONG_SQL, Case
from lib.client import DEPS
from lib.daemon import BUILD
from lib.drivers import DRIVERS
from lib.fakesnow import Fakesnow
from lib.flightsql import FlightSql
from lib.postgres import Postgres

# The shop: ORDERS with a row of values at their edges and a row of NULLs, and the view BIG_ORDERS.
COLUMNS = (("id", "INT"), ("amount", "{decimal}"), ("placed", "{timestamp}"), ("day", "DATE"), ("big", "BIGINT"),
           ("note", "{text}"), ("paid", "BOOLEAN"), ("raw", "{binary}"))
EDGE = "(1, '12345678901234567890.12', '2024-02-29 23:59:59.123456', '1600-03-01', 9223372036854775807, 'ä€😀 ''quoted''', TRUE, {bytes})"
NULLS = "(2, NULL, NULL, NULL, NULL, NULL, NULL, NULL)"
SERIES = "SELECT n, 'row ' || n AS text FROM ({numbers}) AS numbers ORDER BY n"


def quoted(options):
    """Keys with dots in them, as a TOML key; None: without it."""
    return {'"%s"' % key: value for key, value in options.items() if value is not None}


class Engine:
    """@profile: the name under which a daemon knows it. What differs stands in the classes below."""

    words = {"decimal": "DECIMAL(22,2)", "timestamp": "TIMESTAMP", "text": "VARCHAR(100)", "binary": "BLOB", "bytes": "x'00ff10'"}
    edge = [1, "12345678901234567890.12", "2024-02-29T23:59:59.123456", "1600-03-01", "9223372036854775807", "ä€😀 'quoted'", True, "00ff10"]
    role = warehouse = database = schema = None

    def __init__(self, cleanup, profile=None):
        """@cleanup: addCleanup of a test or addClassCleanup of its class."""
        self.cleanup = cleanup
        self.profile = profile or self.kind
        self.folder = tempfile.mkdtemp(prefix="snowmux-engine-")
        cleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.start()

    @property
    def context(self):
        """What an answer shows of a call that names none."""
        parts = {"profile": self.profile, "role": self.role, "warehouse": self.warehouse, "database": self.database, "schema": self.schema}
        return {key: value for key, value in parts.items() if value}

    tells = False  # of what it runs and ran
    long_word = None

    @property
    def dialect(self):
        return self.kind

    def spelled(self, word):
        """As the engine writes a name."""
        return word

    def long(self):
        """A statement that does not end by itself while a test looks."""
        return LONG_SQL

    def shop(self, prefix=""):
        columns = ", ".join("%s %s" % (name, kind.format(**self.words)) for name, kind in COLUMNS)
        return ["CREATE TABLE %sorders (%s)" % (prefix, columns),
                "INSERT INTO %sorders VALUES %s" % (prefix, EDGE.format(**self.words)),
                "INSERT INTO %sorders VALUES %s" % (prefix, NULLS),
                "CREATE VIEW %sbig_orders AS SELECT id, amount FROM %sorders WHERE id = 1" % (prefix, prefix)]

    def series(self, count):
        """@count numbers from 0 on, and a text of each."""
        return SERIES.format(numbers=self.numbers % count)

    def settings(self, options=None, **keys):
        """Sections of the daemon's configuration."""
        return {"profile." + self.profile: {"driver": DRIVERS[self.driver], **keys},
                "profile.%s.options" % self.profile: quoted({**self.options(), **(options or {})})}

    def saw(self, word):
        """The statements with @word in them that came to the engine, for those that tell."""
        raise NotImplementedError


class PostgresEngine(Engine):
    kind = driver = "postgresql"
    words = {**Engine.words, "decimal": "NUMERIC(22,2)", "text": "TEXT", "binary": "BYTEA", "bytes": r"'\x00ff10'"}
    numbers = "SELECT n FROM generate_series(0, %d - 1) AS g(n)"
    types = ["INTEGER", "numeric", "TIMESTAMP", "DATE", "BIGINT", "VARCHAR", "BOOLEAN", "BINARY"]
    role, database, schema = "tester", "test", "sales"
    tells, long_word = True, "generate_series(1, 1000000000)"

    def long(self):
        return "SELECT count(*) FROM generate_series(1, 1000000000) AS a(n), generate_series(1, 1000) AS b(n) WHERE a.n + b.n < 0"

    def start(self):
        self.server = Postgres({"log_statement": "all"})
        self.cleanup(self.server.close)
        self.server.start()
        for schema in ("sales", "other"):
            self.server.sql("CREATE SCHEMA %s" % schema)
            self.server.sql("CREATE TABLE %s.here AS SELECT '%s' AS schema_name" % (schema, schema))
        self.server.sql(";".join(self.shop("sales.")))
        self.server.sql("COMMENT ON TABLE sales.orders IS 'what was sold'; GRANT USAGE ON SCHEMA sales, other TO tester;"
                        "GRANT SELECT ON ALL TABLES IN SCHEMA sales, other TO tester")

    def options(self, port=None):
        return {"uri": self.server.uri.replace(":%d/" % self.server.port, ":%d/" % (port or self.server.port))}

    def settings(self, options=None, **keys):
        return super().settings(options, **{"schema": "sales", **keys})

    def saw(self, word):
        return [line for line in self.server.program.err.lines if word in line]

    def logins(self):
        """Connections open now, as the server sees them."""
        return [row for row in self.server.activity() if row["user"] == "tester"]

    def is_running(self, word):
        return self.server.is_running(word)


class SnowflakeEngine(Engine):
    kind = driver = "snowflake"
    words = {**Engine.words, "decimal": "NUMBER(22,2)", "timestamp": "TIMESTAMP_NTZ", "binary": "BINARY",
             "bytes": "HEX_DECODE_BINARY('00ff10')"}
    numbers = "SELECT SEQ4() AS n FROM TABLE(GENERATOR(ROWCOUNT => %d))"
    types = ["NUMBER(38,0)", "NUMBER(22,2)", "TIMESTAMP_NTZ", "DATE", "NUMBER(38,0)", "VARCHAR", "BOOLEAN", "BINARY"]
    role, warehouse, database, schema = "ANALYST", "SMALL", "DEMO", "PUBLIC"

    tells, long_word = True, "'this one is long'"

    def spelled(self, word):
        return word.upper()

    def long(self):
        self.server.control("delay", seconds=3600, match="'this one is long'")
        return "SELECT 'this one is long'"

    def start(self):
        self.server = Fakesnow({"databases": ["DEMO", "OTHER"]})
        self.cleanup(self.server.close)
        self.server.start()
        for place in ("DEMO.PUBLIC", "OTHER.PUBLIC"):
            self.server.sql("CREATE TABLE %s.here AS SELECT '%s' AS place" % (place, place))
        self.server.sql("CREATE SCHEMA DEMO.SIDE")
        self.server.sql("CREATE TABLE DEMO.SIDE.here AS SELECT 'DEMO.SIDE' AS place")
        for statement in self.shop("DEMO.PUBLIC."):
            self.server.sql(statement)

    def options(self, port=None, **more):
        return self.server.options(port, **more)

    def saw(self, word):
        return [query["sql"] for query in self.server.queries() if word in query["sql"]]

    def logins(self):
        return self.server.logins()

    def is_running(self, word):
        return any(not query["is_ended"] for query in self.server.queries(word))


class SqliteEngine(Engine):
    kind = driver = "sqlite"
    words = {**Engine.words, "decimal": "TEXT", "text": "TEXT"}
    numbers = "WITH RECURSIVE t(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM t WHERE n < %d - 1) SELECT n FROM t"
    types = ["BIGINT", "VARCHAR", "VARCHAR", "VARCHAR", "BIGINT", "VARCHAR", "BIGINT", "BINARY"]
    edge = [1, "12345678901234567890.12", "2024-02-29 23:59:59.123456", "1600-03-01", "9223372036854775807", "ä€😀 'quoted'", 1, "00ff10"]
    database = "main"

    def long(self):
        return "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t WHERE n < 0"

    def start(self):
        self.path = os.path.join(self.folder, "shop.db")
        self.run(*self.shop())

    def run(self, *statements):
        """By a program of its own; rows of the last one."""
        connection = sqlite3.connect(self.path)
        try:
            with connection:
                return [connection.execute(statement).fetchall() for statement in statements][-1]
        finally:
            connection.close()

    def options(self):
        return {"uri": self.path}


class DuckdbEngine(Engine):
    kind = driver = "duckdb"
    words = {**Engine.words, "text": "VARCHAR", "bytes": r"'\x00\xff\x10'::BLOB"}
    numbers = "SELECT range AS n FROM range(%d)"
    types = ["INTEGER", "DECIMAL(22,2)", "TIMESTAMP", "DATE", "BIGINT", "VARCHAR", "BOOLEAN", "BINARY"]
    database, schema = "shop", "sales"

    def start(self):
        self.files = [self.make(name, self.fill(name)) for name in ("shop", "store")]

    def fill(self, name):
        """The statements that make one of the two databases."""
        shop = [*self.shop("sales."), "COMMENT ON TABLE sales.orders IS 'what was sold'"] if name == "shop" else []
        heres = ["CREATE TABLE %s.here AS SELECT '%s.%s' AS place" % (schema, name, schema) for schema in ("sales", "main")]
        return ["CREATE SCHEMA sales", *shop, *heres]

    def make(self, name, statements):
        script, path = (os.path.join(self.folder, name + ending) for ending in (".sql", ".duckdb"))
        with open(script, "w", encoding="utf-8") as file:
            file.write(";\n".join(statements) + ";\n")
        subprocess.run([os.path.join(BUILD, "demo-load"), os.path.join(DEPS, "lib", "libduckdb.so"), self.folder, script, path],
                       check=True, stdout=subprocess.DEVNULL)
        return path

    def settings(self, options=None, **keys):
        return {"profile." + self.profile: {"files": self.files, "schema": "sales", **keys}}


class FlightSqlEngine(DuckdbEngine):
    """DuckDB behind a server."""

    kind = driver = "flightsql"
    dialect = "duckdb"
    tells, long_word = True, "range(100000000)"

    def start(self):
        databases = [["ATTACH ':memory:' AS " + name, "USE " + name, *self.fill(name)] for name in ("shop", "store")]
        self.server = FlightSql([statement for one in databases for statement in one])
        self.cleanup(self.server.close)
        self.server.start()

    def options(self, port=None, **more):
        return self.server.options(port, **more)

    def settings(self, options=None, **keys):
        return Engine.settings(self, options, **{"dialect": "duckdb", "database": "shop", "schema": "sales", **keys})

    def saw(self, word):
        return [query["sql"] for query in self.server.queries(word)]

    def logins(self):
        return self.server.logins()

    def is_running(self, word):
        return any(not query["is_ended"] for query in self.server.queries(word))


ENGINES = {one.kind: one for one in (PostgresEngine, SnowflakeEngine, SqliteEngine, DuckdbEngine, FlightSqlEngine)}


class EngineCase(Case):
    """Tests that put engines behind a daemon."""

    def serve(self, *engines, settings=None, **keys):
        """A daemon with a profile for each; @keys: of every profile."""
        sections = {"profile.demo": None, **(settings or {})}
        for engine in engines:
            sections.update(engine.settings(**keys))
        return self.daemon(sections)

    def engine(self, kind, profile=None):
        return ENGINES[kind](self.addCleanup, profile)

    def check_rows(self, answer, rows):
        self.assertFalse(answer.is_error, answer.text)
        self.check_shape(answer)
        self.assertEqual(answer.rows, rows)

    def metrics(self, daemon):
        """Name with labels to value."""
        with urllib.request.urlopen(daemon.url.replace("/mcp", "/metrics"), timeout=60) as page:
            lines = page.read().decode().splitlines()
        pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return {name.removeprefix("snowmux_"): float(value) for name, _, value in pairs}

    def wait_idle(self, daemon):
        daemon.wait_calls(running=0)
