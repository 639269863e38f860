# SPDX-License-Identifier: Apache-2.0
"""A small server of Flight SQL to test against: Arrow's own Flight library in front of DuckDB, since no
ready-made server can be fetched from where tests get their parts. It has users with passwords, sessions known by a
token, a catalog and a schema for each, results and cancels. It has no prepared statements, no transactions of the
protocol's own, no lists of tables: snowmux uses none of them. See flightsql.py.
usage: flightsql_server.py PORT SCRIPT USER:PASSWORD[:reader]...; SCRIPT is what the database begins with.
Each login, statement and end of one is a line of JSON; the first line names the port. A line of input forgets all
sessions, its end is ours."""
import base64
import json
import os
import secrets
import sys
import threading

import duckdb
import pyarrow.flight as flight

NAMES = "type.googleapis.com/arrow.flight.protocol.sql."
BAD_NAME, BAD_VALUE = 1, 2  # of a session's option
WATCH_S = 0.02
writing = threading.Lock()


def tell(event, **fields):
    with writing:
        print(json.dumps({"event": event, **fields}), flush=True)


# Protobuf, as far as these few messages go: numbers, and texts or messages in messages.

def number(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(at, value):
    if isinstance(value, int):
        return number(at << 3) + number(value)
    value = value.encode() if isinstance(value, str) else value
    return number(at << 3 | 2) + number(len(value)) + value


def take_number(data):
    value, shift = 0, 0
    while True:
        byte = data.pop(0)
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value


def fields(data):
    """[(number of the field, its number or bytes)] of a message."""
    data, found = bytearray(data), []
    while data:
        key = take_number(data)
        value = take_number(data)
        if key & 7 == 2:
            data, value = data[value:], bytes(data[:value])
        found.append((key >> 3, value))
    return found


def any_of(name, body):
    return field(1, NAMES + name) + field(2, body)


def unpacked(data):
    """The name and the fields of a message in an Any."""
    outer = dict(fields(data))
    return outer[1].decode().removeprefix(NAMES), dict(fields(outer[2]))


class Session:
    def __init__(self, user, reads_only, connection):
        self.number = secrets.token_hex(4)
        self.token = secrets.token_hex(16)
        self.user, self.reads_only, self.connection = user, reads_only, connection
        self.lock = threading.Lock()  # a session runs one statement at a time

    def run(self, sql, context):
        """A call that is cancelled, or whose client went, interrupts its statement."""
        over = threading.Event()
        with self.lock:
            self.check(sql)
            mark = secrets.token_hex(8)
            tell("query", number=mark, sql=sql, user=self.user, session=self.number)
            watch = threading.Thread(target=self.watch, args=(over, context), daemon=True)
            watch.start()
            try:
                return self.connection.execute(sql).to_arrow_table()
            finally:
                over.set()
                watch.join()
                tell("end", of=mark)

    def check(self, sql):
        kinds = {statement.type.name for statement in duckdb.extract_statements(sql)}
        if self.reads_only and kinds - {"SELECT", "EXPLAIN"}:
            raise flight.FlightUnauthorizedError("%s may only read" % self.user)

    def watch(self, over, context):
        while not over.wait(WATCH_S):
            if context.is_cancelled():
                self.connection.interrupt()

    @property
    def place(self):
        return self.connection.execute("SELECT current_catalog(), current_schema()").fetchone()

    def go(self, name, value):
        """What is wrong with an option; 0: nothing."""
        if name not in ("catalog", "schema"):
            return BAD_NAME
        place = (value, "main") if name == "catalog" else (self.place[0], value)
        try:
            self.connection.execute("USE " + ".".join('"%s"' % part.replace('"', '""') for part in place))
        except duckdb.Error:
            return BAD_VALUE
        return 0


class Asker(flight.ServerMiddleware):
    """Whose a call is. Servers may repeat the token with every answer: so does this one, also with errors."""

    def __init__(self, session):
        self.session = session

    def sending_headers(self):
        return {"authorization": "Bearer " + self.session.token}


class Door(flight.ServerMiddlewareFactory):
    def __init__(self, users, database):
        self.users, self.database, self.sessions = users, database, {}

    def start_call(self, info, headers):
        kind, _, word = headers.get("authorization", [""])[0].partition(" ")
        if kind == "Basic":
            return Asker(self.log_in(*base64.b64decode(word + "==").decode().split(":", 1)))
        if word not in self.sessions:
            raise flight.FlightUnauthenticatedError("not logged in")
        return Asker(self.sessions[word])

    def log_in(self, user, password):
        wanted, reads_only = self.users.get(user, (None, False))
        if password != wanted:
            tell("login", user=user, token=None)
            raise flight.FlightUnauthenticatedError("no such user, or not that password")
        session = Session(user, reads_only, self.database.cursor())
        self.sessions[session.token] = session
        tell("login", user=user, token=session.token)
        return session

    def log_out(self, session):
        self.sessions.pop(session.token, None)

    def forget(self):
        self.sessions = {}
        tell("forgot")


class Handshake(flight.ServerAuthHandler):
    """The door has asked already."""

    def authenticate(self, outgoing, incoming):
        pass

    def is_valid(self, token):
        return ""


class Server(flight.FlightServerBase):
    def __init__(self, port, door):
        super().__init__("grpc://127.0.0.1:%d" % port, auth_handler=Handshake(), middleware={"door": door})
        self.door = door

    @staticmethod
    def session(context):
        return context.get_middleware("door").session

    def get_flight_info(self, context, descriptor):
        name, body = unpacked(descriptor.command)
        if name != "CommandStatementQuery":
            raise NotImplementedError(name)
        ticket = flight.Ticket(any_of("TicketStatementQuery", field(1, body[1])))
        return flight.FlightInfo(None, descriptor, [flight.FlightEndpoint(ticket, [])])

    def do_get(self, context, ticket):
        _, body = unpacked(ticket.ticket)
        try:
            return flight.RecordBatchStream(self.session(context).run(body[1].decode(), context))
        except duckdb.InterruptException as error:
            raise flight.FlightCancelledError(str(error)) from None
        except duckdb.Error as error:
            raise flight.FlightInternalError(str(error)) from None

    def do_action(self, context, action):
        session, body = self.session(context), action.body.to_pybytes()
        if action.type == "SetSessionOptions":
            return [self.set_options(session, body)]
        if action.type == "GetSessionOptions":
            names = zip(("catalog", "schema"), session.place)
            return [b"".join(field(1, field(1, name) + field(2, field(1, value))) for name, value in names)]
        if action.type == "CloseSession":
            self.door.log_out(session)
            return [field(1, 1)]  # closed
        raise NotImplementedError(action.type)

    @staticmethod
    def set_options(session, body):
        wrong = b""
        for _, pair in fields(body):
            pair = dict(fields(pair))
            fault = session.go(pair[1].decode(), dict(fields(pair[2])).get(1, b"").decode())
            wrong += field(1, field(1, pair[1]) + field(2, field(1, fault))) if fault else b""
        return wrong


def obey(door):
    for _ in sys.stdin:
        door.forget()
    os._exit(0)


def main():
    port, script, *users = sys.argv[1:]
    database = duckdb.connect()
    with open(script, encoding="utf-8") as file:
        database.execute(file.read())
    known = {user: (password, more == ["reader"]) for user, password, *more in (one.split(":") for one in users)}
    door = Door(known, database)
    server = Server(int(port), door)
    threading.Thread(target=obey, args=(door,), daemon=True).start()
    tell("listening", port=server.port)
    server.serve()


main()
