# SPDX-License-Identifier: Apache-2.0
"""What `snowmux guard` takes a statement, beside bench/parse: the same without the guard."""
import json
import os
import statistics
import subprocess
import sys

from rig import REPEATS

DIALECTS = ("duckdb", "snowflake", "postgresql", "sqlite")
STATEMENTS = 100_000
RATE = 500_000  # short statements a second of one core
SHORT = (
    "select 1", "select a, b from t where a = 1 and b < 10", "insert into t values (1, 2)",
    "SELECT id, name FROM users WHERE created_at > '2024-01-01' ORDER BY id DESC LIMIT 10",
    "select count(*) from orders o join customers c on o.cid = c.id group by c.region",
    "with x as (select a from t) select * from x where a in (1, 2, 3)", "show tables",
    "update t set a = 1 where b = 2; -- done",
)


def corpus(dialect):
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    path = os.path.join(root, "tests/unit/corpus", f"{dialect}_reads.txt")
    with open(path, encoding="utf-8") as lines:
        return [line.rstrip("\n").replace("\\n", "\n") for line in lines if line[0] != "#"]


def cpu_ns(bench, arguments, path):
    """CPU time a statement; the answers must be as many."""
    with open(path, "rb") as lines, open(bench.path("guard.out"), "wb") as out:
        os.sched_setaffinity(0, bench.server_core)
        child = subprocess.Popen(arguments, stdin=lines, stdout=out)
        os.sched_setaffinity(0, bench.load_core)
        _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    with open(bench.path("guard.out"), "rb") as out:
        answers = out.read().count(b"\n")
    if child.returncode != 0 or answers != STATEMENTS:
        sys.exit(f"bench: {arguments[0]} ended with {child.returncode}, {answers} answers")
    return (usage.ru_utime + usage.ru_stime) * 1e9 / STATEMENTS


def measure(bench):
    parse = [os.path.join(bench.build, "bench/parse")]
    for dialect in DIALECTS:
        guard = [os.path.join(bench.build, "snowmux"), "guard", "--dialect", dialect]
        for name, texts in (("short", SHORT), ("reads", corpus(dialect))):
            lines = "".join(json.dumps({"sql": texts[i % len(texts)]}) + "\n"
                            for i in range(STATEMENTS))
            path = bench.file(lines)
            pairs = [(cpu_ns(bench, guard, path), cpu_ns(bench, parse, path))
                     for _ in range(REPEATS)]
            ours, bare = (statistics.median(side) for side in zip(*pairs))
            most = 1e9 / RATE if name == "short" else None
            bench.add(f"guard.{dialect}.{name}", ours, "ns", most)
            bench.rows.append((f"guard.{dialect}.{name}.beside", ours, "ns", bare))
            bench.singles.append((f"  parsed only, {ours / bare:.1f} x less", bare, "ns", "", None))
            os.unlink(path)
