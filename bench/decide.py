# SPDX-License-Identifier: Apache-2.0
"""What bench/decide says: the core alone, its cost a decision against the number of clients."""
import json
import math
import os


def log_ratio(bench):
    return math.log2(bench.decide[-1]["n"]) / math.log2(bench.decide[0]["n"])


def ratios(bench):
    first, last = bench.decide[0], bench.decide[-1]
    return {name: last[name] / first[name] for name in first if name != "n"}


def measure(bench):
    child = bench.start([os.path.join(bench.build, "bench/decide")], bench.server_core)
    bench.decide = [json.loads(line) for line in child.stdout]
    bench.end(child)
    for row in bench.decide:
        bench.rows += [(f"decide.{name}.n{row['n']}", value, "ns", None)
                       for name, value in row.items() if name != "n"]
    bench.rows += [(f"decide.{name}.ratio", value, "x", log_ratio(bench))
                   for name, value in ratios(bench).items()]
