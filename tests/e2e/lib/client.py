# SPDX-License-Identifier: Apache-2.0
"""Clients made of the official SDKs. Each SDK runs in a program of its own (peer_*), told by
lines of JSON what to do; all of them look the same from here."""
import concurrent.futures
import itertools
import json
import os
import signal
import subprocess
import threading

from lib.daemon import ENV, SNOWMUX
from lib.program import DEADLINE_S, Program

HERE = os.path.dirname(os.path.abspath(__file__))
DEPS = os.environ.get("SNOWMUX_DEPS", ".deps")
CLIENTS = os.path.join(DEPS, "clients")


class CallFailed(Exception):
    """The SDK threw: a protocol error, a timeout, a result it does not accept."""

    def __init__(self, fail):
        super().__init__("%s %s: %s" % (fail.get("type"), fail.get("code"), fail.get("message")))
        self.code = fail.get("code")
        self.message = fail.get("message")


def node():
    own = os.path.join(CLIENTS, "bin", "node")
    return own if os.path.exists(own) else "node"


KINDS = {
    "ts_v1": [node(), os.path.join(HERE, "peer_ts.cjs"), os.path.join(DEPS, "sdk"), "1"],
    "ts_v2": [node(), os.path.join(HERE, "peer_ts.cjs"), os.path.join(DEPS, "sdk"), "2"],
    "python": [os.path.join(CLIENTS, "bin", "python"), os.path.join(HERE, "peer_python.py")],
}


class Peer:
    """One process of one SDK; any number of clients live in it."""

    def __init__(self, kind):
        if not os.path.exists(os.path.join(CLIENTS, ".done")):
            raise AssertionError("the SDKs are not installed: run tools/setup.sh check")
        self.kind = kind
        self.program = Program(kind, KINDS[kind], env=ENV, stdin=subprocess.PIPE)
        self.numbers = itertools.count(1)
        self.lock = threading.Lock()
        self.waiting = {}
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        at = 0
        while True:
            try:
                text = self.program.out.wait(lambda line: line, "an answer", at, 3600)
            except AssertionError:
                break
            at += 1
            answer = json.loads(text)
            with self.lock:
                future = self.waiting.pop(answer["id"])
            if "fail" in answer:
                future.set_exception(CallFailed(answer["fail"]))
            else:
                future.set_result(answer["ok"])
        with self.lock:
            left, self.waiting = self.waiting, {}
        for future in left.values():
            future.set_exception(AssertionError("%s ended\n%s" % (self.kind, self.program.err.tail())))

    def send(self, do, **more):
        """A future of the answer; .number names it for `abort`."""
        future = concurrent.futures.Future()
        with self.lock:
            future.number = next(self.numbers)
            self.waiting[future.number] = future
            line = json.dumps({"id": future.number, "do": do, **more})
            self.program.process.stdin.write(line + "\n")
            self.program.process.stdin.flush()
        return future

    def ask(self, do, **more):
        return self.send(do, **more).result(DEADLINE_S)

    def close(self):
        self.program.kill()


class Answer:
    """What a tool answered; .data is its structuredContent."""

    def __init__(self, got):
        self.data = got["structured"]
        self.text = got["text"]
        self.is_error = got["is_error"]
        self.progress = got["progress"]

    @property
    def error(self):
        return self.data["error"]

    @property
    def rows(self):
        if self.is_error:
            raise AssertionError("the tool failed: %s" % self.text)
        return self.data["rows"]


class Client:
    """One client of one SDK. @era: legacy, modern (pinned) or auto (server/discover first)."""

    names = itertools.count(1)

    def __init__(self, peer, name, era, **where):
        self.peer = peer
        self.key = "%s#%d" % (name, next(Client.names))
        self.is_closed = False
        self.opened = peer.ask("open", client=self.key, name=name, era=era, **where)

    @property
    def protocol(self):
        return self.opened["protocol"]

    @property
    def session(self):
        """The Mcp-Session-Id, over legacy HTTP."""
        return self.opened["session"]

    @property
    def pid(self):
        """Of the bridge, over stdio."""
        return self.opened["pid"]

    def tools(self):
        return self.peer.ask("tools", client=self.key)

    def resources(self):
        got = self.peer.ask("resources", client=self.key)
        return got["uris"], got["text"]

    def send(self, tool, deadline_s=DEADLINE_S, **arguments):
        return self.peer.send("call", client=self.key, tool=tool, arguments=arguments,
                              timeout_ms=deadline_s * 1000)

    def send_with_progress(self, tool, deadline_s=DEADLINE_S, resets=False, **arguments):
        """Its answer has .progress; @resets: each one begins the client's deadline anew."""
        return self.peer.send("call", client=self.key, tool=tool, arguments=arguments,
                              timeout_ms=deadline_s * 1000, progress=True, resets=resets)

    def call(self, tool, **arguments):
        return Answer(self.send(tool, **arguments).result(DEADLINE_S + 5))

    def sql(self, query, **arguments):
        return self.call("execute_query", query=query, **arguments)

    def abort(self, call):
        """The SDK's own way to give up a call."""
        self.peer.ask("abort", call=call.number)

    def close(self):
        if not self.is_closed:
            self.is_closed = True
            self.peer.ask("close", client=self.key)


def http(peer, daemon, name="e2e", era="legacy", session=None, instance=None):
    headers = {"X-Snowmux-Client": instance} if instance else {}
    return Client(peer, name, era, http=daemon.url, session=session, headers=headers)


def stdio(peer, daemon, name="e2e", era="legacy", instance=None):
    arguments = ["stdio", "--state", daemon.state, "--config", daemon.config]
    arguments += ["--name", instance] if instance else []
    return Client(peer, name, era, stdio=[SNOWMUX, *arguments])
