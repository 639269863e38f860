# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL of the test's own: a cluster in a temporary directory, on loopback only."""
import os
import shutil
import signal
import subprocess
import sys
import tempfile

from lib import postgres_wire
from lib.client import DEPS, HERE
from lib.port import free_port
from lib.program import DEADLINE_S, Program

BIN = os.path.abspath(os.path.join(DEPS, "postgresql", "bin"))
DATABASE, USER, PASSWORD = "test", "tester", "secret of tester"
SETTINGS = {
    "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off", "synchronous_commit": "off",
    "full_page_writes": "off", "jit": "off", "shared_buffers": "16MB", "max_connections": "64", "max_wal_size": "64MB",
    "dynamic_shared_memory_type": "mmap", "log_min_messages": "log", "track_activity_query_size": "16384",
}
HBA = "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
READY = "database system is ready to accept connections"


class PortTaken(Exception):
    pass


class Postgres:
    """The superuser needs no password; `tester` owns the database `test` and needs one."""

    def __init__(self, settings=None):
        """@settings: of postgresql.conf, on top of SETTINGS."""
        if not os.path.exists(os.path.join(DEPS, "postgresql", ".done")):
            raise AssertionError("PostgreSQL is not there: run tools/setup.sh check")
        self.settings = {**SETTINGS, **(settings or {})}
        self.directory = tempfile.mkdtemp(prefix="snowmux-postgres-")
        self.data = os.path.join(self.directory, "data")
        self.program = None
        self.port = self.pid = 0
        self.bin, self.prefix = BIN, []
        if os.geteuid() == 0:
            self._drop_root()

    def _drop_root(self):
        """The server refuses to run as root. Where nobody else may enter, its files are copied."""
        self.prefix = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        shutil.chown(self.directory, "nobody", "nogroup")
        if subprocess.run([*self.prefix, "test", "-x", os.path.join(BIN, "postgres")], check=False).returncode:
            shutil.copytree(os.path.join(DEPS, "postgresql", "usr"), os.path.join(self.directory, "usr"))
            usr = os.path.dirname(BIN) + "/usr"
            self.bin = os.path.join(self.directory, "usr", os.path.relpath(os.path.realpath(BIN), os.path.realpath(usr)))

    def _run(self, name, *arguments):
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        return [*self.prefix, os.path.join(self.bin, name), *arguments], environment

    def start(self):
        command, environment = self._run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust",
                                         "--no-sync", "--locale=C.UTF-8", "--encoding=UTF8")
        made = subprocess.run(command, env=environment, cwd=self.directory, text=True, check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if made.returncode:
            raise AssertionError("initdb failed\n%s" % made.stdout)
        with open(os.path.join(self.data, "pg_hba.conf"), "w", encoding="utf-8") as file:
            file.write(HBA)
        for _ in range(10):
            self.port = free_port()
            try:
                self._launch()
                break
            except PortTaken:
                continue
        else:
            raise AssertionError("no port was free in ten attempts")
        self.sql("CREATE ROLE %s LOGIN PASSWORD '%s'" % (USER, PASSWORD), "postgres")
        self.sql("CREATE DATABASE %s OWNER %s" % (DATABASE, USER), "postgres")
        return self

    def _launch(self, attempts=50):
        settings = [word for key, value in self.settings.items() for word in ("-c", "%s=%s" % (key, value))]
        command, environment = self._run("postgres", "-D", self.data, "-p", str(self.port), *settings)
        leash = [sys.executable, os.path.join(HERE, "leash.py"), "QUIT", self.directory]
        self.program = Program("postgres", leash + command, env=environment, cwd=self.directory, stdin=subprocess.PIPE)
        self.pid = int(self.program.out.wait(lambda line: line, "its process id"))
        try:
            self.program.err.wait(lambda line: READY in line or None, "the line that says that it is ready")
        except AssertionError as error:
            self._end(signal.SIGKILL)
            if "could not bind" in str(error):
                raise PortTaken from None
            # Whoever served connections of a killed server ends a moment after it.
            if "is still in use" in str(error) and attempts:
                return self._launch(attempts - 1)
            raise
        return None

    def _uri(self, who):
        return "postgresql://%s@127.0.0.1:%d/%s" % (who, self.port, DATABASE)

    @property
    def uri(self):
        return self._uri("%s:%s" % (USER, PASSWORD.replace(" ", "%20")))

    @property
    def superuser_uri(self):
        return self._uri("postgres")

    def sql(self, text, database=DATABASE):
        """As superuser, on a connection of its own; rows are dictionaries of texts."""
        return postgres_wire.query(self.port, "postgres", database, text)

    def activity(self):
        """The other clients' connections: pid, user, application_name, state and query."""
        return self.sql("SELECT pid, usename AS user, application_name, state, query FROM pg_stat_activity"
                        " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY backend_start")

    def is_running(self, word):
        """Whether somebody runs a statement with @word in it right now."""
        return any(row["state"] == "active" and word in row["query"] for row in self.activity())

    def stop(self):
        """Ends connections and the server in order; the data stays."""
        return self._end(signal.SIGINT)

    def kill9(self):
        return self._end(signal.SIGKILL)

    def _end(self, number):
        if self.program and self.program.is_running:
            os.kill(self.pid, number)
            self.program.wait(DEADLINE_S)

    def restart(self):
        """On the same port, with the same data; also after stop() or kill9()."""
        self.stop()
        self._launch()
        return self

    def close(self):
        self._end(signal.SIGQUIT)
        shutil.rmtree(self.directory, ignore_errors=True)
