# SPDX-License-Identifier: Apache-2.0
"""What the parts of the bench share: children, daemons, loads, and what came out."""
import json
import os
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

# No rates, quotas or bounds of what runs stand in the way; slots and queues are said, not
# defaulted.
CONFIG = """
[listen]
http = "127.0.0.1:0"
uids = [{uids}]
[session]
max = {sessions}
max_per_principal = {sessions}
[concurrency]
queue_total = 1024
principal = {{ run = 0, queue = 1024 }}
client = {{ run = 0, queue = 1024 }}
reserved_slots = {reserve}
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
{more}"""
SLOTS = 8
DEFAULTS = {"slots": SLOTS, "sessions": 20000, "reserve": 0, "uids": "", "more": ""}

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
        self.database = None
        self.dir = tempfile.mkdtemp(prefix="snowmux-bench-")
        self.children = []
        self.rows = []     # name, value, unit, baseline
        self.singles = []  # name, value, unit, aim, verdict
        self.groups = []   # name, ours, theirs, aim, verdict
        self.noisy = []    # name, alone, beside, aim in ms, verdict
        self.decide = []   # what bench/decide printed
        self.load_busy = 0.0
        cores = sorted(os.sched_getaffinity(0))
        self.server_core = {cores[0]} if len(cores) > 1 else set(cores)
        self.load_core = {cores[1]} if len(cores) > 1 else set(cores)
        self.all_cores = set(cores)

    def path(self, name):
        return os.path.join(self.dir, name)

    def make_database(self):
        self.database = self.path("bench.duckdb")
        program = os.path.join(self.build, "bench/driver")
        self.end(self.start([program, self.driver, self.database], self.all_cores))

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
    """snowmux on a state directory of its own, or on @state; @settings as in DEFAULTS."""

    def __init__(self, bench, core=None, state=None, **settings):
        self.bench = bench
        self.state = state or tempfile.mkdtemp(dir=bench.dir)
        config = bench.path("bench.toml")
        with open(config, "w", encoding="utf-8") as out:
            out.write(CONFIG.format(**{**DEFAULTS, **settings}))
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
                 length=f"{RUN_S}s", core=None, options=()):
        self.bench = bench
        texts = [body, marker, headers] + ([initialize] if initialize else [])
        files = [bench.file(text) for text in texts]
        self.child = bench.start([os.path.join(bench.build, "bench/load"), *options,
                                  str(port), str(connections), length] + files,
                                 core or bench.load_core)
        if self.child.stdout.readline() != b"ready\n":
            sys.exit("bench: the load could not be set up")

    def run(self, pids):
        return run(self.child, pids)

    def close(self):
        self.bench.end(self.child)


def begin(child, pace=0):
    """Begins a run of @child. @pace is for the driver: calls a second."""
    child.stdin.write(b"%d\n" % pace)
    child.stdin.flush()


def finish(child):
    """What came out of the run that was begun."""
    line = child.stdout.readline()
    if not line:
        sys.exit(f"bench: {os.path.basename(child.args[0])} failed, see above")
    result = json.loads(line)
    result["rate"] = result["requests"] / result["seconds"]
    return result


def run(child, pids, pace=0):
    """One run of @child; CPU of @pids over it."""
    before = cpu_s(pids)
    begin(child, pace)
    result = finish(child)
    result["cpu_us"] = (cpu_s(pids) - before) * 1e6 / result["requests"]
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


def post(port, headers, body, timeout_s=10):
    """The whole answer, with its head, to one request."""
    request = (f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
               f"Content-Length: {len(body)}\r\n{headers}\r\n{body}").encode()
    with socket.create_connection(("127.0.0.1", port), timeout_s) as s:
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


def number(value):
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def verdict(is_met, missing, unit):
    return "met" if is_met else f"MISSED by {number(missing)}{unit}"


def wait_for_calm(daemon):
    """Until the store has written what it was given: no CPU used for half a second."""
    for _ in range(20):
        before = cpu_s(daemon.pids())
        time.sleep(0.5)
        if cpu_s(daemon.pids()) - before < 0.015:
            return


