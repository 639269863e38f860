# SPDX-License-Identifier: Apache-2.0
"""The real ADBC drivers, and a way to use them without us. A driver runs in a process of its own
(peer_adbc.py): it may hang, and one written in Go changes its host's signals."""
import itertools
import os
import subprocess
import threading

from lib.client import DEPS, HERE, Peer
from lib.daemon import ENV
from lib.program import DEADLINE_S, Program

DRIVERS = {name: os.path.abspath(os.path.join(DEPS, "lib", "libadbc_driver_%s.so" % name))
           for name in ("snowflake", "postgresql", "sqlite", "flightsql")}
PYTHON = os.path.abspath(os.path.join(DEPS, "venv", "bin", "python"))
# Without these the Snowflake driver asks the cloud's metadata addresses where it is.
QUIET = {"SF_DISABLE_MINICORE": "true", "SNOWFLAKE_DISABLE_PLATFORM_DETECTION": "true"}


class DriverError(Exception):
    """What the driver says: .status (a name), .vendor_code, .sqlstate, .message, and .details in one text."""

    def __init__(self, fail):
        super().__init__("%s (%s, %s): %s" % (fail["type"], fail["vendor_code"], fail["sqlstate"], fail["message"]))
        self.status, self.vendor_code = fail["type"], fail["vendor_code"]
        self.sqlstate, self.message, self.details = fail["sqlstate"], fail["message"], fail["details"]


class Rows:
    """A result: .names, .types (Arrow's) and .rows; values that JSON does not have are texts."""

    def __init__(self, got):
        self.names, self.types, self.rows = got["names"], got["types"], got["rows"]
        self.affected = got["affected"]


class Driver(Peer):
    """A process with one driver; any number of connections live in it."""

    def __init__(self, name, environment=None, path=None):
        if not os.path.exists(os.path.join(DEPS, "drivers", ".done")):
            raise AssertionError("the drivers are not there: run tools/setup.sh check")
        self.kind = name
        self.program = Program(name + " driver", [PYTHON, os.path.join(HERE, "peer_adbc.py"), path or DRIVERS[name]],
                               env={**ENV, **QUIET, **(environment or {})}, stdin=subprocess.PIPE)
        self.numbers = itertools.count(1)
        self.lock = threading.Lock()
        self.waiting = {}
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def connect(self, options, deadline_s=DEADLINE_S):
        """@options: of the database, as ADBC names them."""
        return self.start_connect(options)(deadline_s)

    def start_connect(self, options):
        """Begins, and gives a function that waits for the connection."""
        future = self.send("open", options=options)
        return lambda deadline_s=DEADLINE_S: Connection(self, result(future, deadline_s)["connection"])


class Connection:
    def __init__(self, driver, number):
        self.driver = driver
        self.number = number

    def start(self, sql, **options):
        """A future of rows, for wait(). @options: of the statement; query_tag is Snowflake's."""
        if "query_tag" in options:
            options["adbc.snowflake.statement.query_tag"] = options.pop("query_tag")
        return self.driver.send("query", connection=self.number, sql=sql, options=options)

    @staticmethod
    def wait(future, deadline_s=DEADLINE_S):
        return Rows(result(future, deadline_s))

    def query(self, sql, deadline_s=DEADLINE_S, **options):
        return self.wait(self.start(sql, **options), deadline_s)

    def value(self, sql, **options):
        return self.query(sql, **options).rows[0][0]

    def cancel(self):
        """The statement that runs, if one does: AdbcStatementCancel."""
        return result(self.driver.send("cancel", connection=self.number), DEADLINE_S)

    def close(self):
        result(self.driver.send("close", connection=self.number), DEADLINE_S)


def result(future, deadline_s):
    got = future.result(deadline_s)
    if "error" in got:
        raise DriverError(got["error"])
    return got
