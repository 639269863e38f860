# SPDX-License-Identifier: Apache-2.0
"""What bench/arrow says: results as JSON, in spools and in files, by CPU time of one thread."""
import json
import os

from rig import verdict

AIM_MB_S = {"page": 200, "spool": 500}


def measure(bench):
    child = bench.start([os.path.join(bench.build, "bench/arrow"), bench.dir], bench.server_core)
    rates = {row["name"]: row["mb_s"] for row in map(json.loads, child.stdout)}
    bench.end(child)
    for name, rate in rates.items():
        least = AIM_MB_S.get(name)
        aim = "" if least is None else f">= {least} MB/s"
        met = None if least is None else verdict(rate >= least, rate - least, " MB/s")
        beside = rates["encode" if name in ("spool", "arrow") else "memcpy"]
        bench.rows.append((f"results.{name}", rate, "MB/s", beside))
        bench.singles.append((f"results.{name}", rate, "MB/s", aim, met))
