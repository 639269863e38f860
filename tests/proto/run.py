#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Plays exchanges of the protocol against a real daemon and compares what comes back.

    run.py [--filter WORD] [--update] [--keep] [FILE.rpc ...]

Each file is played three times: a request in one write, a request in writes of one byte,
and runs of HTTP requests in one write before the first reply is read (pipelined). --update
writes what came into the expectations that failed, to be looked at with `git diff`.
In the environment: SNOWMUX, SNOWMUX_DEMO_LOAD and SNOWMUX_DUCKDB, the paths of two programs
and a library.

A file is a list of lines; one that begins with # is a comment.

    == A sentence                    names the exchanges that follow
    let NAME text                    $NAME stands for the text in requests
    config LINE                      a line of configuration: the file gets its own daemon
    needs root                       it uses the connections `nobody` and `stranger`
    only whole                       it is too slow to be played more than once

    > POST /mcp                      a request on the HTTP connection ""
    > Accept: */*                    a header. Host, Accept, Content-Type and Content-Length
    > Origin: -                      have good values by themselves; "-" leaves one out.
                                     A stream is accepted only where one is expected
    > {"jsonrpc":"2.0", ...}         the body; or: raw "bytes \\xff"*1000 "more"
    > POST /mcp modern               with the headers that mirror a modern body
    < 200                            what comes back: status,
    < Mcp-Session-Id: $session       some of the headers,
    < {"jsonrpc":"2.0","id":1, ...}  and the whole body; without one there must be none
    < ?                              for --update to fill in

    a> POST ...                      on the connection "a"; each name is opened when first used
    nobody> POST ...                 as another user who is let in; `stranger` as one who is not
    line> {"snowmux":"hello", ...}   on a Unix socket: all names that begin with "line"
    line< {"jsonrpc":"2.0", ...}     its next line. A line goes on below, indented by a blank
    a> close                         closes the connection
    a< closed                        the daemon closed it, and nothing came before

    < 200 stream                     the head of an event stream; then its parts:
    < event {...}                    comments before it are passed over
    < comment working
    < end

    < progress {...}                 an event, or a line, that tells of progress. More of the
    line< progress {...}             same token may come before what is named next; they must
                                     match, too, and each tells of more than the one before

    wait ls {...}                    until the daemon's `ls` looks like this
    wait log EXPRESSION              until a line of the log, since the file began, matches
    restart                          the daemon ends and is started again; all connections go

The pattern of a body or line is JSON, and:
    *  any value           -  (for a member) must be absent
    /expression/  a string  ...  (the last) more members or elements may follow
    $name  any value the first time, the same value from then on; also within request text
"""
import argparse
import contextlib
import json
import os
import pathlib
import queue
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading

import pattern
import script
import wire

HERE = pathlib.Path(__file__).resolve().parent
MODES = ("whole", "bytes", "pipelined")
UIDS = {"nobody": 65534, "stranger": 65533}
SKIPPED = 77
DATA = """
create table t as select range as n, 'row ' || range as name from range(250);
create schema other;
"""
CONFIG = """
[listen]
http = "127.0.0.1:0"
uids = [65534]
[profile.duckdb]
driver = "duckdb"
files = ["{files}"]
threads = 1
memory_mb = 256
"""


class Daemon:
    def __init__(self, directory, name, database, extra):
        self.directory = directory / name
        self.directory.mkdir()
        self.config = self.directory / "snowmux.toml"
        self.config.write_text(CONFIG.format(files=database) + extra)
        self.log = []
        self.news = queue.Queue()
        self.start()

    def start(self):
        env = {key: value for key, value in os.environ.items() if not key.startswith("XDG_")}
        self.process = subprocess.Popen(
            [os.environ["SNOWMUX"], "serve", "--state", self.directory / "state",
             "--config", self.config],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
        self.reader = threading.Thread(target=self.read_log, args=[self.process.stderr])
        self.reader.start()
        ready, _, _ = select.select([self.process.stdout], [], [], wire.DEADLINE_S)
        line = self.process.stdout.readline() if ready else ""
        m = re.search(r"http://127\.0\.0\.1:(\d+)/mcp", line)
        if not m:
            self.stop()
            raise SystemExit("the daemon did not start:\n" + "".join(self.log))
        self.port = int(m.group(1))
        self.socket = next((self.directory / "state").glob("*.sock"))

    def read_log(self, stream):
        for line in stream:
            self.log.append(line)
            self.news.put(line)

    def wait_log(self, expression, since):
        seen = since
        while True:
            while seen < len(self.log):
                m = re.search(expression, self.log[seen])
                if m:
                    return m
                seen += 1
            try:
                self.news.get(timeout=wire.DEADLINE_S)
            except queue.Empty:
                raise pattern.Mismatch(f"not in the log: {expression}") from None

    def wait_ls(self, text, bound):
        """Asks again with each line of the log, and every 20 ms without one."""
        channel = wire.Channel(socket.AF_UNIX, str(self.socket))
        for _ in range(wire.DEADLINE_S * 50):
            channel.write(b'{"snowmux":"ls"}\n', False)
            answer = pattern.read(channel.until(b"\n").decode())
            try:
                pattern.match(pattern.parse(text), answer, bound)
                channel.close()
                return
            except pattern.Mismatch as e:
                last = e
            with contextlib.suppress(queue.Empty):
                self.news.get(timeout=0.02)
        raise last

    def stop(self):
        """Ends it; complains about a bad end."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout=wire.DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.reader.join()
        self.process.stdout.close()
        self.process.stderr.close()
        return code


class Play:
    """One file in one mode."""

    def __init__(self, text, daemon, mode):
        self.script = text
        self.daemon = daemon
        self.mode = mode
        self.channels = {}
        self.bound = {"port": daemon.port}
        self.progress = {}  # (channel, token) -> the pattern and the last number
        self.since = len(daemon.log)
        self.failures = []

    def channel(self, name):
        if name not in self.channels:
            family, address = (socket.AF_UNIX, str(self.daemon.socket)) if \
                name.startswith("line") else (socket.AF_INET, ("127.0.0.1", self.daemon.port))
            self.channels[name] = wire.Channel(family, address, UIDS.get(name))
        return self.channels[name]

    def request(self, step):
        values = {**self.script.lets, **self.bound}
        lines = script.substitute(script.substitute(step.text(), values), values).split("\n")
        if step.is_line:
            text = "".join(lines)
            return (script.raw_bytes(text[4:]) if text.startswith("raw ") else text.encode()) + b"\n"
        first = lines[0].split(" ")
        given, text = script.split_head(lines[1:])
        body = script.raw_bytes(text[4:]) if text.startswith("raw ") else text.encode()
        headers = {"Host": f"127.0.0.1:{self.daemon.port}"}
        if first[0] == "POST":
            headers["Accept"] = "application/json"
            if self.expects_stream(step):
                headers["Accept"] += ", text/event-stream"
            headers["Content-Type"] = "application/json"
        if first[0] == "POST" or body:
            headers["Content-Length"] = str(len(body))
        if first[-1] == "modern":
            headers.update(mirror(json.loads(body)))
        own = {name.lower() for name, _ in given}
        pairs = [pair for pair in headers.items() if pair[0].lower() not in own]
        pairs += [pair for pair in given if pair[1] != "-"]
        head = f"{first[0]} {first[1]} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in pairs)
        return head.encode().decode("unicode_escape").encode("latin-1") + b"\r\n" + body

    def expects_stream(self, step):
        after = self.script.steps[self.script.steps.index(step) + 1:]
        reply = next((s for s in after if s.channel == step.channel), None)
        return reply is not None and reply.lines[0].endswith(" stream")

    # ---- what comes back ----

    def check_http(self, step):
        reply = wire.Reply(self.channel(step.channel))
        first = step.lines[0].split(" ")
        headers, text = script.split_head(step.lines[1:])
        try:
            self.compare_http(reply, first, headers, text)
        except (pattern.Mismatch, ValueError) as e:
            self.fail(step, e, [f"{reply.status}"] + [f"{k}: {v}" for k, v in reply.headers.items()] +
                      [reply.body], self.updated(reply, first, headers, text))

    def compare_http(self, reply, first, headers, text):
        if first[0] != str(reply.status):
            raise pattern.Mismatch(f"the status is {reply.status}, not {first[0]}")
        for name, value in headers:
            actual = reply.headers.get(name.lower())
            if value == "-" and actual is not None:
                raise pattern.Mismatch(f"the header {name} is there: {actual!r}")
            if value != "-" and actual is None:
                raise pattern.Mismatch(f"the header {name} is absent")
            if value != "-":
                word = pattern.Word(value) if value == "*" or value[0] in "$/" else value
                pattern.match(word, actual, self.bound, f"the header {name}")
        if reply.is_stream != (first[-1] == "stream"):
            raise pattern.Mismatch("a stream" if reply.is_stream else "no stream")
        if not text:
            if reply.body:
                raise pattern.Mismatch("there is a body")
            if not reply.is_stream and "content-type" in reply.headers:
                raise pattern.Mismatch("a Content-Type without a body")
            return
        if reply.headers.get("content-type") != "application/json":
            raise pattern.Mismatch("the Content-Type is not application/json")
        pattern.match(pattern.parse(text), pattern.read(reply.body), self.bound)

    def updated(self, reply, first, headers, text):
        lines = [f"{reply.status}" + (" stream" if reply.is_stream else "")]
        for name, value in headers:
            actual = reply.headers.get(name.lower(), "-")
            lines.append(f"{name}: {value if value == '*' or value[:1] in '$/' else actual}")
        if reply.body:
            wanted = pattern.parse(text) if text else None
            lines += pattern.lines(pattern.merge(wanted, pattern.read(reply.body), self.bound))
        return lines

    def is_progress(self, step, text):
        """Also checks it. That it comes is only expected after a step that named its token."""
        message = pattern.read(text)
        if message.get("method") != "notifications/progress":
            return False
        params = message["params"]
        key = step.channel, json.dumps(params["progressToken"])
        if step.kind == "progress":
            self.progress.setdefault(key, [None, 0])[0] = step.text().partition(" ")[2]
        wanted, last = self.progress.get(key, [None, 0])
        if wanted is None:
            return False
        pattern.match(pattern.parse(wanted), params, self.bound)
        if params["progress"] <= last:
            raise pattern.Mismatch(f"from {last} it went on to {params['progress']}")
        self.progress[key][1] = params["progress"]
        return True

    def next_part(self, step):
        """Of a stream, or a line; without what may come in between."""
        channel = self.channel(step.channel)
        while True:
            kind, text = ("event", channel.until(b"\n").decode()) if step.is_line \
                else wire.read_event(channel)
            if kind == "event" and self.is_progress(step, text):
                if step.kind == "progress":
                    return kind, text
            elif kind != "comment" or step.kind == "comment":
                break
        self.progress = {key: value for key, value in self.progress.items() if key[0] != step.channel}
        return kind, text

    def check_progress(self, step):
        kind, text = self.next_part(step)
        if not any(channel == step.channel for channel, _ in self.progress):
            raise pattern.Mismatch(f"no progress but: {kind} {text}")

    def check_line(self, step):
        _, line = self.next_part(step)
        text = step.text()
        try:
            pattern.match(pattern.parse(text) if text != "?" else None, pattern.read(line), self.bound)
        except pattern.Mismatch as e:
            wanted = pattern.parse(text) if text != "?" else None
            merged = list(pattern.lines(pattern.merge(wanted, pattern.read(line), self.bound)))
            self.fail(step, e, [line], merged[:1] + [" " + more for more in merged[1:]])

    def check_part(self, step):
        kind, text = self.next_part(step)
        wanted = step.text().partition(" ")[2]
        try:
            if kind != step.kind or (kind == "comment" and text != wanted):
                raise pattern.Mismatch(f"the stream has: {kind} {text}")
            if kind == "event":
                pattern.match(pattern.parse(wanted), pattern.read(text), self.bound)
        except pattern.Mismatch as e:
            merged = list(pattern.lines(pattern.merge(
                pattern.parse(wanted) if kind == "event" == step.kind else None,
                pattern.read(text), self.bound))) if kind == "event" else [text]
            self.fail(step, e, [f"{kind} {text}"], [f"{kind} {merged[0]}"] + merged[1:])

    def fail(self, step, why, actual, updated=None):
        self.failures.append((step, updated))
        print(f"{self.script.path}:{step.number}: [{self.mode}] {step.title}\n  {why}")
        for word, lines in (("expected", step.lines), ("actual", actual)):
            print(f"  {word}:" + "".join(f"\n    {line[:700]}" for line in lines))

    # ---- steps ----

    def send(self, index):
        """Sends the request; pipelined, also the ones whose replies need not be read before."""
        step = self.script.steps[index]
        data = self.request(step)
        ahead = 0
        while self.mode == "pipelined" and not step.is_line:
            reply, follower = (self.script.steps[index + 1 + 2 * ahead:] + [None, None])[:2]
            if not is_plain(reply, step.channel) or not follower or follower.kind != "send" or \
                    follower.channel != step.channel:
                break
            try:
                data += self.request(follower)
            except ValueError:
                break  # needs a variable of the reply before
            ahead += 1
        self.channel(step.channel).write(data, self.mode == "bytes")
        return ahead

    def one(self, step):
        if step.kind == "reply":
            (self.check_line if step.is_line else self.check_http)(step)
        elif step.kind == "progress":
            self.check_progress(step)
        elif step.kind in ("event", "comment", "end"):
            self.check_part(step)
        elif step.kind == "closed":
            self.channel(step.channel).expect_end()
            self.channels.pop(step.channel).close()
        elif step.kind == "close":
            self.channels.pop(step.channel).close()
        elif step.kind == "restart":
            self.restart()
        elif step.lines[0].startswith("ls "):
            self.daemon.wait_ls(step.lines[0][3:], self.bound)
        elif step.lines[0].startswith("log "):
            values = {**self.script.lets, **self.bound}
            self.daemon.wait_log(script.substitute(step.lines[0][4:], values), self.since)
        else:
            raise ValueError("wait for ls or log")

    def restart(self):
        code = self.daemon.stop()
        if code != 0:
            raise pattern.Mismatch(f"the daemon ended with {code}")
        self.close()
        self.daemon.start()
        self.bound["port"] = self.daemon.port

    def run(self):
        """True if all was as expected."""
        sent_ahead = 0
        for index, step in enumerate(self.script.steps):
            try:
                if step.kind != "send":
                    self.one(step)
                elif sent_ahead > 0:
                    sent_ahead -= 1
                else:
                    sent_ahead = self.send(index)
            except (pattern.Mismatch, ValueError, OSError) as e:
                self.fail(step, e, [])
                break  # out of step from here on
        self.close()
        return not self.failures

    def close(self):
        for channel in self.channels.values():
            channel.close()
        self.channels = {}

    def update(self):
        lines = self.script.lines
        for step, updated in reversed(self.failures):
            if updated:
                at = step.number - 1
                lines[at:at + len(step.lines)] = [f"{step.channel}< {line}" for line in updated]
        self.script.path.write_text("\n".join(lines))


def mirror(message):
    """The headers that a modern client derives from its message."""
    params = message.get("params", {})
    headers = {"MCP-Protocol-Version": params["_meta"]["io.modelcontextprotocol/protocolVersion"],
               "Mcp-Method": message["method"]}
    if message["method"] == "tools/call":
        headers["Mcp-Name"] = params["name"]
    return headers


def is_plain(step, channel):
    """A reply after which the connection serves the next request."""
    return step is not None and step.kind == "reply" and step.channel == channel and \
        not step.lines[0].endswith("stream") and "Connection: close" not in step.lines


def play_file(path, options, shared, make_daemon):
    text = script.Script(path)
    if text.needs_root and os.geteuid() != 0:
        print(f"{path.name}: skipped, it needs root")
        return True
    ok = True
    daemon = None
    for mode in MODES[:1] if text.only_whole else MODES:
        daemon = make_daemon(f"{path.stem}-{mode}", text.config) if text.config else shared
        play = Play(text, daemon, mode)
        ok = play.run() and ok
        if play.failures and options.update:
            play.update()
        if daemon is not shared and daemon.stop() != 0:
            print(f"{path}: its daemon ended badly:\n" + "".join(daemon.log[-20:]))
            ok = False
        if daemon.process.poll() is not None and daemon is shared:
            raise SystemExit(f"{path}: the daemon ended:\n" + "".join(daemon.log[-20:]))
        if not ok:
            break
    if daemon is not shared and daemon.process.poll() is None:
        daemon.stop()
    print(f"{'ok' if ok else 'FAILED'}  {path.name}", flush=True)
    return ok


def make_database(directory):
    (directory / "data.sql").write_text(DATA)
    subprocess.run([os.environ["SNOWMUX_DEMO_LOAD"], os.environ["SNOWMUX_DUCKDB"], directory,
                    directory / "data.sql", directory / "proto.duckdb"], check=True)
    return directory / "proto.duckdb"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--filter", default="")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--keep", action="store_true", help="the daemon's directory and log")
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    options = parser.parse_args()
    files = [path for path in options.files or sorted(HERE.glob("*.rpc"))
             if options.filter in path.name]
    if not os.environ.get("SNOWMUX_DUCKDB"):
        print("skipped: this build has no DuckDB")
        return SKIPPED
    directory = pathlib.Path(tempfile.mkdtemp(prefix="snowmux-proto-"))
    database = make_database(directory)
    daemons = []

    def make_daemon(name, extra):
        daemons.append(Daemon(directory, name, database, extra))
        return daemons[-1]

    try:
        shared = make_daemon("shared", "")
        results = [play_file(path, options, shared, make_daemon) for path in files]
        if shared.stop() != 0:
            print("the daemon ended badly:\n" + "".join(shared.log[-20:]))
            results.append(False)
        if options.keep:
            (directory / "log").write_text("".join(shared.log))
            print(f"kept: {directory}")
    finally:
        for daemon in daemons:
            if daemon.process.poll() is None:
                daemon.stop()
        if not options.keep:
            shutil.rmtree(directory)
    print(f"{sum(results)} of {len(results)} good")
    return 0 if files and all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
