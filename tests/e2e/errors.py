# SPDX-License-Identifier: Apache-2.0
"""Every error code of src/tools/error.def, through the first TypeScript SDK, which checks errors
against the tools' output schemas as it checks results."""
import datetime
import os
import re
import resource
import signal
import time

from lib.case import LONG_SQL, SOURCE, Case, main
from lib.client import Answer
from lib.daemon import DEMO, FAKE
from lib.line import Line

ROW = re.compile(r'^TOOL_ERROR\((\w+), "(\w+)", (true|false), "((?:[^"\\]|\\.)*)"', re.M)

# What cannot be provoked from outside: fed to the SDK's own check instead.
NOT_PROVOKED = {
    "internal": "a fault of snowmux or of the driver that no input is known to cause",
    "scan_too_large": "needs an engine that estimates what it scans: catalog_tools.py",
    "state_lost": "needs a connection that goes within a transaction: pins.py",
    "waiting_for_login": "needs a driver that signs in by a browser: sign_in.py",
}
NOBODY = "a" * 26


def table():
    """Code to (is it retryable, its hint)."""
    with open(os.path.join(SOURCE, "src/tools/error.def"), encoding="utf-8") as file:
        return {code: (retryable == "true", hint) for _, code, retryable, hint in ROW.findall(file.read())}


class Errors(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.table = table()

    def client(self, settings=None, transport="http"):
        """A client that knows the output schemas, and its daemon."""
        daemon = self.daemon(settings)
        client = {"http": self.http, "stdio": self.stdio}[transport]("ts_v1", daemon)
        client.tools()
        return client, daemon

    def check(self, code, answer):
        return self.check_error(answer, code, self.table[code][0])

    def occupy(self, client, daemon, **more):
        call = client.send("execute_query", query=LONG_SQL, **more)
        daemon.wait_calls(running=1)
        return call

    def provoke_invalid_argument(self):
        client, _ = self.client()
        for arguments in ({}, {"query": 7}, {"query": "SELECT 1", "limit": 0}, {"query": "SELECT 1", "colour": "red"},
                          {"query": "SELECT 1", "limit": "many"}):
            self.check("invalid_argument", client.call("execute_query", **arguments))

    def provoke_no_credential(self):
        client, _ = self.client({"profile.own": {**FAKE, "identity": "per_principal"}})
        self.check("no_credential", client.sql("SELECT 1", profile="own"))

    def provoke_no_profile(self):
        client, _ = self.client({"profile.demo": None})
        self.check("no_profile", client.sql("SELECT 1"))

    def provoke_unknown_profile(self):
        client, _ = self.client()
        self.assertIn("demo", self.check("unknown_profile", client.sql("SELECT 1", profile="nobody"))["message"])

    def provoke_statement_refused(self):
        client, _ = self.client()
        for sql, line, column in (("DELETE FROM flight", 1, 1), ("SELECT 1;\n SELECT 2", 2, 2)):
            error = self.check("statement_refused", client.sql(sql))
            self.assertEqual(error["position"], {"line": line, "column": column})

    def provoke_object_not_found(self):
        client, _ = self.client()
        error = self.check("object_not_found", client.call("query_view", view_name="travel.airports.airprot"))
        self.assertIn("airport", error["nearest"])

    def provoke_sql_error(self):
        client, _ = self.client()
        self.check("sql_error", client.sql("SELECT nothing FROM nowhere"))

    def provoke_context_failed(self):
        client, _ = self.client({"profile.demo": {"schema": "nowhere"}})
        self.check("context_failed", client.sql("SELECT 1"))

    def provoke_session_not_found(self):
        client, _ = self.client()
        self.check("session_not_found", client.sql("SELECT 1", session="s_" + NOBODY))

    def provoke_query_not_found(self):
        client, _ = self.client()
        self.check("query_not_found", client.call("query_status", query="q_" + NOBODY))

    def provoke_result_not_found(self):
        client, _ = self.client()
        self.check("result_not_found", client.call("fetch_result", result="r_" + NOBODY))

    def provoke_wrong_handle(self):
        client, _ = self.client()
        self.check("wrong_handle", client.sql("SELECT 1", session="q_" + NOBODY))
        self.check("wrong_handle", client.call("fetch_result", result="s_" + NOBODY))

    def provoke_timeout(self):
        client, _ = self.client()
        self.check("timeout", client.sql(LONG_SQL, timeout_s=1))

    def provoke_queue_timeout(self):
        client, daemon = self.client({"profile.demo": {"slots": 1}, "query": {"queue_s": 1}})
        running = self.occupy(client, daemon)
        self.check("queue_timeout", client.sql("SELECT 1"))
        self.assertGreaterEqual(client.call("session_stats").data["avg_queue_time_ms"], 100)
        client.abort(running)

    def provoke_queue_full(self):
        client, daemon = self.client({"profile.demo": {"slots": 1}, "concurrency.client": {"queue": 1}})
        running = self.occupy(client, daemon)
        waiting = client.send("execute_query", query="SELECT 1")
        daemon.wait_calls(running=1, queued=1)
        error = self.check("queue_full", client.sql("SELECT 2"))
        self.assertGreater(error.get("retry_after_ms", 0), 0)
        self.assertEqual((error["limit"]["name"], error["limit"]["max"]), ("client_queue", 1))
        client.abort(running)
        self.assertEqual(Answer(waiting.result(60)).rows, [[1]])

    def provoke_rate_limited(self):
        client, _ = self.client({"rate.client": {"burst": 2, "per_s": 0.01}})
        for _ in range(2):
            self.assertEqual(client.sql("SELECT 1").rows, [[1]])
        error = self.check("rate_limited", client.sql("SELECT 1"))
        self.assertEqual((error["limit"]["name"], error["limit"]["max"]), ("client_queries", 2))
        self.assertGreater(error["retry_after_ms"], 0)
        self.assertFalse(client.call("list_tables").is_error)

    def provoke_quota_reserved(self):
        client, daemon = self.client({"quota.client": {"rows": 100}})
        running = self.occupy(client, daemon)
        error = self.check("quota_reserved", client.sql("SELECT 1"))
        self.assertEqual((error["limit"]["name"], error["limit"]["reserved"]), ("client_rows", 100))
        self.assertGreater(error["retry_after_ms"], 0)
        client.abort(running)

    def provoke_quota_exhausted(self):
        client, _ = self.client({"quota.client": {"calls": 1}})
        self.assertEqual(client.sql("SELECT 1").rows, [[1]])
        error = self.check("quota_exhausted", client.sql("SELECT 1"))
        self.assertEqual((error["limit"]["name"], error["limit"]["remaining"]), ("client_calls", 0))
        self.assertRegex(error["reset_at"], r"T00:00:00[+-]\d\d:\d\d$")
        reset_s = datetime.datetime.fromisoformat(error["reset_at"]).timestamp()
        self.assertAlmostEqual(error["retry_after_ms"] / 1000, reset_s - time.time(), delta=60)

    def provoke_state_elsewhere(self):
        state = {"policy": "session_state"}
        client, _ = self.client({"profile.demo": state, "profile.other": {"files": DEMO, **state}})
        self.assertFalse(client.sql("SET VARIABLE x = 1").is_error)
        self.check("state_elsewhere", client.sql("SET VARIABLE x = 1", profile="other"))
        self.assertEqual(client.sql("SELECT getvariable('x')").rows, [[1]])

    def provoke_outcome_unknown(self):
        _, daemon = self.client({"profile.demo": {"policy": "session_state"}})
        ask = {"jsonrpc": "2.0", "id": 2, "method": "tools/call",
               "params": {"name": "execute_query", "arguments": {"query": "SET VARIABLE x = 1"}}}
        with Line(daemon.socket) as line:
            line.send({"snowmux": "hello", "version": 1, "instance": "again", "session": None},
                      {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
                          "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "a", "version": "1"}}},
                      {"snowmux": "again", "message": ask})
            answer = line.until("id", 2)["result"]
        self.assertEqual(answer["structuredContent"]["error"]["code"], "outcome_unknown")

    def provoke_too_many_sessions(self):
        client, _ = self.client({"session": {"max_per_principal": 2}})
        self.assertFalse(client.call("open_session").is_error)
        error = self.check("too_many_sessions", client.call("open_session"))
        self.assertRegex(error["message"], r"There are \d+ sessions of this principal, as many as may")

    def provoke_cancelled(self):
        client, daemon = self.client()
        running = self.occupy(client, daemon)
        (query,) = [q["query"] for q in client.call("query_status").data["queries"] if q["status"] == "running"]
        self.assertFalse(client.call("cancel_query", query=query).is_error)
        self.check("cancelled", Answer(running.result(60)))

    def provoke_worker_died(self):
        client, _ = self.client({"profile.fake": FAKE})
        self.check("worker_died", client.sql("SELECT 'crash'", profile="fake"))

    def provoke_unavailable(self):
        client, _ = self.client({"profile.fake": {**FAKE, "entrypoint": "NoSuchFunction"}})
        error = self.check("unavailable", client.sql("SELECT 1", profile="fake"))
        self.assertIn("NoSuchFunction", error["message"])
        self.assertGreater(error["retry_after_ms"], 0)
        self.assertEqual(client.sql("SELECT 1", profile="demo").rows, [[1]])

    def provoke_login_refused(self):
        client, _ = self.client({"profile.fake": FAKE, "profile.fake.options": {"refuse": "no such user"}})
        error = self.check("login_refused", client.sql("SELECT 1", profile="fake"))
        self.assertIn("Profile fake cannot be reached: the login was refused: no such user. ", error["message"])
        self.assertEqual(client.sql("SELECT 1", profile="demo").rows, [[1]])

    def provoke_draining(self):
        client, daemon = self.client({"profile.demo": {**FAKE, "slots": 1}}, "stdio")
        running = client.send("execute_query", query="SELECT 'sleep 1000'")
        daemon.wait_calls(running=1)
        daemon.program.signal(signal.SIGTERM)
        daemon.event("stopping")
        self.check("draining", client.sql("SELECT 'cancels'"))
        self.assertEqual(Answer(running.result(60)).rows, [["slept"]])

    def provoke_store_failed(self):
        """As on a full disk: from now on no file of the daemon may grow."""
        client, daemon = self.client()
        client.sql("SELECT 1")  # starts the worker, which would inherit the limit
        resource.prlimit(daemon.program.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        self.check("store_failed", client.call("open_session"))
        self.check("store_failed", client.call("use_context", schema="travel.postal"))
        self.assertEqual(client.sql("SELECT current_schema()").rows, [["main"]])
        resource.prlimit(daemon.program.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        self.assertFalse(client.call("open_session").is_error)

    def test_every_code_of_the_table_is_provoked_or_named_with_a_reason(self):
        provoked = {name[len("provoke_"):] for name in dir(self) if name.startswith("provoke_")}
        self.assertGreater(len(self.table), 20)
        self.assertEqual(provoked | set(NOT_PROVOKED), set(self.table))
        self.assertFalse(provoked & set(NOT_PROVOKED))

    def test_what_cannot_be_provoked_passes_the_check_of_the_sdk_with_every_tool(self):
        client, _ = self.client()
        tools = client.tools()
        for code in NOT_PROVOKED:
            retryable, hint = self.table[code]
            error = {"code": code, "message": "x", "hint": hint, "retryable": retryable, "retry_after_ms": 1,
                     "query": "q_" + NOBODY}
            for tool in tools:
                with self.subTest(code=code, tool=tool["name"]):
                    got = client.peer.ask("validate", client=client.key, tool=tool["name"],
                                          structured={"error": error})
                    self.assertTrue(got["valid"], got["message"])
                    got = client.peer.ask("validate", client=client.key, tool=tool["name"], structured={"error": 1})
                    self.assertFalse(got["valid"])

    def test_hints_name_only_tools_and_arguments_that_exist(self):
        client, _ = self.client()
        known = {tool["name"] for tool in client.tools()}
        for tool in client.tools():
            known |= set(tool["inputSchema"]["properties"])
        for code, (_, hint) in self.table.items():
            names = set(re.findall(r"\b[a-z]+_[a-z_]+\b", hint))
            self.assertLessEqual(names, known, code)


def add_tests():
    for name in sorted(vars(Errors)):
        if name.startswith("provoke_"):
            setattr(Errors, "test_%s_passes_the_check_of_the_sdk" % name[len("provoke_"):], getattr(Errors, name))


add_tests()

if __name__ == "__main__":
    main()
