# SPDX-License-Identifier: Apache-2.0
"""
kill -9 of daemon and workers in a loop, under load from 50 clients: what was acknowledged is
there, nothing is answered twice or given back, all clients go on. KILL_ROUNDS says how often
(10), KILL_SEED plays the same victims again.
"""
import http.client
import json
import os
import random
import signal
import sqlite3
import subprocess
import threading
import time
from urllib.parse import urlsplit

from lib.case import Case, main
from lib.daemon import SNOWMUX, is_alive, poll

ROUNDS = int(os.environ.get("KILL_ROUNDS", "10"))
SEED = int(os.environ.get("KILL_SEED", str(random.SystemRandom().randrange(1 << 32))))
BRIDGES = HTTPS = 25
WAIT_S = 60
ANSWERS_A_ROUND = 60
QUOTA = 1 << 40  # of calls a day: a crash may cost a 100th of it, at most this many
CHUNK = 1 << 20
CUT_OFF = {"worker_died", "unavailable", "cancelled", "draining"}


class Cut(Exception):
    """The connection broke: whether the call took effect is not known."""


class HttpLine:
    """Legacy Streamable HTTP. The session's id is kept over every restart."""

    def __init__(self, world, name):
        self.world, self.name, self.session = world, name, None
        while self.session is None:
            try:
                headers, _ = self.post({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
                    "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": name, "version": "1"}}})
                self.session = headers["mcp-session-id"]
            except Cut:
                world.wait_up()

    def post(self, message):
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        headers.update({"Mcp-Session-Id": self.session} if self.session else {})
        try:
            connection = http.client.HTTPConnection(urlsplit(self.world.url).netloc, timeout=WAIT_S)
            connection.request("POST", "/mcp", json.dumps(message), headers)
            answer = connection.getresponse()
            body = answer.read()
            connection.close()
        except (OSError, http.client.HTTPException) as error:
            raise Cut() from error
        if answer.status != 200:
            raise AssertionError("%s: HTTP %d: %s" % (self.name, answer.status, body[:300]))
        return {key.lower(): value for key, value in answer.getheaders()}, json.loads(body)

    def ask(self, number, message):
        _, answer = self.post(message)
        assert answer["id"] == number, answer
        return answer

    def close(self):
        pass


class BridgeLine:
    """`snowmux stdio`, which offers again what was not answered."""

    def __init__(self, world, name):
        self.name = name
        self.process = subprocess.Popen([SNOWMUX, "stdio", "--socket", world.socket, "--name", name],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.ask(0, {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": name, "version": "1"}}})

    def ask(self, number, message):
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError("%s: the bridge ended" % self.name)
        answer = json.loads(line)
        # One call at a time: whatever else comes was answered twice.
        if answer.get("id") != number:
            raise AssertionError("%s: waits for %d, got %s" % (self.name, number, line[:300]))
        return answer

    def close(self):
        self.process.stdin.close()
        rest = self.process.stdout.read()
        self.process.wait(WAIT_S)
        if rest:
            raise AssertionError("%s: after the last answer came %s" % (self.name, rest[:300]))


class Client:
    """Calls one after the other, and knows what must be true of the next answer."""

    def __init__(self, world, index, kind):
        self.world, self.index = world, index
        self.name = "client-%d" % index
        self.random = random.Random(SEED * 1000 + index)
        self.line = kind(world, self.name)
        self.number = 0
        self.answered = 0
        self.databases = {"travel"}  # one of these is the context
        self.limits = {None}         # and one of these the preference
        self.open, self.closed = set(), set()
        self.left = None             # of the quota
        self.acknowledged = 0        # calls that it counted, since

    def call(self, tool, **arguments):
        """The answer's data; Cut when it is not known what became of it."""
        self.number += 1
        answer = self.line.ask(self.number, {"jsonrpc": "2.0", "id": self.number, "method": "tools/call",
                                             "params": {"name": tool, "arguments": arguments}})
        if "went away each time" in answer.get("error", {}).get("message", ""):
            raise Cut()  # the bridge offered it three times: its one answer
        if "error" in answer:
            raise AssertionError("%s: %s: %s" % (self.name, tool, answer))
        data = answer["result"]["structuredContent"]
        if answer["result"]["isError"] and data["error"]["code"] in CUT_OFF:
            raise Cut()
        self.answered += 1
        self.world.tick()
        return data

    def check(self, ok, what):
        if not ok:
            raise AssertionError("%s: %s" % (self.name, what))

    def query(self):
        value = self.index * 10000000 + self.number
        data = self.call("execute_query", query="SELECT %d AS v" % value)
        self.check(data.get("rows") == [[value]], data)
        self.acknowledged += 1

    def use_context(self):
        wanted = self.random.choice(("travel", "nature"))
        self.databases.add(wanted)
        data = self.call("use_context", database=wanted)
        self.check(data.get("status") == "done", data)
        self.databases = {wanted}

    def prefer(self):
        wanted = self.random.randrange(1, 1000)
        self.limits.add(wanted)
        data = self.call("set_preferences", limit=wanted)
        self.check(data.get("status") == "done", data)
        self.limits = {wanted}

    def whoami(self):
        data = self.call("whoami")
        database, limit = data["context"]["database"], data["preferences"].get("limit")
        self.check(database in self.databases, "context %s, not %s" % (database, self.databases))
        self.check(limit in self.limits, "limit %s, not %s" % (limit, self.limits))
        self.databases, self.limits = {database}, {limit}
        (left,) = [quota["remaining"] for quota in data["limits"]["rates_and_quotas"]
                   if quota["name"] == "client_calls"]
        if self.left is not None:
            self.check(left <= self.left - self.acknowledged, "%d of the quota came back" % (left - self.left))
            crashes = self.world.crashes - self.crashes_then
            self.check(left >= self.left - (crashes + 1) * (CHUNK + 1000000), "lost %d" % (self.left - left))
        self.left, self.acknowledged, self.crashes_then = left, 0, self.world.crashes

    def open_one(self):
        if len(self.open) < 3:
            self.open.add(self.call("open_session", label=self.name)["session"])

    def close_one(self):
        if self.open:
            handle = self.open.pop()  # if it is cut off, nothing is known of it
            self.check(self.call("close_session", session=handle)["status"] == "closed", handle)
            self.closed.add(handle)

    def look(self):
        for handle in list(self.open):
            data = self.call("session_stats", session=handle)
            self.check(data.get("session") == handle, "%s was acknowledged and is lost: %s" % (handle, data))
        for handle in list(self.closed)[-2:]:
            data = self.call("session_stats", session=handle)
            self.check(data.get("error", {}).get("code") == "session_not_found", "%s is back" % handle)

    def run(self):
        deeds = [(self.query, 12), (self.use_context, 2), (self.prefer, 2), (self.whoami, 3), (self.open_one, 1),
                 (self.close_one, 1), (self.look, 1)]
        try:
            while not self.world.is_over:
                deed = self.random.choices([d for d, _ in deeds], [w for _, w in deeds])[0]
                try:
                    deed()
                except Cut:
                    self.world.wait_up()
        except BaseException as error:
            self.world.fail(error)


class World:
    def __init__(self, daemon):
        self.daemon, self.socket, self.url = daemon, daemon.socket, daemon.url
        self.changed = threading.Condition()
        self.is_up, self.is_over = True, False
        self.answers = self.crashes = 0
        self.error = None

    def tick(self):
        with self.changed:
            self.answers += 1
            self.changed.notify_all()

    def fail(self, error):
        with self.changed:
            self.error = self.error or error
            self.is_over = True
            self.changed.notify_all()

    def wait(self, condition, what):
        with self.changed:
            if not self.changed.wait_for(lambda: self.error or condition(), WAIT_S):
                raise AssertionError("within %d s not: %s" % (WAIT_S, what))
            if self.error:
                raise self.error

    def wait_up(self):
        """A connection that broke may be the first to know: a moment passes before it asks again."""
        with self.changed:
            self.changed.wait(0.02)
            self.changed.wait_for(lambda: self.is_up or self.is_over, WAIT_S)

    def set_up(self, is_up):
        with self.changed:
            self.is_up = is_up
            self.crashes += not is_up
            self.changed.notify_all()

    def kill_daemon(self, also_as_it_starts):
        self.set_up(False)
        self.daemon.kill9()
        if also_as_it_starts:
            self.crashes += 1
            self.daemon.spawn("--http", "127.0.0.1:%d" % self.daemon.port).kill()
        self.daemon.restart()
        self.url = self.daemon.url
        self.set_up(True)

    def kill_worker(self, choice):
        pids = self.daemon.workers()
        if pids:
            os.kill(choice(pids), signal.SIGKILL)


class KillLoop(Case):
    def test_fifty_clients_go_on_and_lose_nothing(self):
        print("KILL_SEED=%d, %d rounds" % (SEED, ROUNDS), flush=True)
        victims = random.Random(SEED)
        daemon = self.daemon({"quota.client": {"calls": QUOTA}, "session": {"max_per_principal": 1000},
                              "concurrency": {"queue_total": 1024},
                              "concurrency.principal": {"run": 0, "queue": 1024},
                              "concurrency.client": {"run": 0, "queue": 1024}})  # all but 15 share one
        world = World(daemon)
        clients = [Client(world, i, BridgeLine if i < BRIDGES else HttpLine) for i in range(BRIDGES + HTTPS)]
        threads = [threading.Thread(target=client.run, daemon=True) for client in clients]
        for thread in threads:
            thread.start()
        began = time.monotonic()
        for number in range(ROUNDS):
            goal = world.answers + ANSWERS_A_ROUND
            world.wait(lambda goal=goal: world.answers >= goal, "%d answers in round %d" % (ANSWERS_A_ROUND, number))
            dice = victims.random()
            if dice < 0.4 or dice >= 0.8:
                world.kill_worker(victims.choice)
            if dice >= 0.4:
                world.kill_daemon(also_as_it_starts=dice >= 0.9)
        before = [client.answered for client in clients]
        world.wait(lambda: all(c.answered >= b + 3 for c, b in zip(clients, before)), "every client goes on")
        world.is_over = True
        for thread in threads:
            thread.join(WAIT_S)
            self.assertFalse(thread.is_alive())
        world.wait(lambda: True, "")  # raises what a client found last
        for client in clients:
            client.line.close()
        print("%d answers, %d crashes of the daemon, %.1f s" % (world.answers, world.crashes, time.monotonic() - began))
        pids = daemon.workers()
        self.assertEqual(daemon.stop(), 0)
        poll(lambda: not any(map(is_alive, pids)), "the workers end")
        with sqlite3.connect(os.path.join(daemon.state, "snowmux.db")) as store:
            self.assertEqual(store.execute("PRAGMA integrity_check").fetchone(), ("ok",))

    def test_no_more_calls_than_the_quota_over_crashes(self):
        quota, crashes = 300, 6
        daemon = self.daemon({"quota.client": {"calls": quota}})
        world = World(daemon)
        client = Client(world, 1, HttpLine)
        done = 0
        for _ in range(crashes):
            for _ in range(30):
                client.query()
                done += 1
            daemon.kill9()
            daemon.restart()
            world.url = daemon.url
        error = None
        while not error:
            client.number += 1
            answer = client.line.ask(client.number, {"jsonrpc": "2.0", "id": client.number, "method": "tools/call",
                                                     "params": {"name": "execute_query",
                                                                "arguments": {"query": "SELECT 1"}}})
            error = answer["result"]["structuredContent"].get("error")
            done += not error
        self.assertEqual(error["code"], "quota_exhausted")
        self.assertLessEqual(done, quota)
        self.assertGreaterEqual(done, quota - crashes * (quota // 100 + 1))


if __name__ == "__main__":
    main()
