# SPDX-License-Identifier: Apache-2.0
"""fakesnow as a server to test against: its faults mended, sessions with roles, warehouses, tags and
tokens that expire, a log of what is asked, and commands that make it fail. See fakesnow.py.
usage: fakesnow_server.py PORT DIRECTORY; settings of the account are read from DIRECTORY/account.json"""
import asyncio
import gzip
import itertools
import json
import os
import re
import shutil
import socket
import sys
import threading
import uuid

sys.path.append(sys.path.pop(0))  # fakesnow.py beside this file is not what is meant

import fakesnow.server
import snowflake.connector.errors
import uvicorn
from fakesnow.dialect import parse
from fakesnow.expr import normalise_ident
from fakesnow.instance import FakeSnow
from fakesnow_account import DEFAULTS, Refused, Session, instead_of
from fakesnow_mend import as_refused, as_snowflake_says
from sqlglot import exp
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route

EXPIRED = Refused("390112", "08001", "Session token expired. Please renew the session.")
MASTER_EXPIRED = Refused("390114", "08001", "Authentication token has expired.  The user must authenticate again.")
GONE = Refused("390111", "08001", "Session no longer exists.  New login required to access the service.")


def failure(refused):
    """As Snowflake says it: HTTP 200, the error in the body."""
    return {"data": {"errorCode": refused.code, "sqlState": refused.sqlstate, "queryId": str(uuid.uuid4())},
            "code": refused.code, "message": refused.message, "success": False, "headers": None}


def success(data):
    return JSONResponse({"data": data, "code": None, "message": None, "success": True})


async def body_of(request):
    body = await request.body()
    if request.headers.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    return json.loads(body or b"{}")


def token_of(request):
    found = re.fullmatch(r'Snowflake Token="(.*)"', request.headers.get("Authorization", ""))
    return found.group(1) if found else None


class Running:
    """One statement on its way; an abort ends its delay and interrupts the engine until it is over."""

    def __init__(self, number, session):
        self.number = number
        self.session = session
        self.answer = None
        self.is_aborted = False
        self.hurry = asyncio.Event()  # ends a delay
        self.ended = asyncio.Event()

    async def abort(self):
        self.is_aborted = True
        self.hurry.set()
        while not self.ended.is_set():
            self.session.connection._duck_conn.interrupt()
            await asyncio.sleep(0.01)


class Script:
    """What is to happen to the next @count statements that @match is found in."""

    def __init__(self, kind, ask):
        self.kind = kind
        self.ask = ask
        self.match = re.compile(ask.get("match", ""), re.IGNORECASE | re.DOTALL)
        self.left = ask.get("count", 1)

    def takes(self, sql):
        if self.left and self.match.search(sql):
            self.left -= 1
            return True
        return False


class Server:
    def __init__(self, directory):
        with open(os.path.join(directory, "account.json"), encoding="utf-8") as file:
            self.account = {**DEFAULTS, **json.load(file), "owners": {}}
        data = os.path.join(directory, "data")
        os.makedirs(data, exist_ok=True)
        self.log_file = open(os.path.join(directory, "requests.jsonl"), "a+", encoding="utf-8")
        self.log_file.seek(0)
        self.count = sum(1 for _ in self.log_file)  # numbers go on after a restart
        Session.numbers = itertools.count(100001 + self.count)
        self.engine = FakeSnow(create_database_on_connect=False, create_schema_on_connect=False, db_path=data)
        self.sessions = {}  # by token
        self.asked = {}  # by proof key: who is to sign in, the port that waits, and whether somebody did
        self.id_tokens = {}  # to users
        self.running = {}  # by request id
        self.scripts = []
        self.admin = self._make_databases(data)

    def _make_databases(self, data):
        """Those that a run before this one left, and those that shall be there."""
        self.engine.create_database_on_connect = self.engine.create_schema_on_connect = True
        left = [name[:-3] for name in os.listdir(data) if name.endswith(".db")]
        for name in dict.fromkeys([*left, *self.account["databases"]]):
            connection = self.engine.connect(name, "PUBLIC")
        self.engine.create_database_on_connect = self.engine.create_schema_on_connect = False
        return connection

    def log(self, event, **fields):
        self.count += 1
        self.log_file.write(json.dumps({"event": event, "number": self.count, **fields}) + "\n")
        self.log_file.flush()
        return self.count

    # Sessions

    async def login(self, request):
        data = (await body_of(request))["data"]
        asked = {name: request.query_params.get(key) or None for name, key in (
            ("role", "roleName"), ("warehouse", "warehouse"), ("database", "databaseName"), ("schema", "schemaName"))}
        asked = {name: value and normalise_ident(value) for name, value in asked.items()}
        user = data.get("LOGIN_NAME", "").upper()
        try:
            session = await run_in_threadpool(self._login, user, data, asked)
        except Refused as refused:
            self.log("login", user=user, code=refused.code, session=None, **asked)
            return JSONResponse(failure(refused))
        self.log("login", user=user, code=None, session=session.number, way=data.get("AUTHENTICATOR") or "", **asked)
        more = {}
        if self.account["id_tokens"] and (data.get("SESSION_PARAMETERS") or {}).get("CLIENT_STORE_TEMPORARY_CREDENTIAL"):
            more["idToken"] = uuid.uuid4().hex
            self.id_tokens[more["idToken"]] = user
        return success({**more,
            
            "token": session.token, "masterToken": session.master, "validityInSeconds": 3600,
            "masterValidityInSeconds": 14400, "sessionId": session.number,
            "displayUserName": user, "serverVersion": fakesnow.server.SERVER_VERSION,
            "parameters": [{"name": "AUTOCOMMIT", "value": True}, {"name": "CLIENT_STAGE_ARRAY_BINDING_THRESHOLD", "value": 0}],
            "sessionInfo": {"databaseName": session.connection.database, "schemaName": session.connection.schema,
                            "warehouseName": session.warehouse, "roleName": session.role}})

    async def authenticator(self, request):
        """A driver wants somebody to sign in: the address of a page, here one of this server."""
        data = (await body_of(request))["data"]
        proof, user = uuid.uuid4().hex, data.get("LOGIN_NAME", "").upper()
        self.asked[proof] = {"user": user, "port": int(data["BROWSER_MODE_REDIRECT_PORT"]), "token": None}
        self.log("sign_in", user=user)
        return success({"ssoUrl": "%ssso?key=%s" % (request.base_url, proof), "proofKey": proof, "tokenUrl": None})

    async def sso(self, request):
        """The page. Whoever opens it is signed in and sent to the port at which the driver waits."""
        asked = self.asked.get(request.query_params.get("key"))
        if not asked:
            return JSONResponse({"error": "no such login"}, 404)
        asked["token"] = uuid.uuid4().hex
        return RedirectResponse("http://localhost:%d/?token=%s" % (asked["port"], asked["token"]))

    def _is_known(self, user, known, data):
        way = (data.get("AUTHENTICATOR") or "").upper()
        if way == "EXTERNALBROWSER":
            asked = self.asked.pop(data.get("PROOF_KEY"), None)
            return asked and asked["user"] == user and asked["token"] and asked["token"] == data.get("TOKEN")
        if way == "ID_TOKEN":
            return self.id_tokens.get(data.get("TOKEN")) == user
        return known["password"] == data.get("PASSWORD")

    def _login(self, user, data, asked):
        known = self.account["users"].get(user)
        if not known or not self._is_known(user, known, data):
            raise Refused("390100", "08001", "Incorrect username or password was specified.")
        role = asked["role"] or known.get("role")
        if role not in known["roles"]:
            raise Refused("390189", "08001", "Role '%s' specified in the connect string is not granted to this user." % role)
        connection = self.engine.connect(asked["database"], asked["schema"] or "PUBLIC")
        if not connection.database_set:
            connection.database = None
        if not connection.schema_set:
            connection._schema = None
        session = connection.session = Session(self.account, user, connection)
        session.role = role
        warehouse = asked["warehouse"] or known.get("warehouse")
        session.warehouse = warehouse if warehouse in self.account["warehouses"] else None
        session.parameters = {k.upper(): v for k, v in (data.get("SESSION_PARAMETERS") or {}).items()}
        self._enter(session)
        return session

    def _enter(self, session):
        self.sessions[session.token] = session
        fakesnow.server.sessions[session.token] = session.connection

    def _leave(self, session):
        self.sessions.pop(session.token, None)
        fakesnow.server.sessions.pop(session.token, None)

    def session_of(self, request):
        session = self.sessions.get(token_of(request))
        if not session:
            raise GONE
        if session.is_expired:
            raise EXPIRED
        return session

    async def renew(self, request):
        body = await body_of(request)
        session = self.sessions.get(body.get("oldSessionToken"))
        fault = GONE if not session or session.master != token_of(request) else None
        fault = fault or (MASTER_EXPIRED if session.is_master_expired else None)
        self.log("renew", session=session and session.number, code=fault and fault.code)
        if fault:
            return JSONResponse(failure(fault))
        self._leave(session)
        session.token, session.master, session.is_expired = uuid.uuid4().hex, uuid.uuid4().hex, False
        self._enter(session)
        return success({"sessionToken": session.token, "validityInSecondsST": 3600, "masterToken": session.master,
                        "validityInSecondsMT": 14400, "sessionId": session.number})

    async def session(self, request):
        """A heartbeat, or the end."""
        try:
            session = self.session_of(request)
        except Refused as refused:
            return JSONResponse(failure(refused))
        if request.query_params.get("delete"):
            self.log("logout", session=session.number)
            self._leave(session)
            await run_in_threadpool(session.connection.close)
        else:
            self.log("heartbeat", session=session.number)
        return success(None)

    # Statements

    async def query(self, request):
        """A request that is sent again (its id says so) gets the answer of the first one."""
        body = await body_of(request)
        request_id = request.query_params.get("requestId")
        running = self.running.get(request_id)
        if running:
            self.log("again", of=running.number, sql=body["sqlText"])
            await running.ended.wait()
            return JSONResponse(running.answer)
        sql, parameters = body["sqlText"], body.get("parameters") or {}
        session = self.sessions.get(token_of(request))
        about = session.describe() if session else {}
        about["tag"] = parameters.get("QUERY_TAG", session.tag if session else "")
        number = self.log("query", sql=sql, parameters=parameters, **about)
        try:
            session = self.session_of(request)
        except Refused as refused:
            self.log("end", of=number, code=refused.code, query_id=None)
            return JSONResponse(failure(refused))
        running = self.running[request_id] = Running(number, session)
        # Goes on when the asker hangs up, as a warehouse does.
        await asyncio.shield(asyncio.ensure_future(self._run(request, body, running)))
        return JSONResponse(running.answer)

    async def _run(self, request, body, running):
        """Leaves .answer; the last one of a session is kept for who asks again."""
        request_id, session = request.query_params.get("requestId"), running.session
        try:
            await self._act(body["sqlText"], running)
            running.answer = await self._answer(request, body, session)
        except Refused as refused:
            running.answer = failure(refused)
        except Exception as error:
            running.answer = failure(Refused("000603", "XX000", "%s: %s" % (type(error).__name__, error)))
        self.log("end", of=running.number, code=running.answer.get("code"),
                 query_id=running.answer["data"].get("queryId"))
        running.ended.set()
        self.running.pop(session.last_request, None)
        session.last_request = request_id

    async def _act(self, sql, running):
        """What a test wanted to happen to this statement."""
        script = next((script for script in self.scripts if script.takes(sql)), None)
        self.scripts = [script for script in self.scripts if script.left]
        if script and script.kind == "fail":
            raise Refused(script.ask["code"], script.ask.get("sqlstate", "XX000"), script.ask.get("message", "as the test wanted"))
        if script:
            try:
                await asyncio.wait_for(running.hurry.wait(), script.ask["seconds"])
            except TimeoutError:
                pass
        if running.is_aborted:
            raise Refused("000604", "57014", "SQL execution canceled")

    async def _answer(self, request, body, session):
        sql = body["sqlText"]
        try:
            self._check_count(sql, body)
            body["sqlText"] = await run_in_threadpool(instead_of, session, sql)
        except snowflake.connector.errors.Error as error:
            raise as_refused(error) from None
        raw = json.dumps(body).encode()
        request._body = gzip.compress(raw) if request.headers.get("Content-Encoding") == "gzip" else raw
        response = await fakesnow.server.query_request(request)
        answer = json.loads(response.body)
        if not answer["success"]:
            code = answer["code"] if response.status_code == 200 else "000603"
            raise as_snowflake_says(sql, code, (answer["data"] or {}).get("sqlState"), answer["message"])
        await run_in_threadpool(self._after, session, sql, answer["data"])
        return answer

    @staticmethod
    def _check_count(sql, body):
        wanted = int((body.get("parameters") or {}).get("MULTI_STATEMENT_COUNT", 1))
        try:
            count = len([one for one in parse(sql) if one and not isinstance(one, exp.Semicolon)])
        except snowflake.connector.errors.Error:
            return  # fakesnow says what is wrong
        if count > 1 and wanted != count:
            raise Refused("000008", "0A000", "Actual statement count %d did not match the desired statement count %d."
                          % (count, wanted))

    def _after(self, session, sql, data):
        """What a good statement does to its session."""
        made = re.match(r"\s*create\s+(?:or\s+replace\s+)?(?:transient\s+)?database\s+(?:if\s+not\s+exists\s+)?([\w\".]+)",
                        sql, re.IGNORECASE)
        if made:
            session.connection.cursor().execute("CREATE SCHEMA IF NOT EXISTS %s.PUBLIC" % made.group(1))
        elif re.match(r"\s*use\s+database\b", sql, re.IGNORECASE):
            try:
                session.connection.cursor().execute("USE SCHEMA PUBLIC")
            except snowflake.connector.errors.Error:
                session.connection._schema = None
        session.query_ids.append(data["queryId"])
        self.account["owners"][data["queryId"]] = session
        data.update(finalDatabaseName=session.connection.database, finalSchemaName=session.connection.schema,
                    finalRoleName=session.role, finalWarehouseName=session.warehouse)

    async def abort(self, request):
        body = await body_of(request)
        running = self.running.get(body.get("requestId"))
        self.log("abort", found=running is not None and not running.ended.is_set(), session=running and running.session.number)
        if running and not running.ended.is_set():
            await running.abort()
        return success(None)

    # Commands of the test

    async def control(self, request):
        ask = await body_of(request)
        command = getattr(self, "do_" + request.path_params["command"], None)
        if not command:
            known = sorted(name[3:] for name in dir(self) if name.startswith("do_"))
            return JSONResponse({"error": "unknown command; there are: %s" % ", ".join(known)}, 404)
        try:
            return JSONResponse(command(**ask))
        except Exception as error:
            return JSONResponse({"error": "%s: %s" % (type(error).__name__, error)}, 400)

    def do_expire(self, master=False):
        """All tokens there are; with @master they cannot be renewed either."""
        for session in self.sessions.values():
            session.is_expired, session.is_master_expired = True, session.is_master_expired or master
        return len(self.sessions)

    def do_forget(self):
        """All sessions, as a server does that was started again."""
        sessions = list(self.sessions.values())
        for session in sessions:
            self._leave(session)
        return len(sessions)

    def do_password(self, user, password):
        self.account["users"][user]["password"] = password

    def do_account(self, **settings):
        self.account.update(settings)

    def do_delay(self, **ask):
        self.scripts.append(Script("delay", {"seconds": float(ask.pop("seconds")), **ask}))

    def do_fail(self, **ask):
        self.scripts.append(Script("fail", {"code": str(ask.pop("code")), **ask}))

    def do_clear(self):
        """No delay or failure is left; what is delayed goes on."""
        self.scripts = []
        for running in self.running.values():
            running.hurry.set()

    def do_sessions(self):
        return [{**session.describe(), "tag": session.tag, "parameters": session.parameters,
                 "secondary": session.secondary} for session in self.sessions.values()]

    def do_sql(self, sql):
        rows = self.admin.cursor().execute(sql).fetchall()
        return json.loads(json.dumps(rows, default=str))

    def routes(self):
        post = {"methods": ["POST"]}
        return [Route("/session/authenticator-request", self.authenticator, **post), Route("/sso", self.sso),
                Route("/session/v1/login-request", self.login, **post), Route("/session/token-request", self.renew, **post),
                Route("/session", self.session, **post), Route("/session/heartbeat", self.session, **post),
                Route("/queries/v1/query-request", self.query, **post),
                Route("/queries/v1/abort-request", self.abort, **post),
                Route("/control/{command}", self.control, **post)]


class Announced(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        print("listening on %d" % sockets[0].getsockname()[1], flush=True)


def main(port, directory):
    # Named as TCP, or asyncio leaves Nagle's delay on.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    app = Starlette(routes=Server(directory).routes())
    server = Announced(uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off",
                                      timeout_graceful_shutdown=1))

    def hold():
        """A test that is killed leaves nothing behind."""
        while os.read(0, 4096):
            pass
        shutil.rmtree(directory, ignore_errors=True)
        os._exit(0)

    threading.Thread(target=hold, daemon=True).start()
    server.run(sockets=[listener])


main(int(sys.argv[1]), sys.argv[2])
