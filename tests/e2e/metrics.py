# SPDX-License-Identifier: Apache-2.0
"""/metrics, /healthz and /readyz, and what floods are told."""
import contextlib
import http.client
import json
import os
import re
import resource
import signal
import sqlite3
from urllib.parse import urlsplit

from lib.case import SOURCE, Case, main
from lib.daemon import FAKE
from lib.program import poll

LINE = re.compile(r'snowmux_([a-z_]+)(\{[a-z_]+="[^"]*"(?:,[a-z_]+="[^"]*")*\})? ([0-9.e+-]+)$')


class Metrics(Case):
    def ask(self, daemon, path, method="GET", body=None, headers=None):
        connection = http.client.HTTPConnection(urlsplit(daemon.url).netloc, timeout=30)
        self.addCleanup(connection.close)
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read().decode()

    def values(self, daemon):
        status, headers, text = self.ask(daemon, "/metrics")
        self.assertEqual((status, headers["Content-Type"]), (200, "text/plain; version=0.0.4; charset=utf-8"))
        values = {}
        for line in text.splitlines():
            if not line.startswith("#"):
                name, labels, value = LINE.match(line).groups()
                self.assertNotIn(name + (labels or ""), values)
                values[name + (labels or "")] = float(value)
        return values

    def test_an_error_that_is_told_again_is_counted_once(self):
        daemon = self.daemon()
        client = self.http("ts_v1", daemon)
        handle = client.sql("SELECT * FROM no_such_table").error["query"]
        self.check_error(client.call("query_status", query=handle), "sql_error", True)
        now = self.values(daemon)
        self.assertEqual(now['call_errors_total{code="sql_error"}'], 1)
        self.assertEqual(now['tool_calls_total{tool="query_status",outcome="ok"}'], 1)
        self.assertEqual(now['calls_total{outcome="failed"}'], 1)

    def test_what_was_done_is_counted(self):
        daemon = self.daemon({"rate.client": {"burst": 4, "per_s": 0.001}})
        client = self.http("ts_v1", daemon)
        client.sql("SELECT * FROM range(5)")
        client.sql("SELECT * FROM no_such_table")
        client.sql("DELETE FROM x")
        client.sql("SELECT 1")
        client.sql("SELECT 2")
        self.check_error(client.sql("SELECT 3"), "rate_limited", True)
        now = self.values(daemon)
        self.assertEqual(now['calls_total{outcome="ok"}'], 3)
        self.assertEqual(now['calls_total{outcome="failed"}'], 1)
        self.assertEqual(now['calls_total{outcome="refused"}'], 2)
        for outcome, count in ("ok", 3), ("failed", 1), ("refused", 2):
            self.assertEqual(now['tool_calls_total{tool="execute_query",outcome="%s"}' % outcome], count)
            self.assertEqual(now['tool_calls_total{tool="whoami",outcome="%s"}' % outcome], 0)
        self.assertEqual(now['call_errors_total{code="statement_refused"}'], 1)
        self.assertEqual(now['limit_refusals_total{limit="rate",scope="client"}'], 1)
        self.assertEqual((now["rows_total"], now["call_seconds_count"], now["queue_seconds_count"]), (7, 6, 4))
        self.assertEqual(now['call_seconds_bucket{le="+Inf"}'], 6)
        self.assertEqual((now["total_sessions"], now["active_sessions"], now["unique_clients"]), (1, 1, 1))
        self.assertEqual((now["total_requests"], now['client_types{type="http_client"}']), (6, 1))
        self.assertGreater(now["avg_response_time_ms"], 0)
        self.assertEqual(now['slots{profile="demo"}'], now['connections{profile="demo",state="idle"}'] + 7)

    def test_each_tool_has_its_counter_and_figures_follow(self):
        daemon = self.daemon()
        before = self.values(daemon)
        client = self.http("ts_v1", daemon)
        client.call("whoami")
        tools = {re.search('tool="([a-z_]+)"', name).group(1) for name in before if name.startswith("tool_calls")}
        self.assertEqual(tools, {tool["name"] for tool in client.tools()})
        self.assertEqual(self.values(daemon)['tool_calls_total{tool="whoami",outcome="ok"}'], 1)
        self.assertEqual(before["total_sessions"], 0)
        poll(lambda: self.values(daemon)["total_sessions"] == 1, "the session is among the figures")

    def test_calls_that_an_older_version_did_not_time_are_in_no_mean(self):
        daemon = self.daemon()
        client = self.http("ts_v1", daemon)
        client.call("whoami")
        self.assertEqual(daemon.stop(), 0)
        with contextlib.closing(sqlite3.connect(os.path.join(daemon.state, "snowmux.db"))) as db, db:
            db.execute("UPDATE session SET response_times = '', response_ns = 0, calls_total = 1000000000000")
        daemon.restart()
        self.assertEqual(self.values(daemon)["avg_response_time_ms"], 0)
        client.call("whoami")
        poll(lambda: self.values(daemon)["avg_response_time_ms"] > 0, "the call counts alone")

    def test_reuse_and_what_it_costs_to_set_contexts_are_counted(self):
        daemon = self.daemon()
        client = self.http("ts_v1", daemon)
        names = ('leases_total{profile="demo",connection="new"}', 'leases_total{profile="demo",connection="reused"}',
                 'statements_total{profile="demo"}', 'context_statements_total{profile="demo"}')
        figures = lambda: tuple(self.values(daemon)[name] for name in names)
        self.assertEqual(figures(), (0, 0, 0, 0))
        client.sql("SELECT 1")
        self.assertEqual(figures(), (1, 0, 1, 0))
        client.sql("SELECT 2")
        self.assertEqual(figures(), (1, 1, 2, 0))
        client.sql("SELECT 3", schema="information_schema")
        client.sql("SELECT 4", schema="information_schema")
        self.assertEqual(figures(), (1, 3, 4, 1))
        client.sql("SELECT 5")
        self.assertEqual(figures(), (1, 4, 5, 2))

    def test_each_metric_is_documented_and_no_other(self):
        daemon = self.daemon()
        text = self.ask(daemon, "/metrics")[2]
        shown = set(re.findall(r"# TYPE snowmux_([a-z_]+) ", text))
        with open(os.path.join(SOURCE, "docs", "metrics.md"), encoding="utf-8") as page:
            documented = set(re.findall(r"^\| `snowmux_([a-z_]+)`", page.read(), re.M))
        self.assertEqual(shown, documented)

    def test_health_and_other_pages(self):
        daemon = self.daemon()
        self.assertEqual(self.ask(daemon, "/healthz")[::2], (200, "ok\n"))
        self.assertEqual(self.ask(daemon, "/readyz")[::2], (200, "ready\n"))
        self.assertEqual(self.ask(daemon, "/metrics", "HEAD")[::2], (200, ""))
        status, headers, _ = self.ask(daemon, "/metrics", "POST", "")
        self.assertEqual((status, headers["Allow"]), (405, "GET, HEAD"))
        self.assertEqual(self.ask(daemon, "/nothing")[0], 404)
        self.assertEqual(self.ask(daemon, "/metrics", headers={"Host": "evil.example"})[0], 403)

    def test_a_store_that_fails_is_not_ready_until_it_can_be_written(self):
        """As on a full disk: from now on no file of the daemon may grow."""
        daemon = self.daemon()
        limit = lambda bytes: resource.prlimit(daemon.program.pid, resource.RLIMIT_FSIZE,
                                               (bytes, resource.RLIM_INFINITY))
        limit(0)
        self.assertNotEqual(self.initialize(daemon)[0], 200)
        status, _, text = self.ask(daemon, "/readyz")
        self.assertEqual((status, text), (503, "the store cannot be written\n"))
        self.assertEqual(self.ask(daemon, "/healthz")[0], 200)
        now = self.values(daemon)
        self.assertEqual(now["store_trouble"], 1)
        poll(lambda: self.values(daemon)["store_write_failures_total"] > now["store_write_failures_total"],
             "it tries again by itself")
        self.assertEqual(self.ask(daemon, "/readyz")[0], 503)
        limit(resource.RLIM_INFINITY)
        poll(lambda: self.ask(daemon, "/readyz")[0] == 200, "it is ready again")
        self.assertEqual(self.values(daemon)["store_trouble"], 0)
        self.assertEqual(self.initialize(daemon)[0], 200)

    def test_a_daemon_that_drains_is_not_ready(self):
        daemon = self.daemon({"profile.demo": {**FAKE, "slots": 1}, "daemon": {"drain_s": 3600}})
        self.http("ts_v1", daemon).send("execute_query", query="SELECT 'sleep 1000000'")
        daemon.wait_calls(running=1)
        asker = http.client.HTTPConnection(urlsplit(daemon.url).netloc, timeout=30)
        self.addCleanup(asker.close)
        for wanted in (200, b"ready\n"), (503, b"draining: no new calls\n"):
            asker.request("GET", "/readyz")
            answer = asker.getresponse()
            self.assertEqual((answer.status, answer.read()), wanted)
            if answer.status == 200:
                daemon.program.signal(signal.SIGTERM)
                daemon.event("stopping")
        with self.assertRaises(ConnectionRefusedError):
            self.ask(daemon, "/readyz")
        daemon.program.signal(signal.SIGTERM)
        self.assertEqual(daemon.program.wait(), 1)

    def test_a_flood_is_told_when_to_come_back(self):
        daemon = self.daemon({"rate.http": {"burst": 5, "per_s": 0.001}})  # none comes back meanwhile
        got = [self.ask(daemon, "/healthz") for _ in range(7)]
        self.assertEqual([status for status, _, _ in got], [200] * 5 + [429] * 2)
        _, headers, text = got[-1]
        answer = json.loads(text)
        wait_ms = answer["error"]["data"]["retry_after_ms"]
        self.assertEqual(int(headers["Retry-After"]), -(-wait_ms // 1000))
        self.assertTrue(0 < wait_ms <= 1000000, wait_ms)
        self.assertIn("[rate] http", answer["error"]["message"])
        self.assertIn("%d ms" % wait_ms, answer["error"]["message"])
        self.assertEqual((answer["jsonrpc"], answer["id"]), ("2.0", None))
        client = self.stdio("ts_v1", daemon)  # the socket is not concerned
        self.assertEqual(client.sql("SELECT 1").rows, [[1]])

    def test_of_a_flood_nothing_is_done(self):
        daemon = self.daemon({"rate.http": {"burst": 2, "per_s": 0.001}})
        first = self.initialize(daemon)
        session = {"Mcp-Session-Id": first[1]["Mcp-Session-Id"]}
        self.assertEqual([first[0], self.initialize(daemon)[0]], [200, 200])
        self.assertEqual(self.initialize(daemon)[0], 429)  # opens none,
        self.assertEqual(self.ask(daemon, "/mcp", "DELETE", headers=session)[0], 429)  # ends none,
        self.assertEqual(self.ask(daemon, "/nothing")[0], 429)
        self.assertEqual(len(daemon.ask("ls")["sessions"]), 2)

    def test_who_is_refused_anyway_takes_nothing_from_the_rate(self):
        daemon = self.daemon({"rate.http": {"burst": 1, "per_s": 0.001}})
        for _ in range(3):
            self.assertEqual(self.ask(daemon, "/healthz", headers={"Host": "evil.example"})[0], 403)
        self.assertEqual(self.ask(daemon, "/healthz")[0], 200)
        self.assertEqual(self.ask(daemon, "/healthz")[0], 429)

    def initialize(self, daemon):
        params = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}
        return self.ask(daemon, "/mcp", "POST", json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize",
                                                            "params": params}),
                        {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"})


if __name__ == "__main__":
    main()
