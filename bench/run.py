#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""run.py BUILD DRIVER: measures build/snowmux, prints a table, appends to BUILD/bench.jsonl.

What is measured, and how to read it, is in docs/bench.md. Everything runs on 127.0.0.1 with
ports of the kernel's choice, in a directory of its own that is removed, for less than three
minutes. A wrong answer ends the run: there is no table with errors in it.
"""
import json
import os
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

RUN_S = 0.7
REPEATS = 3
CONNECTIONS = (1, 64, 512)
IDLE = 5000
SESSIONS = 5000
STARTS = 7
LIMIT_S = 175
AIM = {"rate": 0.4, "cpu_us": 60.0, "start_mb": 10.0, "idle_kb": 8.0, "first_ms": 50.0,
       "list_kb": 20.0}

# No rates, quotas or shares stand in the way; slots and queues are said, not defaulted.
CONFIG = """
[listen]
http = "127.0.0.1:0"
[session]
max = 20000
max_per_principal = 20000
[concurrency]
queue_total = 1024
principal = {{ run = 0, queue = 1024 }}
client = {{ run = 0, queue = 1024 }}
reserved_slots = 0
[rate]
principal = {{ burst = 0 }}
client = {{ burst = 0 }}
catalog = {{ burst = 0 }}
http = {{ burst = 0 }}
[http]
connections_max = 16384
[daemon]
log_level = "warn"
[profile.bench]
files = ["bench.duckdb"]
slots = {slots}
threads = 1
"""
SLOTS = 8

SELECT_1 = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
    "name": "execute_query", "arguments": {"query": "SELECT 1"}}})
INITIALIZE = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
    "protocolVersion": "2025-06-18", "capabilities": {},
    "clientInfo": {"name": "bench", "version": "1"}}})
LIST = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}})
LIST_MODERN = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {}}}})
HEADERS = ("Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
           "User-Agent: snowmux-bench\r\n")
LEGACY = HEADERS + "MCP-Protocol-Version: 2025-06-18\r\n"
MODERN = HEADERS + "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/list\r\n"
LIST_MARKER = '"execute_query"'
SELECT_MARKER = '"rows":[[1]]'


class Bench:
    """Where things lie, who runs where, and what came out."""

    def __init__(self, build, driver):
        self.build = os.path.abspath(build)
        self.driver = os.path.abspath(driver)
        self.dir = tempfile.mkdtemp(prefix="snowmux-bench-")
        self.children = []
        self.rows = []     # name, value, unit, baseline
        self.singles = []  # name, value, unit, aim, verdict
        self.groups = []   # name, ours, theirs, aim, verdict
        self.load_busy = 0.0
        cores = sorted(os.sched_getaffinity(0))
        self.server_core = {cores[0]} if len(cores) > 1 else set(cores)
        self.load_core = {cores[1]} if len(cores) > 1 else set(cores)
        self.all_cores = set(cores)

    def path(self, name):
        return os.path.join(self.dir, name)

    def file(self, text):
        """A file with these bytes; the same bytes are the same file."""
        data = text if isinstance(text, bytes) else text.encode()
        path = self.path(f"text-{hash(data) & 0xFFFFFFFFFFFF:x}")
        with open(path, "wb") as out:
            out.write(data)
        return path

    def start(self, arguments, core, **more):
        """A child on @core, which it inherits from us."""
        os.sched_setaffinity(0, core)
        child = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 cwd=self.dir, **more)
        os.sched_setaffinity(0, self.load_core)
        self.children.append(child)
        return child

    def end(self, child):
        """By closing its input; the daemon gets a signal before."""
        child.stdin.close()
        if child.wait(30) != 0:
            sys.exit(f"bench: {child.args[0]} ended with {child.returncode}")
        child.stdout.close()
        self.children.remove(child)

    def add(self, name, value, unit, most=None):
        """@most is the aim: no more than that."""
        self.rows.append((name, value, unit, most))
        aim = "" if most is None else f"<= {most:.0f} {unit}"
        met = None if most is None else verdict(value <= most, value - most, " " + unit)
        self.singles.append((name, value, unit, aim, met))

    def clean(self):
        for child in self.children:
            child.kill()
            child.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


class Daemon:
    """snowmux on a state directory of its own."""

    def __init__(self, bench, core=None, slots=SLOTS):
        self.bench = bench
        self.state = tempfile.mkdtemp(dir=bench.dir)
        config = bench.path("bench.toml")
        with open(config, "w", encoding="utf-8") as out:
            out.write(CONFIG.format(slots=slots))
        begin = time.monotonic()
        self.child = bench.start(
            [os.path.join(bench.build, "snowmux"), "serve", "--state", self.state,
             "--config", config], core or bench.server_core)
        line = self.child.stdout.readline().decode()
        if "http://127.0.0.1:" not in line:
            sys.exit("bench: the daemon did not start")
        self.port = int(line.split("http://127.0.0.1:")[1].split("/")[0])
        self.listening_ms = (time.monotonic() - begin) * 1e3
        self.list_answer = post(self.port, MODERN, LIST_MODERN)
        self.first_ms = (time.monotonic() - begin) * 1e3

    def pids(self):
        return [self.child.pid] + children_of(self.child.pid)

    def stop(self):
        self.child.send_signal(signal.SIGTERM)
        self.bench.end(self.child)


class Load:
    """bench/load with its connections open, ready to run."""

    def __init__(self, bench, port, connections, headers, body, marker, initialize=None,
                 length=f"{RUN_S}s", core=None):
        self.bench = bench
        texts = [body, marker, headers] + ([initialize] if initialize else [])
        files = [bench.file(text) for text in texts]
        self.child = bench.start([os.path.join(bench.build, "bench/load"), str(port),
                                  str(connections), length] + files, core or bench.load_core)
        if self.child.stdout.readline() != b"ready\n":
            sys.exit("bench: the load could not be set up")

    def run(self, pids):
        return run(self.child, pids)

    def close(self):
        self.bench.end(self.child)


def run(child, pids, pace=0):
    """One run of @child; CPU of @pids over it. @pace is for the driver: calls a second."""
    before = cpu_s(pids)
    child.stdin.write(b"%d\n" % pace)
    child.stdin.flush()
    line = child.stdout.readline()
    if not line:
        sys.exit(f"bench: {os.path.basename(child.args[0])} failed, see above")
    result = json.loads(line)
    result["cpu_us"] = (cpu_s(pids) - before) * 1e6 / result["requests"]
    result["rate"] = result["requests"] / result["seconds"]
    return result


def median(results):
    return {key: statistics.median(result[key] for result in results) for key in results[0]}


def cpu_s(pids):
    ticks = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def children_of(pid):
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as children:
            found += [int(child) for child in children.read().split()]
    return found


def pss_kb(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
        for line in rollup:
            if line.startswith("Pss:"):
                return int(line.split()[1])
    raise ValueError("no Pss")


def post(port, headers, body):
    """The whole answer, with its head, to one request."""
    request = (f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
               f"Content-Length: {len(body)}\r\n{headers}\r\n{body}").encode()
    with socket.create_connection(("127.0.0.1", port), 10) as s:
        s.sendall(request)
        data = b""
        while b"\r\n\r\n" not in data:
            data += s.recv(65536)
        head, _, rest = data.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 "):
            sys.exit(f"bench: {data[:400]!r}")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        while len(rest) < int(fields[b"content-length"]):
            rest += s.recv(65536)
    return head + b"\r\n\r\n" + rest


# ---- what is measured ----

def verdict(is_met, missing, unit):
    return "met" if is_met else f"MISSED by {number(missing)}{unit}"


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


def measure_sessions(bench):
    """Sessions a second, each durable before its answer; and what one costs in memory."""
    results = []
    for _ in range(REPEATS):
        daemon = Daemon(bench)
        load = Load(bench, daemon.port, 16, HEADERS, INITIALIZE, "protocolVersion",
                    length=str(SESSIONS))
        start_kb = pss_kb(daemon.child.pid)
        result = load.run(daemon.pids())
        wait_for_calm(daemon)
        result["each_kb"] = (pss_kb(daemon.child.pid) - start_kb) / SESSIONS
        results.append(result)
        load.close()
        daemon.stop()
    result = median(results)
    bench.add("memory.session", result["each_kb"], "KB")
    bench.add("session.create.rate", result["rate"], "/s")
    bench.add("session.create.p50", result["p50_us"], "us")
    bench.add("session.create.p99", result["p99_us"], "us")
    bench.add("session.create.cpu", result["cpu_us"], "us")


def wait_for_calm(daemon):
    """Until the store has written what it was given: no CPU used for half a second."""
    for _ in range(20):
        before = cpu_s(daemon.pids())
        time.sleep(0.5)
        if cpu_s(daemon.pids()) - before < 0.015:
            return


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
    program = os.path.join(bench.build, "bench/driver")
    database = bench.path("bench.duckdb")
    bench.end(bench.start([program, bench.driver, database], bench.all_cores))
    driver = bench.start([program, bench.driver, database, str(RUN_S), "SELECT 1"],
                         bench.all_cores)
    if driver.stdout.readline() != b"ready\n":
        sys.exit("bench: the driver could not be set up")
    return driver


class Bare:
    """bench/bare, which answers everything with @answer."""

    def __init__(self, bench, answer):
        self.child = bench.start([os.path.join(bench.build, "bench/bare"), bench.file(answer)],
                                 bench.server_core)
        self.port = int(self.child.stdout.readline())


def measure_calls(bench, driver):
    """tools/list: server and load on a core each. SELECT 1: daemon and worker on all cores."""
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
    free.stop()
    daemon.stop()


# ---- what comes out ----

def number(value):
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def print_tables(bench):
    for name, value, unit, aim, met in bench.singles:
        print(f"{name:32}{number(value):>9} {unit:4}  {aim:12}{met or ''}".rstrip())
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


def append_lines(bench, began):
    with open(os.path.join(bench.build, "bench.jsonl"), "a", encoding="utf-8") as out:
        for name, value, unit, baseline in [("run", began, "s", None)] + bench.rows:
            ratio = round(value / baseline, 4) if baseline else None
            out.write(json.dumps({"name": name, "value": round(value, 4), "unit": unit,
                                  "baseline": baseline and round(baseline, 4),
                                  "ratio": ratio}) + "\n")


def too_late(_signal, _frame):
    sys.exit(f"bench: not done within {LIMIT_S} s")


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: run.py BUILD DRIVER")
    signal.signal(signal.SIGALRM, too_late)
    signal.alarm(LIMIT_S)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard != resource.RLIM_INFINITY and hard < 2 * IDLE:
        sys.exit(f"bench: {2 * IDLE} open files are needed, the limit is {hard}")
    began = time.time()
    bench = Bench(sys.argv[1], sys.argv[2])
    print(f"{time.strftime('%Y-%m-%d %H:%M')}, {os.cpu_count()} cores, load average "
          f"{os.getloadavg()[0]:.1f} before.\n"
          f"tools/list: server on core {bench.server_core}, load on core {bench.load_core}; "
          f"SELECT 1: all on cores {bench.all_cores}.\n"
          f"Limits off, {SLOTS} slots, queues of 1,024; {REPEATS} runs of {RUN_S} s each, "
          "in turn with what is beside them; medians.\n", flush=True)
    try:
        driver = start_driver(bench)
        measure_start(bench)
        measure_memory(bench)
        measure_sessions(bench)
        measure_calls(bench, driver)
        bench.end(driver)
    finally:
        bench.clean()
    print_tables(bench)
    append_lines(bench, began)
    print(f"\nThe load's core was busy with it for {bench.load_busy:.0%} at most. "
          f"{time.time() - began:.0f} s in all, load average {os.getloadavg()[0]:.1f} after; "
          f"appended to {os.path.join(sys.argv[1], 'bench.jsonl')}")


if __name__ == "__main__":
    main()
