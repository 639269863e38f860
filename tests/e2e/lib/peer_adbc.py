# SPDX-License-Identifier: Apache-2.0
"""A host for one ADBC driver, told by lines of JSON what to do; see drivers.py. One thread a
connection calls the driver, only a cancel comes from another."""
import concurrent.futures
import json
import os
import sys
import threading

from adbc_driver_manager import AdbcConnection, AdbcDatabase, AdbcStatement, Error
from adbc_driver_manager._reader import AdbcRecordBatchReader

DRIVER = sys.argv[1]
PLAIN = (str, int, float, bool, type(None))
writing = threading.Lock()
connections = {}


class Connected:
    def __init__(self):
        self.thread = concurrent.futures.ThreadPoolExecutor(1)
        self.database = self.connection = self.statement = None
        # Guards .statement: a cancel never meets one that is being released.
        self.lock = threading.Lock()

    def open(self, options):
        self.database = AdbcDatabase(driver=DRIVER, **options)
        try:
            self.connection = AdbcConnection(self.database)
        except BaseException:
            self.database.close()
            raise

    def query(self, sql, options):
        statement = AdbcStatement(self.connection)
        with self.lock:
            self.statement = statement
        try:
            if options:
                statement.set_options(**options)
            statement.set_sql_query(sql)
            stream, affected = statement.execute_query()
            table = AdbcRecordBatchReader._import_from_c(stream.address).read_all()
        finally:
            with self.lock:
                self.statement = None
            statement.close()
        columns = [[plain(value) for value in column.to_pylist()] for column in table.columns]
        return {"names": table.column_names, "types": [str(field.type) for field in table.schema],
                "rows": [list(row) for row in zip(*columns)], "affected": affected}

    def cancel(self):
        with self.lock:
            if self.statement:
                self.statement.cancel()
            return {"did": self.statement is not None}

    def close(self):
        self.connection.close()
        self.database.close()


def plain(value):
    return value if isinstance(value, PLAIN) else str(value)


def begin(ask):
    """The thread for @ask and what it is to do there; a cancel is done at once."""
    if ask["do"] == "open":
        connected = connections[ask["id"]] = Connected()

        def deed():
            connected.open(ask["options"])
            return {"connection": ask["id"]}
        return connected.thread, deed
    connected = connections[ask["connection"]]
    if ask["do"] == "query":
        return connected.thread, lambda: connected.query(ask["sql"], ask["options"])
    if ask["do"] == "close":
        return connected.thread, lambda: connected.close() or {}
    return None, connected.cancel


def answer(ask, deed):
    try:
        out = deed()
    except BaseException as error:
        out = {"error": {"type": error.status_code.name if isinstance(error, Error) else type(error).__name__,
                         "message": str(error), "vendor_code": getattr(error, "vendor_code", None),
                         "sqlstate": getattr(error, "sqlstate", None),
                         "details": str(getattr(error, "details", ""))}}
    with writing:
        sys.stdout.write(json.dumps({"id": ask["id"], "ok": out}) + "\n")
        sys.stdout.flush()


for line in sys.stdin:
    asked = json.loads(line)
    where, what = begin(asked)
    if where:
        where.submit(answer, asked, what)
    else:
        answer(asked, what)
os._exit(0)  # whatever a driver still does
