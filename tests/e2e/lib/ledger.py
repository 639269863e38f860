# SPDX-License-Identifier: Apache-2.0
"""What clients under kill -9 were promised, and what must therefore be true of the next answer."""
import asyncio
import collections

from lib.light import BridgeLight, Lost

CONTEXTS = (("travel", "main"), ("travel", "postal"), ("nature", "main"), ("nature", "wildlife"))
# What a kill may make of a call: its answer says so.
KILLED = {"worker_died", "unavailable", "draining"}
# Whose worker a call needs, where it is not the profile's.
WORKERS = {"fetch_result": "reader", **dict.fromkeys(("whoami", "set_preferences", "open_session", "close_session"), "none")}
TOO_OFTEN, OFFERS_MAX = "went away each time", 3
BURST = 16
ROWS = 3000
DEEDS = ("query", "use_context", "prefer", "whoami", "open", "close", "look", "read_on")
WEIGHTS = (14, 3, 2, 4, 1, 1, 2, 1)


class Failed(Exception):
    """An error that a kill explains. @is_certain: the call had no effect."""

    def __init__(self, is_certain):
        super().__init__()
        self.is_certain = is_certain


class Account:
    """One quota of calls, as far as its clients can know. A crash may cost what was reserved:
    a hundredth and one."""

    def __init__(self, name, calls):
        self.name, self.max = name, calls
        self.chunk = calls // 100 + 1
        self.day = 0
        self.new_day()

    def new_day(self):
        self.day += 1
        self.floor = self.max  # the least that was said to remain
        self.sent = 0          # calls that may count, each offer of a bridge too
        self.acknowledged = 0  # calls that count, as their answers were seen
        self.crashes = 0
        self.is_exhausted = False

    def mark(self):
        """Of the moment a request is sent, for the check of its answer."""
        return (self.day, self.floor, self.acknowledged, self.is_exhausted)

    def ran(self, mark):
        if mark[0] != self.day:
            return  # it may have counted yesterday
        self.acknowledged += 1
        assert not mark[3], "%s: a call ran after the quota was used up" % self.name
        assert self.acknowledged <= self.max, "%s: %d calls ran" % (self.name, self.acknowledged)

    def remains(self, mark, remaining):
        day, floor, acknowledged, _ = mark
        if day != self.day:
            return
        most = min(floor, self.max - acknowledged)
        least = self.max - self.sent - self.crashes * self.chunk
        assert remaining <= most, "%s: %d of the quota came back" % (self.name, remaining - most)
        assert remaining >= least, "%s: %d are lost beyond the chunks" % (self.name, least - remaining)
        self.floor = min(self.floor, remaining)

    def refused(self, mark):
        if mark[0] == self.day:
            used = self.sent + self.crashes * self.chunk
            assert used >= self.max, "%s: used up at %d of %d" % (self.name, used, self.max)
            self.is_exhausted = True


class Client:
    """One call after the other, and what is known after each; a greedy one sends many at once."""

    def __init__(self, world, index, line, account, is_greedy):
        self.world, self.index, self.line = world, index, line
        self.name = "client %d (%s)" % (index, line.where())
        self.accounts = {a.name: a for a in (account, world.principal)}
        self.account, self.is_greedy = account, is_greedy
        self.number = 0
        self.answered = self.lost = self.failed = 0
        self.flying = 0  # statements without an answer
        self.done = collections.Counter()
        self.session = None
        self.contexts, self.limits = {CONTEXTS[0]}, {None}  # each is one of these
        self.open, self.closed = set(), set()
        self.results = []  # acknowledged, so that every later daemon has them
        self.had = self.had_closed = frozenset()
        self.can_prefer = False

    def check(self, ok, what):
        if not ok:
            raise AssertionError("%s: %s" % (self.name, what))

    # ---- calls ----

    async def begin(self):
        await self.line.initialize()
        tools = (await self.line.ask("tools/list"))["result"]["tools"]
        self.can_prefer = any(tool["name"] == "set_preferences" for tool in tools)
        self.session = (await self.call("whoami"))["session"]

    async def call(self, tool, **arguments):
        """The answer's data. Lost and Failed only where somebody was killed."""
        blows, ends = self.world.blows, self.world.home.ends
        worker = WORKERS.get(tool) or arguments.get("profile", "demo")
        was_well = self.world.home.up.is_set() and self.world.is_settled
        is_back = self.world.back[worker] == blows
        answer = await self.line.ask("tools/call", name=tool, arguments=arguments)
        was_struck = not was_well or blows != self.world.blows
        times = self.world.home.ends - ends
        self.answered += 1
        self.world.tick()
        if "error" in answer:
            is_offered_up = TOO_OFTEN in answer["error"]["message"] and times > OFFERS_MAX
            is_unavailable = answer["error"]["message"].startswith("503: ") and was_struck
            self.check(is_offered_up or is_unavailable, "%s %s: %s after %d ends" % (tool, arguments, answer, times))
            raise Failed(is_certain=False)
        data = answer["result"]["structuredContent"]
        if "error" not in data:
            self.world.back[worker] = max(self.world.back[worker], blows)
        elif data["error"]["code"] in KILLED:
            # A worker that was killed as it started is not started again at once.
            is_away = data["error"]["code"] == "unavailable" and not is_back
            self.check(was_struck or is_away, "%s %s: nobody was killed: %s" % (tool, arguments, data))
            raise Failed(is_certain=times == 0)
        return data

    async def statement(self, query, **arguments):
        """A call that counts."""
        marks = {account: account.mark() for account in self.accounts.values()}
        self.flying += 1
        self.count_sent()
        try:
            data = await self.call("execute_query", query=query, **arguments)
        finally:
            self.flying -= 1
        if "error" not in data:
            for account, mark in marks.items():
                account.ran(mark)
        elif data["error"]["code"] == "quota_exhausted":
            account = self.accounts[data["error"]["limit"]["name"]]
            account.refused(marks[account])
        return data

    def count_sent(self, times=1):
        for account in self.accounts.values():
            account.sent += times

    def offered_again(self, waits=False):
        """Over HTTP a call is not; it may wait for a daemon all the same."""
        if waits or isinstance(self.line, BridgeLight):
            self.count_sent(self.flying)

    def seen(self, known, value, what):
        self.check(value in known, "%s is %s, not one of %s" % (what, value, known))
        known.intersection_update({value})

    def see_context(self, data):
        self.seen(self.contexts, (data["context"]["database"], data["context"]["schema"]), "context")

    async def change(self, known, wanted, tool, **arguments):
        """Until it is acknowledged, old and new are possible; where it failed for certain, the old."""
        before = set(known)
        known.add(wanted)
        try:
            data = await self.call(tool, **arguments)
        except Failed as failure:
            if failure.is_certain:
                known.intersection_update(before)
            raise
        self.check(data.get("status") == "done" and data["session"] == self.session, data)
        known.intersection_update({wanted})

    # ---- deeds ----

    async def one_query(self):
        self.number += 1
        value = self.index * 1000000 + self.number
        own = {"profile": "other"} if value % 4 == 0 else {}
        data = await self.statement("SELECT %d AS v" % value, **own)
        if "error" in data:
            self.check(data["error"]["code"] == "quota_exhausted", data)
            return
        self.check(data["rows"] == [[value]], "asked for %d: %s" % (value, data))
        if not own:
            self.see_context(data)

    async def query(self, _):
        many = BURST if self.is_greedy and not self.account.is_exhausted else 1
        results = await asyncio.gather(*(self.one_query() for _ in range(many)), return_exceptions=True)
        for error in sorted(filter(None, results), key=lambda e: isinstance(e, (Lost, Failed))):
            raise error

    async def use_context(self, dice):
        wanted = dice.choice(CONTEXTS)
        await self.change(self.contexts, wanted, "use_context", schema="%s.%s" % wanted)

    async def prefer(self, dice):
        if self.can_prefer:
            wanted = dice.randrange(1, 1000)
            await self.change(self.limits, wanted, "set_preferences", limit=wanted)

    async def whoami(self, _):
        marks = {account: account.mark() for account in self.accounts.values()}
        data = await self.call("whoami")
        self.check(data["session"] == self.session, "its session is %s, not %s" % (data["session"], self.session))
        self.see_context(data)
        if self.can_prefer:
            self.seen(self.limits, data["preferences"].get("limit"), "limit")
        remaining = {quota["name"]: quota["remaining"] for quota in data["limits"]["rates_and_quotas"]}
        for account, mark in marks.items():
            account.remains(mark, remaining[account.name])

    async def open_one(self, _):
        if len(self.open) < 3:
            data = await self.call("open_session", label=self.line.instance)
            self.check(data.get("status") == "done", data)
            self.open.add(data["session"])

    async def close_one(self, _):
        if self.open:
            handle, ends = self.open.pop(), self.world.home.ends
            data = await self.call("close_session", session=handle)  # or nothing is known of it
            is_second = data.get("error", {}).get("code") == "session_not_found" and ends != self.world.home.ends
            self.check(data.get("status") == "closed" or is_second, data)
            self.closed.add(handle)

    async def look(self, dice):
        for handle in sorted(self.open):
            data = await self.statement("SELECT 1", session=handle)
            code = data.get("error", {}).get("code")
            self.check(code in (None, "quota_exhausted"), "%s was acknowledged: %s" % (handle, data))
            self.check(code or data["context"]["schema"] == "main", data)
        if self.closed:
            data = await self.statement("SELECT 1", session=dice.choice(sorted(self.closed)))
            self.check(data.get("error", {}).get("code") == "session_not_found", "it was closed: %s" % data)

    async def read_on(self, dice):
        data = await self.statement("SELECT range + %d FROM range(%d)" % (self.index, ROWS))
        if "error" in data:
            self.check(data["error"]["code"] == "quota_exhausted", data)
        else:
            self.check(data["total_rows"] == ROWS, data)
            self.results.append(data["result"])
        if self.results:
            at = dice.randrange(ROWS)
            page = await self.call("fetch_result", result=dice.choice(self.results), offset=at, limit=1)
            self.check(page.get("rows") == [[at + self.index]], page)

    async def run(self, dice):
        deeds = (self.query, self.use_context, self.prefer, self.whoami, self.open_one, self.close_one,
                 self.look, self.read_on)
        while not self.world.is_over:
            at = dice.choices(range(len(deeds)), WEIGHTS)[0]
            try:
                await deeds[at](dice)
                self.done[DEEDS[at]] += 1
            except Lost:
                self.lost += 1
            except Failed:
                self.failed += 1

    # ---- after a restart ----

    def snapshot(self):
        self.had, self.had_closed = frozenset(self.open), frozenset(self.closed)

    def audit(self, listed):
        """Bridges are back meanwhile: what was closed since may be listed or not."""
        if self.session:
            self.check(self.session in listed, "its session is lost")
        lost, back = (self.had & self.open) - listed, self.had_closed & listed
        self.check(not lost, "acknowledged, and lost: %s" % sorted(lost))
        self.check(not back, "closed, and back: %s" % sorted(back))

    def check_stored(self, stored):
        self.audit(set(stored))
        context, limit = stored[self.session]
        self.check(context in self.contexts and limit in self.limits, "stored: %s, %s" % (context, limit))
