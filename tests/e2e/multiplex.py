# SPDX-License-Identifier: Apache-2.0
"""Many sessions with contexts of their own over few connections: the same answers as one by one, and
no more logins than connections. MULTIPLEX_SEED=N plays the order of a run again."""
import collections
import os
import random

from lib.case import main
from lib.client import Answer
from lib.engine import ENGINES, EngineCase

SESSIONS, SLOTS, IN_FLIGHT, CALLS = 200, 8, 12, 2
# Rates and bounds are not what is asked about here.
WIDE = {"session": {"max_per_principal": 1000}, "concurrency.client": {"run": 0, "queue": 1000},
        "concurrency.principal": {"run": 0, "queue": 1000}}


class Multiplex:
    """Mixed into a class for each engine."""

    kind = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.engine = ENGINES[cls.kind](cls.addClassCleanup)

    def start(self, slots):
        self.daemon_ = self.serve(self.engine, settings=WIDE, slots=slots)
        return self.http("ts_v2", self.daemon_, era="modern")

    def send(self, client, session, number):
        return client.send("execute_query", query=self.where % number, session=session)

    def check(self, answer, context, number):
        self.check_rows(answer, [[*self.said(context), number]])
        self.assertEqual({key: answer.data["context"].get(key) for key in context}, context)

    def test_many_sessions_over_few_connections_answer_as_one_by_one(self):
        seed = int(os.environ.get("MULTIPLEX_SEED", random.randrange(1 << 31)))
        print("MULTIPLEX_SEED=%d" % seed, flush=True)
        chance = random.Random(seed)
        logins = self.count_logins()
        client = self.start(SLOTS)
        contexts = [chance.choice(self.contexts) for _ in range(SESSIONS)]
        sessions = [client.call("open_session", **context).data["session"] for context in contexts]
        calls = [(at, number) for number in range(CALLS) for at in range(SESSIONS)]
        chance.shuffle(calls)
        flight = collections.deque()
        for at, number in calls:
            if len(flight) == IN_FLIGHT:
                self.end(flight)
            flight.append((contexts[at], number, self.send(client, sessions[at], number)))
        while flight:
            self.end(flight)
        now = self.metrics(self.daemon_)
        opened = sum(now['connections{profile="%s",state="%s"}' % (self.engine.profile, state)] for state in ("busy", "idle", "connecting"))
        self.assertLessEqual(opened, SLOTS)
        self.check_logins(self.count_logins() - logins, opened, now["workers_started_total"])
        for at in chance.sample(range(SESSIONS), 20):  # one by one
            self.check(Answer(self.send(client, sessions[at], 77).result(60)), contexts[at], 77)

    def end(self, flight):
        context, number, future = flight.popleft()
        self.check(Answer(future.result(120)), context, number)

    def count_logins(self):
        return 0

    def check_logins(self, logins, opened, workers):
        self.assertLessEqual(logins, opened + workers)


class SnowflakeMultiplex(Multiplex, EngineCase):
    kind = "snowflake"
    where = "SELECT CURRENT_ROLE(), CURRENT_WAREHOUSE(), place, %d FROM here"
    contexts = [{"role": role, "warehouse": warehouse, "database": database, "schema": schema}
                for role in ("ANALYST", "REPORTER") for warehouse in ("SMALL", "LARGE")
                for database, schema in (("DEMO", "PUBLIC"), ("DEMO", "SIDE"), ("OTHER", "PUBLIC"))]

    def said(self, context):
        return [context["role"], context["warehouse"], "%s.%s" % (context["database"], context["schema"])]

    def count_logins(self):
        return len(self.engine.server.logins())

    def test_ten_clients_in_turn_cause_one_login_and_ten_at_once_no_more_than_connections(self):
        before = self.count_logins()
        self.start(SLOTS)
        clients = [self.http("ts_v1", self.daemon_, name="c%d" % number) for number in range(10)]
        for client in clients:
            self.check_rows(client.sql("SELECT 1"), [[1]])
        self.assertEqual(self.count_logins() - before, 1)
        for client in [client.send("execute_query", query="SELECT 2") for client in clients]:
            self.check_rows(Answer(client.result(60)), [[2]])
        self.assertLessEqual(self.count_logins() - before, SLOTS + 1)


class PostgresMultiplex(Multiplex, EngineCase):
    kind = "postgresql"
    where = "SELECT schema_name, %d FROM here"
    contexts = [{"schema": "sales"}, {"schema": "other"}]

    def said(self, context):
        return [context["schema"]]

    def count_logins(self):
        return len(self.engine.logins())


class DuckdbMultiplex(Multiplex, EngineCase):
    kind = "duckdb"
    where = "SELECT place, %d FROM here"
    contexts = [{"database": database, "schema": schema} for database in ("shop", "store") for schema in ("sales", "main")]

    def said(self, context):
        return ["%s.%s" % (context["database"], context["schema"])]


class FlightSqlMultiplex(DuckdbMultiplex):
    kind = "flightsql"

    def count_logins(self):
        return len(self.engine.logins())


if __name__ == "__main__":
    main()
