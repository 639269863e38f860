# SPDX-License-Identifier: Apache-2.0
"""A program that a test starts: its lines are awaited with a deadline, and it ends with the test."""
import json
import signal
import subprocess
import threading
import time

DEADLINE_S = 60


class Lines:
    """What a program wrote so far, line by line; whoever waits for a line is woken by it."""

    def __init__(self, stream, name):
        self.name = name
        self.lines = []
        self.has_ended = False
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self.thread.start()

    def _read(self, stream):
        for line in stream:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.has_ended = True
            self.changed.notify_all()

    def wait(self, match, what, since=0, deadline_s=DEADLINE_S):
        """The first thing that match(line) makes of a line from number @since on."""
        until = time.monotonic() + deadline_s
        at = since
        with self.changed:
            while True:
                while at < len(self.lines):
                    found = match(self.lines[at])
                    if found is not None:
                        return found
                    at += 1
                left = until - time.monotonic()
                if self.has_ended or left <= 0:
                    why = "the program ended" if self.has_ended else "no such line in %d s" % deadline_s
                    raise AssertionError("%s: waited for %s: %s\n%s" % (self.name, what, why, self.tail()))
                self.changed.wait(left)

    def tail(self):
        return "\n".join(self.lines[-30:])


class Program:
    """One process that this test started and will end; nothing else is ever signalled."""

    def __init__(self, name, command, env=None, cwd=None, stdin=None):
        self.name = name
        self.process = subprocess.Popen(command, env=env, cwd=cwd, text=True, encoding="utf-8", errors="replace",
                                        stdin=stdin or subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.out = Lines(self.process.stdout, name + " (output)")
        self.err = Lines(self.process.stderr, name + " (log)")

    @property
    def pid(self):
        return self.process.pid

    @property
    def is_running(self):
        return self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, deadline_s=DEADLINE_S):
        """The exit status; negative: the signal that ended it."""
        try:
            status = self.process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            raise AssertionError("%s does not end\n%s" % (self.name, self.err.tail())) from None
        self.out.thread.join(deadline_s)
        self.err.thread.join(deadline_s)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                stream.close()
        return status

    def kill(self):
        if self.is_running:
            self.signal(signal.SIGKILL)
        return self.wait()


def logfmt(line):
    """A line of the daemon's log as a dictionary."""
    fields = {}
    rest = line.strip()
    while rest:
        key, _, rest = rest.partition("=")
        if rest.startswith('"'):
            value, end = json.JSONDecoder(strict=False).raw_decode(rest)
            rest = rest[end:].lstrip()
        else:
            value, _, rest = rest.partition(" ")
        fields[key.strip()] = value
    return fields


def poll(question, what, deadline_s=DEADLINE_S):
    """Asks until the answer is true: only where nothing tells of the change by itself."""
    until = time.monotonic() + deadline_s
    pause = threading.Event()
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > until:
            raise AssertionError("not so within %d s: %s" % (deadline_s, what))
        pause.wait(0.02)
