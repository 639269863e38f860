#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""run.py [--only PART,...] [BUILD [DRIVER]]: measures build/snowmux, prints tables, appends to
BUILD/bench.jsonl.

What is measured, and how to read it, is in docs/bench.md. Everything runs on 127.0.0.1 with
ports of the kernel's choice, in a directory of its own that is removed, for less than four
minutes. A wrong answer ends the run: there is no table with errors in it.
"""
import argparse
import json
import os
import resource
import signal
import statistics
import sys
import time

import decide
import guard
import noisy
import peaks
import results
import sessions
from rig import (Bench, Daemon, HEADERS, INITIALIZE, LEGACY, LIST, LIST_MARKER, LIST_MODERN, Load,
                 MODERN, REPEATS, RUN_S, SELECT_1, SELECT_MARKER, SLOTS, median, number, post,
                 pss_kb, run, verdict)

CONNECTIONS = (1, 64, 512)
IDLE = 5000
STARTS = 7
LIMIT_S = 300
AIM = {"rate": 0.4, "cpu_us": 60.0, "start_mb": 10.0, "idle_kb": 8.0, "first_ms": 50.0,
       "list_kb": 20.0}

# ---- what is measured ----

def measure_start(bench):
    first, listening = [], []
    for _ in range(STARTS):
        daemon = Daemon(bench)
        first.append(daemon.first_ms)
        listening.append(daemon.listening_ms)
        daemon.stop()
    bench.add("start.first_tools_list", statistics.median(first), "ms", AIM["first_ms"])
    bench.add("start.first_tools_list_best", min(first), "ms")
    bench.add("start.listening", statistics.median(listening), "ms")


def measure_memory(bench):
    daemon = Daemon(bench)
    start_kb = pss_kb(daemon.child.pid)
    idle = Load(bench, daemon.port, IDLE, MODERN, LIST_MODERN, LIST_MARKER)
    each_kb = (pss_kb(daemon.child.pid) - start_kb) / IDLE
    idle.close()
    daemon.stop()
    bench.add("memory.start", start_kb / 1024, "MB", AIM["start_mb"])
    bench.add("memory.idle_connection", each_kb, "KB", AIM["idle_kb"])
    body = daemon.list_answer.partition(b"\r\n\r\n")[2]
    bench.add("tools_list.size", len(body) / 1024, "KB", AIM["list_kb"])


def add_group(bench, name, ours, theirs, aim, met):
    """One line of the second table: @ours beside @theirs."""
    bench.groups.append((name, ours, theirs, aim, met))
    for key, unit in (("rate", "/s"), ("cpu_us", "us"), ("p50_us", "us"), ("p99_us", "us")):
        bench.rows.append((f"{name}.{key.removesuffix('_us')}", ours[key], unit, theirs[key]))


def in_turn(*runs):
    """The medians of several runs, made in turn: what disturbs one disturbs all."""
    results = [[each() for each in runs] for _ in range(REPEATS)]
    return [median([row[i] for row in results]) for i in range(len(runs))]


def measure_list(bench, daemon, bare, connections, suffix):
    eras = [("legacy", LEGACY, LIST, INITIALIZE)]
    if connections == 64:
        eras.append(("modern", MODERN, LIST_MODERN, None))
    for era, headers, body, initialize in eras:
        ours = Load(bench, daemon.port, connections, headers, body, LIST_MARKER, initialize)
        theirs = Load(bench, bare.port, connections, headers, body, LIST_MARKER)
        our, their = in_turn(lambda: ours.run([daemon.child.pid]),
                             lambda: theirs.run([bare.child.pid]))
        ratio = our["rate"] / their["rate"]
        met = None if era == "modern" else verdict(ratio >= AIM["rate"], AIM["rate"] - ratio, "")
        add_group(bench, f"tools_list.{era}.c{connections}{suffix}", our, their,
                  f"rate >= {AIM['rate']} x" if met else "", met)
        bench.load_busy = max(bench.load_busy, our["busy"], their["busy"])
        ours.close()
        theirs.close()


def measure_select(bench, daemon, driver, connections, suffix):
    """Beside the driver at full speed, and beside the driver asked as often as the daemon."""
    load = Load(bench, daemon.port, connections, LEGACY, SELECT_1, SELECT_MARKER, INITIALIZE,
                core=bench.all_cores)
    name = f"select_1.c{connections}{suffix}"
    pids = daemon.pids()
    pace = int(load.run(pids)["rate"])
    our, their, paced = in_turn(lambda: load.run(pids), lambda: run(driver, [driver.pid]),
                                lambda: run(driver, [driver.pid], pace))
    more_us = our["cpu_us"] - their["cpu_us"]
    add_group(bench, name, our, their, f"CPU <= +{AIM['cpu_us']:.0f} us",
              verdict(more_us <= AIM["cpu_us"], more_us - AIM["cpu_us"], " us"))
    bench.rows.append((f"{name}.cpu_paced", our["cpu_us"], "us", paced["cpu_us"]))
    bench.groups.append((f"  the driver, {pace} a second", paced, None, "", None))
    load.close()


def start_driver(bench):
    driver = bench.start([os.path.join(bench.build, "bench/driver"), bench.driver,
                          bench.database, str(RUN_S), "SELECT 1"], bench.all_cores)
    if driver.stdout.readline() != b"ready\n":
        sys.exit("bench: the driver could not be set up")
    return driver


class Bare:
    """bench/bare, which answers everything with @answer."""

    def __init__(self, bench, answer):
        self.child = bench.start([os.path.join(bench.build, "bench/bare"), bench.file(answer)],
                                 bench.server_core)
        self.port = int(self.child.stdout.readline())


def measure_calls(bench):
    """tools/list: server and load on a core each. SELECT 1: daemon and worker on all cores."""
    driver = start_driver(bench)
    daemon = Daemon(bench)
    free = Daemon(bench, bench.all_cores)
    session = post(daemon.port, HEADERS, INITIALIZE).lower().partition(b"mcp-session-id: ")[2]
    legacy = LEGACY + f"Mcp-Session-Id: {session.partition(bytes([13]))[0].decode()}\r\n"
    bare = Bare(bench, post(daemon.port, legacy, LIST))
    for idle in (0, IDLE):
        suffix = "+idle" if idle else ""
        holders = [Load(bench, port, idle, MODERN, LIST_MODERN, LIST_MARKER)
                   for port in (daemon.port, bare.port, free.port) if idle]
        for connections in CONNECTIONS:
            measure_list(bench, daemon, bare, connections, suffix)
        for connections in CONNECTIONS:
            measure_select(bench, free, driver, connections, suffix)
        for holder in holders:
            holder.close()
    bench.end(bare.child)
    bench.end(driver)
    free.stop()
    daemon.stop()


# ---- what comes out ----

def print_singles(bench):
    for name, value, unit, aim, met in bench.singles:
        print(f"{name:32}{number(value):>9} {unit:4}  {aim:12}{met or ''}".rstrip())


def print_groups(bench):
    print(f"\n{'':32}{'rate/s':>8}{'beside':>9}{'ratio':>7}  {'CPU us':>7}{'beside':>8}"
          f"{'more':>7}  {'p50 us':>8}{'p99 us':>9}  aim")
    for name, ours, theirs, aim, met in bench.groups:
        line = f"{name:32}{ours['rate']:8,.0f}"
        if theirs:
            line += (f"{theirs['rate']:9,.0f}{ours['rate'] / theirs['rate']:7.2f}  "
                     f"{ours['cpu_us']:7.1f}{theirs['cpu_us']:8.1f}"
                     f"{ours['cpu_us'] - theirs['cpu_us']:+7.1f}")
        else:
            line += f"{'':18}{ours['cpu_us']:7.1f}{'':15}"
        line += f"  {ours['p50_us']:8,.0f}{ours['p99_us']:9,.0f}  {aim:14}  {met or ''}"
        print(line.rstrip())


def print_noisy(bench):
    print(f"\n{'':36}{'alone: p50 us':>13}{'p99 us':>9}{'beside: p50':>13}{'p99 us':>11}  aim")
    for name, alone, beside, aim_ms, met in bench.noisy:
        line = f"{name:36}"
        line += f"{alone['p50_us']:13,.0f}{alone['p99_us']:9,.0f}" if alone else f"{'':22}"
        line += f"{beside['p50_us']:13,.0f}{beside['p99_us']:11,.0f}"
        print(line + (f"  p99 <= {aim_ms:.0f} ms   {met}" if aim_ms else ""))


def print_decide(bench):
    """Last, what 100,000 cost over what 10 do, where the logarithm of the number grows 5 times."""
    names = [name for name in bench.decide[0] if name != "n"]
    print("\nns a step: " + "".join(f"{name:>13}" for name in names))
    for row in bench.decide:
        print(f"{row['n']:9,d}: " + "".join(f"{row[name]:13,.0f}" for name in names))
    ratios = decide.ratios(bench)
    print("    ratio: " + "".join(f"{ratios[name]:13,.1f}" for name in names)
          + f"   (log2: {decide.log_ratio(bench):.1f})")


def print_tables(bench):
    for rows, show in ((bench.singles, print_singles), (bench.groups, print_groups),
                       (bench.noisy, print_noisy), (bench.decide, print_decide)):
        if rows:
            show(bench)


def append_lines(bench, began):
    with open(os.path.join(bench.build, "bench.jsonl"), "a", encoding="utf-8") as out:
        for name, value, unit, baseline in [("run", began, "s", None)] + bench.rows:
            ratio = round(value / baseline, 4) if baseline else None
            out.write(json.dumps({"name": name, "value": round(value, 4), "unit": unit,
                                  "baseline": baseline and round(baseline, 4),
                                  "ratio": ratio}) + "\n")


def too_late(_signal, _frame):
    sys.exit(f"bench: not done within {LIMIT_S} s")


PARTS = {"start": measure_start, "memory": measure_memory, "sessions": sessions.measure,
         "calls": measure_calls, "noisy": noisy.measure, "decide": decide.measure,
         "guard": guard.measure,
         "results": results.measure, "peaks": peaks.measure}


def parts(text):
    names = text.split(",")
    for name in names:
        if name not in PARTS:
            raise argparse.ArgumentTypeError(f"no part {name!r}; there are: {', '.join(PARTS)}")
    return names


def arguments():
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    deps = os.environ.get("SNOWMUX_DEPS", os.path.join(root, ".deps"))
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--only", metavar="PART,...", type=parts, default=list(PARTS),
                        help=", ".join(PARTS))
    parser.add_argument("build", nargs="?", default=os.path.join(root, "build"))
    parser.add_argument("driver", nargs="?", default=os.path.join(deps, "lib/libduckdb.so"))
    return parser.parse_args()


def need_files():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard != resource.RLIM_INFINITY and hard < 2 * IDLE:
        sys.exit(f"bench: {2 * IDLE} open files are needed, the limit is {hard}")


def main():
    args = arguments()
    signal.signal(signal.SIGALRM, too_late)
    signal.alarm(LIMIT_S)
    need_files()
    began = time.time()
    bench = Bench(args.build, args.driver)
    print(f"{time.strftime('%Y-%m-%d %H:%M')}, {os.cpu_count()} cores, load average "
          f"{os.getloadavg()[0]:.1f} before.\n"
          f"tools/list: server on core {bench.server_core}, load on core {bench.load_core}; "
          f"the rest: all on cores {bench.all_cores}.\n"
          f"Limits off, {SLOTS} slots, queues of 1,024; {REPEATS} runs of {RUN_S} s each, "
          "in turn with what is beside them; medians.\n", flush=True)
    try:
        bench.make_database()
        for part in args.only:
            PARTS[part](bench)
    finally:
        bench.clean()
    print_tables(bench)
    append_lines(bench, began)
    busy = f"The load's core was busy with it for {bench.load_busy:.0%} at most. "
    print(f"\n{busy if bench.load_busy else ''}"
          f"{time.time() - began:.0f} s in all, load average {os.getloadavg()[0]:.1f} after; "
          f"appended to {os.path.join(args.build, 'bench.jsonl')}")


if __name__ == "__main__":
    main()
