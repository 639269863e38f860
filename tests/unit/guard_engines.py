#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""guard_engines.py CORPUS [--deps DEPS | DIALECT...]: are the legal reads of the corpora legal and reads?

Each is run over the tables of its dialect's schema, and must leave the database as it was:
sqlite with Python's own module, duckdb with its package, postgresql with psycopg and the
connection string in SNOWMUX_POSTGRESQL (tables are made in a schema of its own and dropped).
snowflake is parsed with sqlglot, which does not know all of it; what it does not know is
counted. Without dialects: those whose package is at hand. With DEPS: each in the Python there that
has its package.
"""
import importlib
import logging
import os
import re
import sqlite3
import subprocess
import sys
import tempfile

SQLITE_MIN = (3, 39)
SNOWFLAKE_UNKNOWN_MAX = 7
ENVIRONMENTS = {"tpc": ("sqlite", "duckdb"), "fakesnow": ("snowflake",)}
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}


def decode(text):
    return re.sub(r"\\(.)", lambda match: ESCAPES.get(match[1], match[1]), text)


def lines(corpus, name):
    with open(os.path.join(corpus, name), encoding="utf-8", newline="\n") as file:
        rows = [line.rstrip("\n") for line in file]
    return [(number, decode(row)) for number, row in enumerate(rows, 1)
            if row and row[0] != "#"]


def package(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def sqlite(corpus):
    if sqlite3.sqlite_version_info < SQLITE_MIN:
        return None
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "x.db")
        connection = sqlite3.connect(path, isolation_level=None)
        for _, statement in lines(corpus, "sqlite_schema.txt"):
            connection.execute(statement)
        before = connection.total_changes

        def run(text):
            names = dict.fromkeys(re.findall(r"[:@$]([a-z]\w*)", text), 1)
            count = len(re.findall(r"\?", text))
            connection.execute(text, names if names and not count else [1] * count).fetchall()
            if connection.total_changes != before:
                raise ValueError("it has changed rows")
        return check(corpus, "sqlite", run)


def duckdb(corpus):
    module = package("duckdb")
    if not module or not package("pytz"):
        return None
    connection = module.connect()
    for _, statement in lines(corpus, "duckdb_schema.txt"):
        connection.execute(statement)
    return check(corpus, "duckdb", lambda text: connection.execute(text).fetchall())


def postgresql(corpus):
    module = package("psycopg")
    where = os.environ.get("SNOWMUX_POSTGRESQL")
    if not module or not where:
        return None
    with module.connect(where, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA guard_engines; SET search_path = guard_engines")
        try:
            for _, statement in lines(corpus, "postgresql_schema.txt"):
                connection.execute(statement)

            def run(text):
                connection.execute("BEGIN READ ONLY")
                try:
                    if "$1" in text and "$$" not in text:
                        result = connection.pgconn.prepare(b"", text.encode())
                        if result.status != module.pq.ExecStatus.COMMAND_OK:
                            raise ValueError(result.error_message)
                    else:
                        connection.execute(text.replace("public.orders", "orders"))
                finally:
                    connection.execute("ROLLBACK")
            return check(corpus, "postgresql", run)
        finally:
            connection.execute("DROP SCHEMA guard_engines CASCADE")


def snowflake(corpus):
    module = package("sqlglot")
    if not module:
        return None
    logging.disable(logging.CRITICAL)

    def run(text):
        if len([part for part in module.parse(text, dialect="snowflake") if part]) != 1:
            raise ValueError("more than one statement")
    return check(corpus, "snowflake", run, SNOWFLAKE_UNKNOWN_MAX)


def check(corpus, dialect, run, bad_max=0):
    bad = 0
    reads = lines(corpus, f"{dialect}_reads.txt")
    for number, text in reads:
        try:
            run(text)
        except Exception as error:  # whatever an engine raises
            bad += 1
            print(f"{dialect}_reads.txt:{number}: {str(error).splitlines()[0]}: {text[:120]}")
    print(f"guard_engines: {dialect}: {len(reads)} reads, {bad} not understood by the engine")
    return bad <= bad_max


def main_of(corpus, deps):
    """Every environment there is, by a process of its own."""
    states = []
    for name, dialects in ENVIRONMENTS.items():
        python = os.path.join(deps, name, "bin", "python")
        if os.path.exists(os.path.join(deps, name, ".done")):
            states.append(subprocess.run([python, __file__, corpus, *dialects], check=False).returncode)
    states = states or [subprocess.run([sys.executable, __file__, corpus], check=False).returncode]
    sys.exit(max(0 if state == 0 else 1 for state in states) if any(state != 77 for state in states) else 77)


def main():
    if sys.argv[2:3] == ["--deps"]:
        main_of(sys.argv[1], sys.argv[3])
    engines = {"sqlite": sqlite, "duckdb": duckdb, "postgresql": postgresql,
               "snowflake": snowflake}
    results = {name: engines[name](sys.argv[1]) for name in sys.argv[2:] or engines}
    for name, result in results.items():
        if result is None:
            print(f"guard_engines: {name}: not at hand")
    if False in results.values():
        sys.exit(1)
    sys.exit(0 if True in results.values() else 77)


main()
