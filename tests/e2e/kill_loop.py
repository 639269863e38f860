# SPDX-License-Identifier: Apache-2.0
"""
kill -9 of daemon and workers in a loop, under load from 50 clients: what was acknowledged is
there, nothing is answered twice or given back, all clients go on. KILL_ROUNDS says how often
(10), KILL_SEED plays the same victims again.

The bridges only attach (--socket) and the test starts each next daemon: so it knows whom it
kills, when, and at which port HTTP is. bridge.py has those that start it.
"""
import asyncio
import collections
import contextlib
import os
import random
import signal
import sqlite3

from lib.case import Case, main
from lib.daemon import DEMO, FAULT, is_alive, poll
from lib.ledger import Account, Client, DEEDS
from lib.light import BridgeLight, Home, HttpLight, within
from lib.program import DEADLINE_S, logfmt

ROUNDS = int(os.environ.get("KILL_ROUNDS", "10"))
SEED = int(os.environ.get("KILL_SEED", str(random.SystemRandom().randrange(1 << 32))))
BRIDGES = HTTPS = 25
GROUPS = 14  # of clients with one key: a principal has 16 accounts for its keys
DAY = 10     # rounds: a day bears only so many crashes, each may cost a hundredth of a quota
CLIENT_CALLS, PRINCIPAL_CALLS = 400, 50000
SETTINGS = {
    "quota.client": {"calls": CLIENT_CALLS}, "quota.principal": {"calls": PRINCIPAL_CALLS},
    "session": {"max_per_principal": 10000},
    "concurrency.principal": {"run": 0, "queue": 1024}, "concurrency.client": {"run": 0, "queue": 1024},
    "profile.demo": {"files": DEMO, "slots": 4}, "profile.other": {"files": DEMO, "slots": 2},
}
KINDS = ("worker", "daemon", "worker, then daemon", "daemon as it starts", "daemon by SIGTERM")
LOOKS = 20   # at the daemon while its store is held up
STARTS = (None, "sessions_loaded", "listening")  # the last event of one that is killed as it starts


def birth_of(pid):
    """A process id may be another's later, its time of birth is not."""
    try:
        with open("/proc/%d/stat" % pid, encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[19]
    except OSError:
        return None


class World:
    def __init__(self, daemon):
        self.daemon, self.home = daemon, Home()
        self.news = asyncio.Event()
        self.answers = 0
        self.blows = 0  # kills of any kind, and stops
        self.is_settled = True  # no worker is dead without the daemon knowing it
        self.back = collections.Counter()  # up to which blow a worker was seen to work
        self.is_over = False
        self.principal = Account("principal_calls", PRINCIPAL_CALLS)
        self.keys = [Account("client_calls", CLIENT_CALLS) for _ in range(GROUPS + 1)]
        self.clients = []
        self.workers = set()  # all that ever were: process id and birth

    def tick(self):
        self.answers += 1
        self.news.set()

    async def until(self, question, what):
        async def watch():
            while not question():
                self.news.clear()
                await self.news.wait()
        await within(watch(), what)

    async def everyone(self, calls):
        """All clients go on, each by so many answers."""
        goals = [client.answered + calls for client in self.clients]
        try:
            await self.until(lambda: all(c.answered >= goal for c, goal in zip(self.clients, goals)), "all go on")
        except AssertionError:
            late = [c.name for c, goal in zip(self.clients, goals) if c.answered < goal]
            raise AssertionError("these do not go on: %s" % ", ".join(late)) from None

    # ---- the daemon's lives ----

    async def start(self):
        """Somewhere else each time. Before any client over HTTP comes, it knows what it has to know."""
        self.daemon.port = 0
        await asyncio.to_thread(self.daemon.start)
        for client in self.clients:
            client.snapshot()
        listed = {row["session"] for row in (await asyncio.to_thread(self.daemon.ask, "ls"))["sessions"]}
        for client in self.clients:
            client.audit(listed)
        self.home.comes(self.daemon.port)

    def ends(self, is_crash):
        """Told before it happens: whose connection breaks then was killed."""
        self.blows += 1
        self.home.goes()
        for account in (self.principal, *self.keys):
            account.crashes += is_crash
        for client in self.clients:
            client.offered_again()

    async def end(self, number, program=None):
        program = program or self.daemon.program
        self.note_workers(program.pid)
        self.ends(is_crash=number == signal.SIGKILL)
        program.signal(number)
        status = await asyncio.to_thread(program.wait)
        faults = [line for line in program.err.lines if FAULT.search(line)]
        if faults or status != (0 if number == signal.SIGTERM else -number):
            raise AssertionError("status %d\n%s" % (status, "\n".join(faults) or program.err.tail()))

    async def kill_with_store_held_up(self):
        """What is acknowledged before the daemon could write it will be missed. Each look is a
        turn of the daemon's: it has read what came before."""
        with contextlib.closing(self.open_store()) as store:
            await asyncio.to_thread(store.execute, "BEGIN IMMEDIATE")
            for _ in range(LOOKS):
                await self.pids()
            await self.end(signal.SIGKILL)

    def open_store(self):
        return sqlite3.connect(os.path.join(self.daemon.state, "snowmux.db"), timeout=DEADLINE_S,
                               isolation_level=None, check_same_thread=False)

    async def end_as_it_starts(self, event):
        program = await asyncio.to_thread(self.daemon.spawn)
        if event:
            seen = lambda line: True if logfmt(line).get("event") == event else None
            await asyncio.to_thread(program.err.wait, seen, event)
        await self.end(signal.SIGKILL, program)

    def note_workers(self, pid):
        with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as file:
            self.workers |= {(child, birth_of(child)) for child in map(int, file.read().split())}

    def new_day(self):
        """While no daemon runs, its accounts become those of a day long ago."""
        with contextlib.closing(self.open_store()) as store:
            store.execute("UPDATE account SET day = 20200101")
        for account in (self.principal, *self.keys):
            account.new_day()
        for client in self.clients:
            client.offered_again(waits=True)

    async def pids(self):
        return (await asyncio.to_thread(self.daemon.ask, "workers"))["pids"]

    async def forgets(self, pid):
        while pid in await self.pids():
            pass

    async def kill_worker(self, luck, is_alone):
        pids = await self.pids()
        if not pids:
            return
        self.blows += 1
        self.is_settled = False
        victim = pids[int(luck * len(pids))]
        os.kill(victim, signal.SIGKILL)
        if is_alone:
            await within(self.forgets(victim), "the daemon knows that worker %d is dead" % victim)
        self.is_settled = True

    async def strike(self, dice, ends_day):
        """Each round takes as many numbers from @dice, so that a seed plays the same victims."""
        kind, luck, start = dice.choice(KINDS), dice.random(), dice.choice(STARTS)
        is_held_up = dice.random() < 0.7
        if "worker" in kind:
            await self.kill_worker(luck, is_alone=kind == "worker")
        if "daemon" in kind or ends_day:
            if "SIGTERM" in kind:
                await self.end(signal.SIGTERM)
            elif is_held_up:
                await self.kill_with_store_held_up()
            else:
                await self.end(signal.SIGKILL)
            if ends_day:
                self.new_day()
            if "starts" in kind:
                await self.end_as_it_starts(start)
            await self.start()


class KillLoop(Case):
    def test_fifty_clients_go_on_and_lose_nothing(self):
        print("KILL_SEED=%d, %d rounds" % (SEED, ROUNDS), flush=True)
        daemon = self.daemon(SETTINGS, start=False)
        try:
            asyncio.run(self.run_loop(daemon))
        except BaseException:
            print("KILL_SEED=%d; the daemon said last:\n%s" % (SEED, daemon.program and daemon.program.err.tail()))
            raise

    async def run_loop(self, daemon):
        world = World(daemon)
        await world.start()
        for i in range(BRIDGES + HTTPS):
            group = 0 if i == 0 else 1 + i % GROUPS
            line = (BridgeLight(world.home, "kill", "key-%d" % group, ["--socket", daemon.socket]) if i < BRIDGES
                    else HttpLight(world.home, "kill", "key-%d" % group))
            world.clients.append(Client(world, i, line, world.keys[group], is_greedy=group == 0))
        try:
            await self.play(world)
        finally:
            for client in world.clients:
                client.line.kill()
        await self.check_end(world)

    async def play(self, world):
        dice = random.Random(SEED)
        for client in world.clients:
            await client.begin()
        if not world.clients[0].can_prefer:
            print("no set_preferences: preferences are not checked")
        async with asyncio.TaskGroup() as tasks:
            for client in world.clients:
                tasks.create_task(client.run(random.Random("%d %d" % (SEED, client.index))))
            for number in range(ROUNDS):
                await world.everyone(2)
                if number % DAY == DAY - 3:
                    await world.until(lambda: world.keys[0].is_exhausted, "one client uses its quota up")
                goal = world.answers + dice.randrange(30)
                await world.until(lambda: world.answers >= goal, "%d answers" % goal)
                await world.strike(dice, ends_day=number % DAY == DAY - 1)
            await world.everyone(3)
            world.is_over = True
        for client in world.clients:
            await client.line.close()

    async def check_end(self, world):
        done = {deed: sum(client.done[deed] for client in world.clients) for deed in DEEDS}
        print("%d answers, %d lost, %d refused for a kill, %d ends of the daemon; %s" % (
            world.answers, sum(c.lost for c in world.clients), sum(c.failed for c in world.clients),
            world.home.ends, done))
        await world.end(signal.SIGTERM)
        self.assertEqual(logfmt(world.daemon.program.err.lines[-1])["event"], "stopped")
        poll(lambda: not any(is_alive(pid) and birth_of(pid) == birth for pid, birth in world.workers),
             "no worker of %d is left" % len(world.workers))
        self.assertFalse(os.path.exists(world.daemon.socket))
        with contextlib.closing(world.open_store()) as store:
            self.assertEqual(store.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
            rows = store.execute("SELECT handle, database, schema, limit_rows FROM session").fetchall()
            results = {row[0] for row in store.execute("SELECT handle FROM result")}
        stored = {row[0]: ((row[1], row[2]), row[3] or None) for row in rows}
        self.assertEqual(results, set(os.listdir(os.path.join(world.daemon.state, "spool"))))
        for client in world.clients:
            client.check_stored(stored)
            self.assertLessEqual(set(client.results), results)


if __name__ == "__main__":
    main()
