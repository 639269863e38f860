# SPDX-License-Identifier: Apache-2.0
"""One quiet client beside a greedy one: what it waits for SELECT 1 and for tools/list."""
import json
import os
import statistics
import time

from rig import (Daemon, INITIALIZE, LEGACY, LIST, LIST_MARKER, Load, SELECT_1, SELECT_MARKER,
                 SLOTS, begin, finish, verdict)

CONNECTIONS = 40
NEWCOMERS = 5
JOB_S = 0.1
NOBODY = 65534
FILL_S, ALONE_S, QUERIES_S, LISTS_S, NEWCOMERS_S = 0.5, 0.5, 4.0, 2.0, 5.0
AIM_MS = {"query": 50.0, "list": 10.0, "newcomers": 1000.0}
ROWS_MARKER = '"rows":[['


def call(sql):
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": "execute_query", "arguments": {"query": sql}}})


def job(thousands):
    return ("SELECT sum(hash(a.range, b.range) % 7) FROM range(1000) a, "
            f"range({thousands}) b")


def as_client(name):
    return LEGACY + f"X-Snowmux-Client: {name}\r\n"


def calibrate(bench):
    """A statement of JOB_S on one core, in CPU time: others may use the machine."""
    daemon = Daemon(bench, bench.all_cores)
    thousands = 1000
    for _ in range(3):
        load = Load(bench, daemon.port, 1, LEGACY, call(job(thousands)), ROWS_MARKER, INITIALIZE,
                    length="4", core=bench.all_cores)
        job_s = load.run(daemon.pids())["cpu_us"] / 1e6
        load.close()
        used, thousands = thousands, max(1, round(thousands * JOB_S / max(job_s, 0.0025)))
    daemon.stop()
    bench.add("noisy.job", job_s * 1e3, "ms")
    return call(job(used))


class Quiet:
    """One connection that asks for one thing."""

    def __init__(self, bench, daemon, body, marker, seconds):
        self.name = "query" if body == SELECT_1 else "list"
        self.loads = [Load(bench, daemon.port, 1, as_client("quiet"), body, marker, INITIALIZE,
                           length=f"{length}s", core=bench.all_cores)
                      for length in (ALONE_S, seconds)]

    def run(self, is_beside):
        load = self.loads[is_beside]
        begin(load.child)
        return finish(load.child)

    def close(self):
        for load in self.loads:
            load.close()


class Greedy:
    """Many connections of one client, each with a statement under way or waiting."""

    def __init__(self, bench, daemon, body, seconds, options=()):
        self.load = Load(bench, daemon.port, CONNECTIONS, as_client("greedy"), body, ROWS_MARKER,
                         INITIALIZE, length=f"{seconds}s", core=bench.all_cores,
                         options=["-q", *options])

    def begin(self):
        begin(self.load.child)
        time.sleep(FILL_S)

    def end(self):
        result = finish(self.load.child)
        self.load.close()
        return result


def add(bench, name, alone, with_it, aim_ms):
    p99_ms = with_it["p99_us"] / 1e3
    met = verdict(p99_ms <= aim_ms, p99_ms - aim_ms, " ms")
    bench.noisy.append((name, alone, with_it, aim_ms, met))
    bench.rows.append((f"{name}.p50", with_it["p50_us"], "us", alone and alone["p50_us"]))
    bench.rows.append((f"{name}.p99", with_it["p99_us"], "us", aim_ms * 1e3))


def measure_beside(bench, who, slots, body):
    """@who: what the greedy one is to the quiet one, another principal or another client."""
    daemon = Daemon(bench, bench.all_cores, slots=slots, reserve=1, uids=NOBODY)
    quiet = [Quiet(bench, daemon, SELECT_1, SELECT_MARKER, QUERIES_S),
             Quiet(bench, daemon, LIST, LIST_MARKER, LISTS_S)]
    greedy = Greedy(bench, daemon, body, FILL_S + QUERIES_S + LISTS_S,
                    ["-u", str(NOBODY)] if who == "principal" else [])
    alone = [each.run(False) for each in quiet]
    greedy.begin()
    noisy = [each.run(True) for each in quiet]
    result = greedy.end()
    for each, without, with_it in zip(quiet, alone, noisy):
        add(bench, f"noisy.{each.name}.{who}.slots{slots}", without, with_it, AIM_MS[each.name])
        each.close()
    bench.noisy.append((f"  the greedy one, {result['rate']:.0f} a second", None, result, None,
                        None))
    bench.rows.append((f"noisy.greedy.{who}.slots{slots}.rate", result["rate"], "/s", None))
    daemon.stop()


def measure_newcomers(bench, reserve, body):
    """The first call of clients that were not about before, all at once; the worst is the p99."""
    daemon = Daemon(bench, bench.all_cores, reserve=reserve)
    loads = [Load(bench, daemon.port, 1, as_client(f"newcomer-{i}"), SELECT_1, SELECT_MARKER,
                  INITIALIZE, length="1", core=bench.all_cores, options=["-q"])
             for i in range(NEWCOMERS)]
    greedy = Greedy(bench, daemon, body, NEWCOMERS_S)
    greedy.begin()
    for load in loads:
        begin(load.child)
    waits_us = [finish(load.child)["p99_us"] for load in loads]
    greedy.end()
    for load in loads:
        load.close()
    add(bench, f"noisy.newcomers.reserve{reserve}", None,
        {"p50_us": statistics.median(waits_us), "p99_us": max(waits_us)}, AIM_MS["newcomers"])
    daemon.stop()


def measure(bench):
    body = calibrate(bench)
    whos = ["client"] if os.geteuid() != 0 else ["principal", "client"]
    if "principal" not in whos:
        print("noisy: the greedy one as another principal is left out: only root can become "
              "another user\n", flush=True)
    for who in whos:
        for slots in (SLOTS, 2):
            measure_beside(bench, who, slots, body)
    for reserve in (1, 0):
        measure_newcomers(bench, reserve, body)
