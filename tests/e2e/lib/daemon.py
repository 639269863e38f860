# SPDX-License-Identifier: Apache-2.0
"""The daemon under test: its own state directory, a port that the kernel chooses."""
import json
import os
import re
import shutil
import signal
import socket
import tempfile

from lib.program import DEADLINE_S, Program, logfmt, poll

BUILD = os.path.abspath(os.environ.get("SNOWMUX_BUILD", "build"))
SNOWMUX = os.path.join(BUILD, "snowmux")
DEMO = [os.path.join(BUILD, "demo", name) for name in ("travel.duckdb", "nature.duckdb")]
ENV = {key: value for key, value in os.environ.items()
       if not key.lower().endswith("_proxy") and key != "XDG_RUNTIME_DIR"}
FAULT = re.compile("event=assert|runtime error:|ERROR: AddressSanitizer|WARNING: ThreadSanitizer")
SAID = re.compile(r"snowmux \S+ is listening on (http://127\.0\.0\.1:(\d+)/mcp); next: .+")


def inline(value):
    if not isinstance(value, dict):
        return json.dumps(value)
    return "{%s}" % ", ".join("%s = %s" % (json.dumps(key), inline(one)) for key, one in value.items())


def toml(sections):
    """{"query": {"grace_s": 1}} as the text of a configuration file."""
    lines = []
    for section, keys in sections.items():
        lines.append("[%s]" % section)
        lines += ["%s = %s" % (key, inline(value)) for key, value in keys.items()]
    return "\n".join(lines) + "\n"


# The scripted driver: SELECT 'sleep 100', see src/worker/fake_driver.c.
FAKE = {"driver": os.environ.get("SNOWMUX_FAKE_DRIVER", ""), "entrypoint": "AdbcDriverFakeInit", "dialect": "duckdb"}
OFF = {"burst": 0, "per_s": 0}
DEFAULTS = {
    # What a test does not ask about must not stand in its way.
    **{"rate.%s" % who: OFF for who in ("principal", "client", "catalog", "http")},
    "listen": {"http": "127.0.0.1:0"},
    "profile.demo": {"files": DEMO},
}


class Daemon:
    def __init__(self, settings=None):
        """@settings: sections of the configuration file, on top of DEFAULTS; None drops one."""
        self.state = tempfile.mkdtemp(prefix="snowmux-e2e-")
        self.config = os.path.join(self.state, "test.toml")
        self.settings = {**DEFAULTS, **(settings or {})}
        for section, keys in DEFAULTS.items():
            if self.settings[section] is None:
                del self.settings[section]
            elif "driver" not in self.settings[section]:
                self.settings[section] = {**keys, **self.settings[section]}
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(toml(self.settings))
        self.program = None
        self.port = 0

    @property
    def arguments(self):
        return ["--state", self.state, "--config", self.config]

    def spawn(self, *more):
        """Starts it and does not wait."""
        return Program("snowmux serve", [SNOWMUX, "serve", *self.arguments, *more], env=ENV)

    def start(self):
        """A second start takes the port of the first, so that clients find it again."""
        self.program = self.spawn(*(["--http", "127.0.0.1:%d" % self.port] if self.port else []))
        try:
            found = self.program.out.wait(SAID.match, "the line that says where it listens")
        except AssertionError as error:
            raise AssertionError("%s\n%s" % (error, self.program.err.tail())) from None
        self.url, self.port = found.group(1), int(found.group(2))
        self.socket = self.event("listening")["socket"]
        return self

    @property
    def log_len(self):
        return len(self.program.err.lines)

    def event(self, name, since=0, deadline_s=DEADLINE_S, **fields):
        """Waits for an event of the log, with these fields if any are given."""
        def match(line):
            got = logfmt(line)
            same = got.get("event") == name and all(got.get(k) == str(v) for k, v in fields.items())
            return got if same else None
        return self.program.err.wait(match, "event %s %s" % (name, fields or ""), since, deadline_s)

    def ask(self, command):
        """What the daemon answers to a line of the command line on its socket."""
        return ask(self.socket, command)

    def workers(self):
        return self.ask("workers")["pids"]

    def wait_calls(self, running, queued=0):
        """Until so many calls run and wait."""
        def ask():
            now = self.ask("ls")
            return (now["running"] == running and now["started"] == running
                    and now["queued"] == queued)
        poll(ask, "%d running, %d queued" % (running, queued))

    def kill9(self):
        self.program.kill()

    def stop(self):
        self.program.signal(signal.SIGTERM)
        return self.program.wait()

    def restart(self):
        return self.start()

    def close(self):
        faults = []
        if self.program:
            self.program.kill()
            faults = [line for line in self.program.err.lines if FAULT.search(line)]
        poll(self._end_others, "everything that serves %s ends" % self.state)
        shutil.rmtree(self.state, ignore_errors=True)
        if faults:
            raise AssertionError("the daemon's log tells of a fault\n" + "\n".join(faults))

    def _end_others(self):
        """A bridge starts a daemon of its own when ours goes: it is known by our directory."""
        others = [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc")))
                  if self.state in arguments_of(pid)]
        for pid in others:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return not others


def ask(path, command):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(DEADLINE_S)
        s.connect(path)
        s.sendall(json.dumps({"snowmux": command}).encode() + b"\n")
        with s.makefile("rb") as file:
            return json.loads(file.readline())


def arguments_of(pid):
    try:
        with open("/proc/%d/cmdline" % pid, encoding="utf-8", errors="replace") as file:
            return file.read().split("\0")
    except OSError:
        return []


def is_alive(pid):
    """Not so for a process that ended and only waits to be reaped."""
    try:
        with open("/proc/%d/stat" % pid, encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_gone(pid):
    poll(lambda: not is_alive(pid), "process %d ends" % pid)
