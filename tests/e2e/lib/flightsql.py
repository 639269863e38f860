# SPDX-License-Identifier: Apache-2.0
"""A server of Flight SQL of the test's own (flightsql_server.py): on loopback, with a port that the kernel chose."""
import json
import os
import shutil
import signal
import subprocess
import tempfile

from lib.client import DEPS, HERE
from lib.daemon import ENV
from lib.program import Program

PYTHON = os.path.abspath(os.path.join(DEPS, "fakesnow", "bin", "python"))  # it has pyarrow and duckdb
USER, PASSWORD = "tester", "secret of tester"
READER, READER_PASSWORD = "reader", "secret of reader"
RPC = "adbc.flight.sql.rpc.timeout_seconds."


class FlightSql:
    """@statements: what the database, which is in memory, begins with at each start."""

    def __init__(self, statements):
        if not os.path.exists(os.path.join(DEPS, "fakesnow", ".done")):
            raise AssertionError("pyarrow is not there: run tools/setup.sh check")
        self.directory = tempfile.mkdtemp(prefix="snowmux-flightsql-")
        self.script = os.path.join(self.directory, "start.sql")
        with open(self.script, "w", encoding="utf-8") as file:
            file.write(";\n".join(statements) + ";\n")
        self.program = None
        self.port = 0
        self.password = PASSWORD  # of the next start

    def start(self):
        """A second start takes the port of the first; sessions of the first are not known."""
        users = ["%s:%s" % (USER, self.password), "%s:%s:reader" % (READER, READER_PASSWORD)]
        command = [PYTHON, os.path.join(HERE, "flightsql_server.py"), str(self.port), self.script, *users]
        self.program = Program("flightsql", command, env={**ENV, "PYTHONWARNINGS": "ignore"}, cwd=self.directory, stdin=subprocess.PIPE)
        try:
            said = self.program.out.wait(lambda line: line if "listening" in line else None, "its port")
        except AssertionError as error:
            raise AssertionError("%s\n%s" % (error, self.program.err.tail())) from None
        self.port = json.loads(said)["port"]
        return self

    def options(self, port=None, user=USER, password=PASSWORD):
        """Of the ADBC driver. @port: a proxy's."""
        return {"uri": "grpc://127.0.0.1:%d" % (port or self.port), "username": user, "password": password}

    def log(self, event):
        """Since the last start."""
        return [entry for entry in map(json.loads, list(self.program.out.lines)) if entry["event"] == event]

    def logins(self):
        """user, and the token that it got; None: it was refused."""
        return self.log("login")

    def forget(self):
        """All sessions: their tokens are not known any more."""
        since = len(self.program.out.lines)
        self.program.process.stdin.write("forget\n")
        self.program.process.stdin.flush()
        self.program.out.wait(lambda line: line if "forgot" in line else None, "that it forgot", since)

    def queries(self, word=""):
        """Statements that have @word in them: sql, user, session, .is_ended."""
        ends = {entry["of"] for entry in self.log("end")}
        return [{**entry, "is_ended": entry["number"] in ends} for entry in self.log("query") if word in entry["sql"]]

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
