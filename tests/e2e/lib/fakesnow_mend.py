# SPDX-License-Identifier: Apache-2.0
"""What fakesnow does otherwise than Snowflake, mended from outside. Runs in fakesnow's environment,
see fakesnow_server.py."""
import re
import string

import duckdb
import fakesnow.arrow
import fakesnow.conn
import fakesnow.info_schema
import fakesnow.rowtype
import pyarrow
import snowflake.connector.errors
from fakesnow.cursor import FakeSnowflakeCursor
from fakesnow_account import MISSING, Refused
from sqlglot import exp

INTERNAL = (603, "XX000")
FAULTS = ((duckdb.InterruptException, 604, "57014"), (duckdb.ConversionException, 100038, "22018"),
          (duckdb.OutOfRangeException, 100046, "22003"), (duckdb.InvalidInputException, 100035, "22007"))


def function(node):
    """(name, arguments) of a call of what belongs to a session; None for anything else."""
    if isinstance(node, exp.Anonymous):
        return node.name.upper(), node.expressions
    if isinstance(node, exp.Func) and type(node).__name__.startswith("Current"):
        return node.sql_names()[0].upper(), []
    return None


def value_of(session, name, arguments):
    """(is known, the value)."""
    plain = {"CURRENT_ROLE": session.role, "CURRENT_WAREHOUSE": session.warehouse, "CURRENT_USER": session.user,
             "CURRENT_SESSION": str(session.number), "CURRENT_ACCOUNT": "TEST", "CURRENT_REGION": "LOOPBACK",
             "CURRENT_DATABASE": session.connection.database, "CURRENT_SCHEMA": session.connection.schema,
             "CURRENT_SECONDARY_ROLES": '{"roles":"","value":"%s"}' % (session.secondary or "")}
    if name == "LAST_QUERY_ID":
        return True, session.last_query_id(int(arguments[0].sql()) if arguments else -1)
    return name in plain, plain.get(name)


class Cursor(FakeSnowflakeCursor):
    """Knows its session (of fakesnow_account.py), and has a code for each error."""

    @property
    def session(self):
        return getattr(self._conn, "session", None)

    def execute(self, command, *args, **kwargs):
        try:
            return super().execute(command, *args, **kwargs)
        except snowflake.connector.errors.Error:
            raise
        except Exception as error:
            errno, sqlstate = next(((code, state) for kind, code, state in FAULTS if isinstance(error, kind)), INTERNAL)
            text = "SQL execution canceled" if errno == 604 else str(error)
            raise snowflake.connector.errors.ProgrammingError(msg=text, errno=errno, sqlstate=sqlstate) from error

    def _transform(self, expression, params):
        if self.session:
            expression = expression.transform(self._of_session, copy=False)
            self._check_result_scan(expression)
        return super()._transform(expression, params)

    def _of_session(self, node):
        found = function(node)
        if not found:
            return node
        is_known, value = value_of(self.session, *found)
        if not is_known:
            return node
        new = exp.Literal.string(value) if value is not None else exp.cast(exp.null(), "varchar")
        if isinstance(node.parent, exp.Select) and node.arg_key == "expressions":
            return exp.alias_(new, node.sql(dialect="snowflake"), quoted=True)
        return new

    def _check_result_scan(self, expression):
        for node in expression.find_all(exp.Anonymous):
            if node.name.upper() == "RESULT_SCAN" and node.expressions:
                owner = self.session.account["owners"].get(node.expressions[0].name)
                by = self.session.account["result_scan"]
                same = owner and (owner.user == self.session.user if by == "user" else owner is self.session)
                if not same:
                    raise snowflake.connector.errors.ProgrammingError(
                        msg="SQL execution error: Statement %s not found" % node.expressions[0].name,
                        errno=709, sqlstate="02000")


def timestamps(column):
    """As fakesnow does it, and a null stays one."""
    if isinstance(column, pyarrow.ChunkedArray):
        column = column.combine_chunks()
    struct = whole_timestamps(column.fill_null(0))
    if not column.null_count:
        return struct
    return pyarrow.StructArray.from_arrays(struct.flatten(), fields=list(struct.type), mask=column.is_null())


whole_timestamps = fakesnow.arrow.timestamp_to_sf_struct
fakesnow.arrow.timestamp_to_sf_struct = timestamps
fakesnow.conn.FakeSnowflakeCursor = Cursor
fakesnow.rowtype.duckdb_to_sf_type.update({"SMALLINT": "fixed", "TINYINT": "fixed", "FLOAT": "real"})


def with_views(template):
    """INFORMATION_SCHEMA.TABLES has a row for each view, too."""
    text = template.template
    relations = ("(SELECT database_name, schema_name, table_name, estimated_size, 'BASE TABLE' AS kind FROM duckdb_tables UNION ALL"
                 " SELECT database_name, schema_name, view_name, NULL, 'VIEW' FROM duckdb_views WHERE NOT internal) tables")
    for old, new in (("'BASE TABLE' AS \"TABLE_TYPE\"", "tables.kind AS \"TABLE_TYPE\""), ("duckdb_tables tables", relations)):
        if text.count(old) != 1:
            raise AssertionError("this fakesnow makes INFORMATION_SCHEMA.TABLES in another way")
        text = text.replace(old, new)
    return string.Template(text)


fakesnow.info_schema.SQL_CREATE_INFORMATION_SCHEMA_TABLES_VIEW = with_views(
    fakesnow.info_schema.SQL_CREATE_INFORMATION_SCHEMA_TABLES_VIEW)


def as_refused(error):
    """An error of fakesnow's as ours."""
    return Refused("%06d" % error.errno, error.sqlstate or INTERNAL[1], error.raw_msg or error.msg)


def as_snowflake_says(sql, code, sqlstate, message):
    """The connector writes code and state before the message, and the driver does so again."""
    message = re.sub(r"\A(\d{6} \(\w{5}\): )+", "", message)
    named = re.search(r"with name (\S+) does not exist", message)
    if code == "002003" and re.match(r"\s*use\s", sql, re.IGNORECASE):
        code, sqlstate, message = "002043", "02000", MISSING
    elif code == "002003" and named:
        message = "SQL compilation error:\nObject '%s' does not exist or not authorized." % named.group(1)
    return Refused(code, sqlstate or INTERNAL[1], message)
