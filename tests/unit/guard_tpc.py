#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""guard_tpc.py SNOWMUX: the queries of TPC-H and TPC-DS pass in every dialect.

They are not part of this repository. DuckDB's extensions tpch and tpcds have them; this needs
the packages duckdb, duckdb-extension-tpch and duckdb-extension-tpcds of one version (1.5.5 is
known to do) in the Python that runs it, or in the one that SNOWMUX_TPC_PYTHON names. Without
them the test is skipped.
"""
import glob
import importlib.util
import json
import os
import subprocess
import sys

SKIPPED = 77
SETS = {"tpch": 22, "tpcds": 99}
DIALECTS = ("duckdb", "snowflake", "postgresql", "sqlite")


def skip(why):
    print(f"guard_tpc: skipped: {why}")
    sys.exit(SKIPPED)


def queries():
    try:
        import duckdb
    except ImportError:
        skip("no package duckdb")
    connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    found = []
    for name, count in SETS.items():
        package = importlib.util.find_spec(f"duckdb_extension_{name}")
        if not package:
            skip(f"no package duckdb-extension-{name}")
        files = glob.glob(os.path.join(os.path.dirname(package.origin), "extensions", "*",
                                       f"{name}.duckdb_extension"))
        try:
            connection.execute(f"LOAD '{files[0]}'")
        except (IndexError, duckdb.Error) as error:
            skip(f"{name} cannot be loaded: {error}")
        rows = connection.execute(f"SELECT query FROM {name}_queries()").fetchall()
        if len(rows) != count:
            sys.exit(f"guard_tpc: {name} has {len(rows)} queries")
        found += [row[0] for row in rows]
    return found


def main():
    other = os.environ.pop("SNOWMUX_TPC_PYTHON", None)
    if other:
        sys.exit(subprocess.run([other, *sys.argv], check=False).returncode)
    texts = queries()
    lines = "".join(json.dumps({"sql": text}) + "\n" for text in texts).encode()
    for dialect in DIALECTS:
        child = subprocess.run([sys.argv[1], "guard", "--dialect", dialect], input=lines,
                               capture_output=True, timeout=60, check=True)
        answers = [json.loads(line) for line in child.stdout.splitlines()]
        for text, answer in zip(texts, answers, strict=True):
            if answer != {"verdict": "allow", "class": "select"}:
                sys.exit(f"guard_tpc: {dialect}: {answer}: {text}")
    print(f"guard_tpc: {len(texts)} queries in {len(DIALECTS)} dialects")


main()
