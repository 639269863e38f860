# SPDX-License-Identifier: Apache-2.0
"""Sessions in numbers: those whose client is about, and those that are only remembered."""
import json
import statistics

from rig import (Daemon, HEADERS, INITIALIZE, LEGACY, Load, REPEATS, median, pss_kb,
                 wait_for_calm)

LIVE = 10000
DORMANT = 100000
RESUMED = 20000
CONNECTIONS = 16
STARTS = 3
AIM = {"dormant_kb": 1.0, "first_ms": 1000.0}
WHOAMI = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
    "name": "whoami", "arguments": {}}})
ROOM = {"sessions": 120000}


def create(bench, daemon, count, options=()):
    """Sessions by `initialize`, each in the store before its answer."""
    load = Load(bench, daemon.port, CONNECTIONS, HEADERS, INITIALIZE, "protocolVersion",
                length=str(count), options=["-q", *options])
    result = load.run(daemon.pids())
    load.close()
    wait_for_calm(daemon)
    return result


def add(bench, name, result):
    bench.add(f"{name}.rate", result["rate"], "/s")
    bench.add(f"{name}.p50", result["p50_us"], "us")
    bench.add(f"{name}.p99", result["p99_us"], "us")
    bench.add(f"{name}.cpu", result["cpu_us"], "us")


def measure_live(bench):
    """What a session costs while its client is about."""
    results = []
    for _ in range(REPEATS):
        daemon = Daemon(bench, **ROOM)
        start_kb = pss_kb(daemon.child.pid)
        result = create(bench, daemon, LIVE)
        result["each_kb"] = (pss_kb(daemon.child.pid) - start_kb) / LIVE
        results.append(result)
        daemon.stop()
    result = median(results)
    bench.add("memory.session", result["each_kb"], "KB")
    add(bench, "session.create", result)


def measure_dormant(bench):
    """Opened by `initialize`; the next daemon finds them in its store, and they sleep."""
    names = bench.path("sessions")
    daemon = Daemon(bench, **ROOM)
    empty_kb = pss_kb(daemon.child.pid)
    add(bench, "session.create_100k", create(bench, daemon, DORMANT, ["-w", names]))
    daemon.stop()
    first, each = [], []
    for left in reversed(range(STARTS)):
        daemon = Daemon(bench, state=daemon.state, **ROOM)
        first.append(daemon.first_ms)
        wait_for_calm(daemon)
        each.append((pss_kb(daemon.child.pid) - empty_kb) / DORMANT)
        if left > 0:
            daemon.stop()
    bench.add("start.first_with_100k", statistics.median(first), "ms", AIM["first_ms"])
    bench.add("memory.dormant", statistics.median(each), "KB", AIM["dormant_kb"])
    load = Load(bench, daemon.port, CONNECTIONS, LEGACY, WHOAMI, '"principal"', INITIALIZE,
                length=str(RESUMED), options=["-q", "-r", names])
    add(bench, "session.resume", load.run(daemon.pids()))
    load.close()
    daemon.stop()


def measure(bench):
    measure_live(bench)
    measure_dormant(bench)
