#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""guard_tpc.py SNOWMUX [DEPS]: the queries of TPC-H and TPC-DS pass in every dialect.

They are not part of this repository: DuckDB's extensions tpch and tpcds have them, which
tools/setup.sh check puts into DEPS/tpc. Where that is not there, the test is skipped. Without DEPS
the Python that runs it has to have them (tests/e2e/requirements-tpc.txt).
"""
import glob
import importlib
import json
import os
import subprocess
import sys

SKIPPED = 77
SETS = {"tpch": 22, "tpcds": 99}
DIALECTS = ("duckdb", "snowflake", "postgresql", "sqlite")


def go_on_in(environment):
    if not os.path.exists(os.path.join(environment, ".done")):
        print("guard_tpc: skipped: the queries are not there: run tools/setup.sh check")
        sys.exit(SKIPPED)
    python = os.path.join(environment, "bin", "python")
    os.execv(python, [python, *sys.argv[:2]])


def queries():
    import duckdb
    connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    found = []
    for name, count in SETS.items():
        package = importlib.import_module(f"duckdb_extension_{name}")
        [file] = glob.glob(os.path.join(os.path.dirname(package.__file__), "extensions", "*",
                                        f"{name}.duckdb_extension"))
        connection.execute(f"LOAD '{file}'")
        rows = connection.execute(f"SELECT query FROM {name}_queries()").fetchall()
        if len(rows) != count:
            sys.exit(f"guard_tpc: {name} has {len(rows)} queries")
        found += [row[0] for row in rows]
    return found


def main():
    if len(sys.argv) > 2:
        go_on_in(os.path.join(sys.argv[2], "tpc"))
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
