# SPDX-License-Identifier: Apache-2.0
"""Eight clients at once: every answer belongs to its asker and to its context."""
import collections
import threading

from lib import facts
from lib.case import SOURCE, Case, main
from lib.client import Answer

CALLS = 200
IN_FLIGHT = 4
# kind of peer, transport, era, context
CLIENTS = [
    ("ts_v1", "stdio", "legacy", "travel.flights"),
    ("ts_v2", "stdio", "auto", "nature.weather"),
    ("python", "stdio", "legacy", "travel.postal"),
    ("ts_v1", "http", "legacy", "nature.wildlife"),
    ("ts_v2", "http", "auto", "travel.airports"),
    ("ts_v2", "http", "legacy", "nature.antarctica"),
    ("python", "http", "auto", "travel.economy"),
    ("python", "http", "legacy", "nature.habitat"),
]


class EightClients(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.summaries = facts.summaries(facts.load(SOURCE))

    def enter(self, daemon, number):
        """A client in its context, and what each of its calls has to name."""
        kind, transport, era, context = CLIENTS[number]
        connect = {"http": self.http, "stdio": self.stdio}[transport]
        client = connect(kind, daemon, era=era, name="client-%d" % number)
        client.tools()  # from now on the SDK checks every answer against the schema
        database, schema = context.split(".")
        if number % 2:
            answer = client.call("use_context", schema=context)
        else:
            answer = client.call("use_context", database=database, schema=schema)
        self.assertFalse(answer.is_error, answer.text)
        return client, {"session": answer.data["session"]} if era != "legacy" else {}

    def calls(self, number, client, named, failures):
        """Keeps some calls in flight until all are answered; each asks for a number of its own."""
        context = CLIENTS[number][3]
        database, schema = context.split(".")
        flight = collections.deque()
        for call in range(CALLS + IN_FLIGHT):
            if call >= IN_FLIGHT:
                asked, future = flight.popleft()
                answer = Answer(future.result(120))
                if answer.is_error:
                    failures.append((number, answer.text))
                    continue
                rows = [[*row, str(asked)] for row in self.summaries[context]]
                said = answer.data["context"]
                if (facts.exact(answer.text)["rows"], said["database"], said["schema"]) != (rows, database, schema):
                    failures.append((number, asked, answer.text))
            if call < CALLS:
                asked = number * 1000 + call
                sql = "SELECT metric, value, %d FROM summary ORDER BY metric" % asked
                flight.append((asked, client.send("execute_query", query=sql, **named)))

    def test_every_answer_belongs_to_its_asker_and_context(self):
        daemon = self.daemon()
        self.assertEqual(len({c[3] for c in CLIENTS}), 8)
        self.assertEqual(len({str(self.summaries[c[3]]) for c in CLIENTS}), 8)
        entered = [self.enter(daemon, number) for number in range(8)]
        failures = []
        threads = [threading.Thread(target=self.calls, args=(number, client, named, failures))
                   for number, (client, named) in enumerate(entered)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures[:3], [])
        sessions = {s["client"]: s for s in daemon.ask("ls")["sessions"]}
        for number, (_, _, era, _) in enumerate(CLIENTS):
            own = sessions["client-%d" % number]
            self.assertGreaterEqual(own["successful_requests"], CALLS)
            self.assertEqual(own["failed_requests"], 0)
        self.assertLessEqual(len(daemon.workers()), 2)


if __name__ == "__main__":
    main()
