# SPDX-License-Identifier: Apache-2.0
"""What fakesnow does not know of an account: users, roles, warehouses and what belongs to a
session. Runs in fakesnow's environment, see fakesnow_server.py."""
import itertools
import json
import re
import secrets

SUCCESS = "SELECT 'Statement executed successfully.' AS \"status\""
MISSING = "SQL compilation error:\nObject does not exist, or operation cannot be performed."
WORD = r'("(?:[^"]|"")+"|[\w$]+)'

# A test may replace any of these when it starts the server.
DEFAULTS = {
    "users": {"TESTER": {"password": "secret of tester", "roles": ["PUBLIC", "ANALYST", "REPORTER"],
                         "role": "ANALYST", "warehouse": "SMALL"}},
    "warehouses": ["SMALL", "LARGE"],
    # role: its privileges, as SHOW GRANTS TO ROLE has them: privilege, kind, name.
    "grants": {"PUBLIC": [],
               "ANALYST": [["USAGE", "DATABASE", "DEMO"], ["USAGE", "SCHEMA", "DEMO.PUBLIC"],
                           ["SELECT", "TABLE", "DEMO.PUBLIC.THINGS"], ["USAGE", "WAREHOUSE", "SMALL"]],
               "REPORTER": [["USAGE", "DATABASE", "DEMO"], ["INSERT", "TABLE", "DEMO.PUBLIC.THINGS"]],
               "ACCOUNTADMIN": [["CREATE DATABASE", "ACCOUNT", "TEST"]]},
    "databases": ["DEMO"],
    # Whether who signed in gets a token with which the driver logs in again by itself.
    "id_tokens": True,
    # What EXPLAIN USING JSON says that a statement would scan.
    "explain": {"partitionsTotal": 1, "partitionsAssigned": 1, "bytesAssigned": 1024},
    # Who may read a result with RESULT_SCAN: its session, or (as in Snowflake) its user.
    "result_scan": "session",
}


class Refused(Exception):
    """An error as Snowflake has it: a code, an SQLSTATE, a sentence."""

    def __init__(self, code, sqlstate, message):
        super().__init__(message)
        self.code, self.sqlstate, self.message = code, sqlstate, message


class Session:
    """What a login gives. @connection: fakesnow's."""

    numbers = itertools.count(100001)

    def __init__(self, account, user, connection):
        self.account = account
        self.user = user
        self.connection = connection
        self.number = next(Session.numbers)
        self.token, self.master = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        self.is_expired = self.is_master_expired = False
        self.role = self.warehouse = self.secondary = None
        self.parameters = {}
        self.query_ids = []
        self.last_request = None

    @property
    def tag(self):
        return self.parameters.get("QUERY_TAG", "")

    def describe(self):
        return {"session": self.number, "user": self.user, "role": self.role, "warehouse": self.warehouse,
                "database": self.connection.database, "schema": self.connection.schema}

    def last_query_id(self, at=-1):
        """Counted from the newest (-1) or the first (1); None where there is none."""
        at = at if at < 0 else at - 1
        return self.query_ids[at] if -len(self.query_ids) <= at < len(self.query_ids) else None

    def use_role(self, name):
        if name not in self.account["users"][self.user]["roles"]:
            known = name in self.account["grants"]
            raise Refused("003107" if known else "002043", "42501" if known else "02000",
                          "SQL access control error:\nRequested role '%s' is not assigned to the executing user. "
                          "Specify another role or contact your local system administrator." % name if known else MISSING)
        self.role = name

    def use_warehouse(self, name):
        if name not in self.account["warehouses"]:
            raise Refused("002043", "02000", MISSING)
        self.warehouse = name


def ident(word):
    """As Snowflake reads a name: in capitals unless it is quoted."""
    return word[1:-1].replace('""', '"') if word.startswith('"') else word.upper()


def literal(value):
    if value is None:
        return "NULL::VARCHAR"
    if isinstance(value, int):
        return str(value)
    return "'%s'" % str(value).replace("'", "''")


def table(names, rows):
    """A SELECT that answers these rows: so that a result is made by fakesnow like any other."""
    if not rows:
        return "SELECT %s WHERE FALSE" % ", ".join("NULL::VARCHAR AS \"%s\"" % name for name in names)
    return " UNION ALL ".join(
        "SELECT " + ", ".join("%s AS \"%s\"" % pair for pair in zip(map(literal, row), names)) for row in rows)


CREATED = "2026-01-01 00:00:00.000 +0000"


def show_roles(session, found):
    mine = session.account["users"][session.user]["roles"]
    rows = [[CREATED, role, "Y" if role == session.account["users"][session.user].get("role") else "N",
             "Y" if role == session.role else "N", "N", int(role in mine), 0, 0, "USERADMIN", ""]
            for role in session.account["grants"] if found["like"] is None or like(found["like"], role)]
    return table(["created_on", "name", "is_default", "is_current", "is_inherited", "assigned_to_users",
                  "granted_to_roles", "granted_roles", "owner", "comment"], rows)


def like(pattern, name):
    parts = [".*" if part == "%" else "." if part == "_" else re.escape(part) for part in pattern]
    return re.fullmatch("".join(parts), name, re.IGNORECASE)


def show_grants_to_role(session, found):
    role = ident(found["name"])
    if role not in session.account["grants"]:
        raise Refused("002003", "02000", "SQL compilation error:\nRole '%s' does not exist or not authorized." % role)
    rows = [[CREATED, privilege, kind, name, "ROLE", role, "false", "SYSADMIN"]
            for privilege, kind, name in session.account["grants"][role]]
    return table(["created_on", "privilege", "granted_on", "name", "granted_to", "grantee_name", "grant_option",
                  "granted_by"], rows)


def show_grants_to_user(session, found):
    user = ident(found["name"]) if found.get("name") else session.user
    if user not in session.account["users"]:
        raise Refused("002003", "02000", "SQL compilation error:\nUser '%s' does not exist or not authorized." % user)
    rows = [[CREATED, role, "USER", user, "SECURITYADMIN"] for role in session.account["users"][user]["roles"]]
    return table(["created_on", "role", "granted_to", "grantee_name", "granted_by"], rows)


def show_warehouses(session, found):
    rows = [[name, "STARTED", "STANDARD", "X-Small", "Y" if name == session.warehouse else "N", "SYSADMIN", ""]
            for name in session.account["warehouses"] if found["like"] is None or like(found["like"], name)]
    return table(["name", "state", "type", "size", "is_current", "owner", "comment"], rows)


def use_role(session, found):
    session.use_role(ident(found["name"]))
    return SUCCESS


def use_warehouse(session, found):
    session.use_warehouse(ident(found["name"]))
    return SUCCESS


def use_place(session, found):
    """A name in quotes is the one of exactly these letters; fakesnow would take any case."""
    names = [ident(name) for name in re.findall(WORD, found["name"])]
    wanted = names if found["kind"].lower() == "database" or len(names) > 1 else [session.connection.database, *names]
    rows = session.connection._duck_conn.cursor().execute(
        "SELECT DISTINCT catalog_name, schema_name FROM information_schema.schemata").fetchall()
    if not any(list(row[:len(wanted)]) == wanted for row in rows):
        raise Refused("002043", "02000", MISSING)
    return found["all"]


def use_secondary(session, found):
    session.secondary = found["name"].upper()
    return SUCCESS


def alter_session_set(session, found):
    """Name = value, any number of them; the value of a text without its quotes."""
    pairs = re.findall(r"(\w+)\s*=\s*('(?:[^']|'')*'|[\w.]+)", found["pairs"])
    if not pairs:
        raise Refused("001003", "42000", "SQL compilation error:\nsyntax error in ALTER SESSION.")
    for name, value in pairs:
        session.parameters[name.upper()] = value[1:-1].replace("''", "'") if value.startswith("'") else value
    return SUCCESS


def alter_session_unset(session, found):
    for name in re.findall(r"\w+", found["names"]):
        session.parameters.pop(name.upper(), None)
    return SUCCESS


def explain(session, found):
    """The statement is bound if it reads, and a plan of one step is answered."""
    session.connection.cursor()._describe_only(found["sql"])
    if (found["using"] or "").lower() == "json":
        plan = {"GlobalStats": session.account["explain"], "Operations": [[{"id": 0, "operation": "Result"}]]}
        return table(["content"], [[json.dumps(plan)]])
    return table(["step", "id", "parentOperators", "operation", "objects"],
                 [[None, None, None, "GlobalStats", None], [1, 0, None, "Result", None]])


# Statements in their usual form; whatever is not here, fakesnow answers.
STATEMENTS = [(re.compile(pattern + r"\s*;?\s*", re.IGNORECASE | re.DOTALL), answer) for pattern, answer in (
    (r"use\s+role\s+(?P<name>%s)" % WORD, use_role),
    (r"use\s+warehouse\s+(?P<name>%s)" % WORD, use_warehouse),
    (r"(?P<all>use\s+(?P<kind>database|schema)\s+(?P<name>%s(?:\.%s)?))" % (WORD, WORD), use_place),
    (r"use\s+secondary\s+roles\s+(?P<name>all|none)", use_secondary),
    (r"show\s+(?:terse\s+)?roles(?:\s+like\s+'(?P<like>[^']*)')?(?:\s+limit\s+\d+)?", show_roles),
    (r"show\s+warehouses(?:\s+like\s+'(?P<like>[^']*)')?", show_warehouses),
    (r"show\s+grants\s+to\s+role\s+(?P<name>%s)" % WORD, show_grants_to_role),
    (r"show\s+grants(?:\s+to\s+user\s+(?P<name>%s))?" % WORD, show_grants_to_user),
    (r"alter\s+session\s+set\s+(?P<pairs>(?!autocommit|quoted_identifiers).+)", alter_session_set),
    (r"alter\s+session\s+unset\s+(?P<names>(?!autocommit|quoted_identifiers).+)", alter_session_unset),
    (r"explain\s+(?:using\s+(?P<using>\w+)\s+)?(?P<sql>\S.*)", explain),
)]
COMMENTS = re.compile(r"\A(?:\s+|--[^\n]*(?:\n|\Z)|//[^\n]*(?:\n|\Z)|/\*.*?\*/)+", re.DOTALL)


def instead_of(session, sql):
    """What fakesnow is given for @sql; the session may have changed, or refuse."""
    bare = COMMENTS.sub("", sql)
    for pattern, answer in STATEMENTS:
        found = pattern.fullmatch(bare)
        if found:
            return answer(session, found.groupdict())
    return sql
