# SPDX-License-Identifier: Apache-2.0
"""identity = "per_principal": each principal logs in with a credential of its own, in a worker of its own,
and what goes wrong with one is no other's trouble."""
import json
import os
import stat
import subprocess
import tempfile
import unittest
from urllib.parse import quote

from lib.case import main
from lib.daemon import SNOWMUX
from lib.engine import ENGINES, EngineCase
from lib.line import Foreign
from lib.program import poll

OTHER, THIRD = 65534, 65533
ME = "uid:%d" % os.geteuid()
PASSWORD = "secret of %s, which is long"


class Identity:
    """Mixed into a class for each engine. User zoe is this user's, kim is OTHER's."""

    kind = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.engine = ENGINES[cls.kind](cls.addClassCleanup, "shop")
        cls.make_users()

    def setUp(self):
        self.place = tempfile.TemporaryDirectory()
        self.addCleanup(self.place.cleanup)
        os.chmod(self.place.name, 0o755)

    def start(self, **keys):
        self.socket = os.path.join(self.place.name, "socket")
        sections = self.engine.settings(**{"identity": "per_principal", **keys})
        sections["profile.shop.options"] = self.shared()
        self.daemon_ = self.daemon({"profile.demo": None, **sections, "query": {"grace_s": 60},
                                    "listen": {"http": "127.0.0.1:0", "socket": self.socket, "uids": [OTHER, THIRD]}})
        os.chmod(self.socket, 0o666)
        self.mine = self.http("ts_v1", self.daemon_)
        return self.mine

    def foreign(self, uid):
        his = Foreign(self.socket, uid)
        self.addCleanup(his.close)
        return his

    def command(self, *words, text=None):
        return subprocess.run([SNOWMUX, "credential", *words, *self.daemon_.arguments, "--socket", self.socket],
                              input=text, text=True, capture_output=True, timeout=60, check=False)

    def add(self, principal, user, password=None):
        text = "[options]\n" + "".join("%s = %s\n" % (json.dumps(key), json.dumps(value))
                                       for key, value in self.credential(user, password or PASSWORD % user).items())
        done = self.command("add", "shop", principal, text=text)
        self.assertEqual(done.returncode, 0, done.stderr)

    def who(self, answer):
        rows = answer.rows if hasattr(answer, "rows") else answer["rows"]
        return rows[0][0].lower()

    def test_without_a_credential_nothing_runs_and_the_command_is_named(self):
        self.start()
        for answer in (self.mine.sql("SELECT 1"), self.mine.call("list_tables"), self.mine.call("describe_table", table="orders")):
            error = self.check_error(answer, "no_credential", False)
            self.assertIn("snowmux credential add shop " + ME, error["hint"])
            self.assertIn(ME, error["message"])
        (profile,) = self.mine.call("whoami").data["profiles"]
        self.assertEqual((profile["identity"], profile["credential"]), ("per_principal", False))
        self.assertEqual(self.daemon_.workers(), [])

    def test_who_has_one_is_that_user_there(self):
        self.start()
        self.add(ME, "zoe")
        self.assertEqual(self.who(self.mine.sql(self.user_sql)), "zoe")
        self.assertTrue(self.mine.call("whoami").data["profiles"][0]["credential"])
        directory = os.path.join(self.daemon_.state, "logins", "shop", ME.replace(":", "%3A"))
        self.assertEqual(stat.S_IMODE(os.stat(directory).st_mode), 0o700)

    def test_another_secret_and_none_take_effect_at_once(self):
        self.start()
        self.add(ME, "zoe")
        self.assertEqual(self.who(self.mine.sql(self.user_sql)), "zoe")
        self.add(ME, "kim")
        self.assertEqual(self.who(self.mine.sql(self.user_sql)), "kim")
        kept = self.mine.sql(self.user_sql + " AS a UNION ALL " + self.user_sql, limit=1).data
        self.assertEqual(self.mine.call("fetch_result", result=kept["result"], offset=1).data["row_count"], 1)
        self.assertEqual(self.command("rm", "shop", ME).returncode, 0)
        self.check_error(self.mine.sql(self.user_sql), "no_credential", False)
        self.check_error(self.mine.call("fetch_result", result=kept["result"]), "result_not_found", True)
        self.assertNotIn("rows", self.mine.call("query_status", query=kept["query"]).data)
        self.assertEqual(os.listdir(os.path.join(self.daemon_.state, "spool")), [])
        poll(lambda: len(self.daemon_.workers()) == 1, "its worker ends, the one that reads results stays")

    def test_results_of_a_credential_that_is_removed_while_no_daemon_runs_are_gone(self):
        self.start()
        self.add(ME, "zoe")
        sql = self.user_sql + " AS a UNION ALL " + self.user_sql
        self.mine.sql(sql, limit=1)
        self.assertEqual(self.daemon_.stop(), 0)
        self.daemon_.restart()
        os.chmod(self.socket, 0o666)
        self.assertEqual(len(os.listdir(os.path.join(self.daemon_.state, "spool"))), 1)
        self.assertEqual(self.daemon_.stop(), 0)
        self.assertEqual(self.command("rm", "shop", ME).returncode, 0)
        self.daemon_.restart()
        self.assertEqual(os.listdir(os.path.join(self.daemon_.state, "spool")), [])
        self.assertEqual(self.daemon_.event("records_loaded")["results_lost"], "1")

    def test_a_wrong_password_is_told_to_its_owner(self):
        self.start()
        self.add(ME, "zoe", "not the one that it is")
        answer = self.mine.sql("SELECT 1")
        self.assertTrue(answer.is_error)
        self.assertNotIn("not the one", answer.text)
        self.assertIn("shop", answer.error["message"])
        self.add(ME, "zoe")
        self.assertEqual(self.who(self.mine.sql(self.user_sql)), "zoe")

    def test_check_reads_what_there_is(self):
        self.start()
        self.add(ME, "zoe")
        self.add("uid:12345", "nobody")
        done = subprocess.run([SNOWMUX, "check", "--connect", "--json", *self.daemon_.arguments], text=True,
                              capture_output=True, timeout=60, check=False)
        found = {one.get("principal"): one["ok"] for one in map(json.loads, done.stdout.splitlines()) if "profile" in one}
        self.assertEqual((done.returncode, found), (1, {ME: True, "uid:12345": False}), done.stdout)

    @unittest.skipUnless(os.geteuid() == 0, "only root can be another user")
    def test_each_is_itself_and_sees_nothing_of_the_others(self):
        self.start(slots=4)
        self.add(ME, "zoe")
        self.add("uid:%d" % OTHER, "kim")
        his, third = self.foreign(OTHER), self.foreign(THIRD)
        for _ in range(3):
            self.assertEqual(self.who(self.mine.sql(self.user_sql)), "zoe")
            self.assertEqual(self.who(his.call("execute_query", query=self.user_sql)), "kim")
        self.assertEqual(third.call("execute_query", query=self.user_sql)["error"]["code"], "no_credential")
        self.assertEqual(len(self.daemon_.workers()), 2)
        # What is known of the catalogue is known to one of them.
        asked = len(self.engine.saw(self.tables_word))
        for client, more in ((self.mine.call, 1), (his.call, 2), (self.mine.call, 2), (his.call, 2)):
            client("list_tables")
            self.assertEqual(len(self.engine.saw(self.tables_word)), asked + more)

    @unittest.skipUnless(os.geteuid() == 0, "only root can be another user")
    def test_one_who_cannot_log_in_keeps_nobody_waiting(self):
        self.start(slots=2)
        self.add(ME, "zoe")
        self.add("uid:%d" % OTHER, "kim", "not the one that it is")
        his = self.foreign(OTHER)
        for _ in range(3):
            error = his.call("execute_query", query=self.user_sql)["error"]
            self.assertIn(error["code"], self.refused)
            self.assertNotIn("zoe", json.dumps(error).lower())
            self.assertEqual(self.who(self.mine.sql(self.user_sql)), "zoe")
        self.assertNotIn("kim", self.mine.call("whoami").text.lower())

    @unittest.skipUnless(os.geteuid() == 0, "only root can be another user")
    def test_one_place_goes_from_one_to_the_other(self):
        self.start(slots=1, workers=1)
        self.add(ME, "zoe")
        self.add("uid:%d" % OTHER, "kim")
        his = self.foreign(OTHER)
        for _ in range(3):
            self.assertEqual(self.who(self.mine.sql(self.user_sql)), "zoe")
            self.assertEqual(self.who(his.call("execute_query", query=self.user_sql)), "kim")
            self.assertEqual(len(self.daemon_.workers()), 1)


class PostgresIdentity(Identity, EngineCase):
    kind = "postgresql"
    user_sql = "SELECT current_user"
    tables_word = "relkind"
    refused = ("login_refused",)

    @classmethod
    def make_users(cls):
        for user in ("zoe", "kim"):
            cls.engine.server.sql("CREATE ROLE %s LOGIN PASSWORD '%s'; GRANT USAGE ON SCHEMA sales TO %s;"
                                  "GRANT SELECT ON sales.orders TO %s" % (user, PASSWORD % user, user, user))

    def shared(self):
        return {}

    def credential(self, user, password):
        return {"uri": "postgresql://%s:%s@127.0.0.1:%d/test" % (user, quote(password), self.engine.server.port)}


class SnowflakeIdentity(Identity, EngineCase):
    kind = "snowflake"
    user_sql = "SELECT CURRENT_USER()"
    tables_word = "INFORMATION_SCHEMA.TABLES"
    refused = ("login_refused",)

    @classmethod
    def make_users(cls):
        users = {user: {"password": PASSWORD % user.lower(), "roles": ["PUBLIC", "ANALYST"], "role": "ANALYST", "warehouse": "SMALL"}
                 for user in ("ZOE", "KIM")}
        cls.engine.server.control("account", users={**users, "TESTER": {"password": "secret of tester", "roles": ["PUBLIC"]}})

    def shared(self):
        return {'"%s"' % key: value for key, value in self.engine.options().items() if key not in ("username", "password")}

    def credential(self, user, password):
        return {"username": user, "password": password}


main()
