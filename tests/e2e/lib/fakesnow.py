# SPDX-License-Identifier: Apache-2.0
"""A server of Snowflake's protocol of the test's own: fakesnow, mended (fakesnow_server.py)."""
import http.client
import json
import os
import shutil
import signal
import subprocess
import tempfile

from lib.client import DEPS, HERE
from lib.daemon import ENV
from lib.program import DEADLINE_S, Program

PYTHON = os.path.abspath(os.path.join(DEPS, "fakesnow", "bin", "python"))
USER, PASSWORD, ROLES, WAREHOUSES = "TESTER", "secret of tester", ("ANALYST", "REPORTER"), ("SMALL", "LARGE")
OPTION = "adbc.snowflake.sql.client_option."
# Slow statements are safe with these: the driver waits client_timeout for an answer's head, asks again a
# few times, and then gives the statement up. A login that nobody answers takes minutes.
CLIENT = {OPTION + "login_timeout": "5s", OPTION + "client_timeout": "60s", OPTION + "request_timeout": "0s",
          OPTION + "keep_session_alive": "false", OPTION + "disable_telemetry": "true"}
# On top of options(): that login takes seconds, and so may statements.
IMPATIENT = {OPTION + "client_timeout": "2s", OPTION + "request_timeout": "5s"}


class Fakesnow:
    """Database DEMO with schema PUBLIC, and what fakesnow_account.py has in DEFAULTS."""

    def __init__(self, account=None):
        """@account: users, warehouses, grants, databases: instead of those of DEFAULTS."""
        if not os.path.exists(os.path.join(DEPS, "fakesnow", ".done")):
            raise AssertionError("fakesnow is not there: run tools/setup.sh check")
        self.directory = tempfile.mkdtemp(prefix="snowmux-fakesnow-")
        with open(os.path.join(self.directory, "account.json"), "w", encoding="utf-8") as file:
            json.dump(account or {}, file)
        self.program = None
        self.port = 0

    def start(self):
        """A second start takes the port of the first; databases are still there, sessions are not."""
        environment = {**ENV, "HOME": self.directory, "TMPDIR": self.directory, "PYTHONWARNINGS": "ignore"}
        self.program = Program("fakesnow", [PYTHON, os.path.join(HERE, "fakesnow_server.py"), str(self.port), self.directory],
                               env=environment, cwd=self.directory, stdin=subprocess.PIPE)
        try:
            said = self.program.out.wait(lambda line: line if line.startswith("listening on ") else None, "its port")
        except AssertionError as error:
            raise AssertionError("%s\n%s" % (error, self.program.err.tail())) from None
        self.port = int(said.split()[-1])
        return self

    def options(self, port=None, **more):
        """Of the ADBC driver. @port: a proxy's. @more: database, schema, role, warehouse, user, password."""
        options = {
            "username": more.pop("user", USER), "password": more.pop("password", PASSWORD),
            "adbc.snowflake.sql.account": "test", "adbc.snowflake.sql.db": more.pop("database", "DEMO"),
            "adbc.snowflake.sql.schema": more.pop("schema", "PUBLIC"),
            "adbc.snowflake.sql.uri.protocol": "http", "adbc.snowflake.sql.uri.host": "127.0.0.1",
            "adbc.snowflake.sql.uri.port": str(port or self.port), **CLIENT}
        options.update({"adbc.snowflake.sql." + key: more.pop(key) for key in ("role", "warehouse") if key in more})
        if more:
            raise TypeError("no such option: %s" % ", ".join(more))
        return {key: value for key, value in options.items() if value is not None}

    def control(self, command, **ask):
        """expire(master=False), forget(), password(user, password), account(...), sessions(), sql(sql), clear();
        for the next @count statements in which the regular expression @match is found:
        delay(seconds, match, count), fail(code, sqlstate, message, match, count)."""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        try:
            link.request("POST", "/control/" + command, json.dumps(ask))
            answer = link.getresponse()
            got = json.loads(answer.read())
        finally:
            link.close()
        if answer.status != 200:
            raise AssertionError("fakesnow refused the command %s: %s" % (command, got["error"]))
        return got

    def sql(self, text):
        """Without a session, so that nothing is logged: for what is to be there before a test."""
        return self.control("sql", sql=text)

    def log(self, *events):
        """All requests so far, or those of these kinds."""
        with open(os.path.join(self.directory, "requests.jsonl"), encoding="utf-8") as file:
            # A server that was killed may have left half a line.
            found = [json.loads(line) for line in file if line.endswith("\n")]
        return [entry for entry in found if not events or entry["event"] in events]

    def logins(self):
        """user, role, warehouse, database, schema as asked for; session, or the code of a refusal; way: the
        authenticator, "" where it was a password."""
        return self.log("login")

    def queries(self, word=""):
        """Statements that have @word in them: sql, tag, session, user, role, warehouse, database, schema as
        they were when it came; parameters; .code and .query_id once it has ended, .is_ended. What a driver sends
        again is not in this list but in log("again")."""
        ends = {entry["of"]: entry for entry in self.log("end")}
        found = [entry for entry in self.log("query") if word in entry["sql"]]
        for entry in found:
            end = ends.get(entry["number"])
            entry.update(is_ended=end is not None, code=end and end["code"], query_id=end and end["query_id"])
        return found

    def stop(self):
        if self.program and self.program.is_running:
            self.program.signal(signal.SIGTERM)
            self.program.wait()

    def kill9(self):
        if self.program:
            self.program.kill()

    def restart(self):
        self.stop()
        return self.start()

    def close(self):
        self.kill9()
        shutil.rmtree(self.directory, ignore_errors=True)
