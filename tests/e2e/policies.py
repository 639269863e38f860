# SPDX-License-Identifier: Apache-2.0
"""profile.NAME.policies: what one principal may do and another may not, at one profile and over one login."""
import os
import tempfile
import unittest

from lib.case import main
from lib.engine import ENGINES, EngineCase
from lib.line import Foreign

OTHER, THIRD = 65534, 65533


@unittest.skipUnless(os.geteuid() == 0, "only root can be another user")
class Policies:
    """Mixed into a class for each engine."""

    kind = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.engine = ENGINES[cls.kind](cls.addClassCleanup, "shop")

    def start(self, **keys):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        os.chmod(place.name, 0o755)
        socket = os.path.join(place.name, "socket")
        daemon = self.daemon({"profile.demo": None, **self.engine.settings(slots=3, **keys), "query": {"grace_s": 60},
                              "listen": {"http": "127.0.0.1:0", "socket": socket, "uids": [OTHER, THIRD]}})
        os.chmod(socket, 0o666)
        clients = [Foreign(socket, uid) for uid in (OTHER, THIRD)]
        for client in clients:
            self.addCleanup(client.close)
        return self.http("ts_v1", daemon), *clients

    def told(self, client):
        (profile,) = client.call("whoami")["profiles"]
        return profile["policy"]


class Writers(Policies):
    """One that writes, one that makes temporary objects, and one that only reads."""

    def test_each_may_do_what_its_policy_says_at_one_profile(self):
        mine, writer, tempting = self.start(policies={"uid:%d" % OTHER: "read_write", "uid:%d*" % THIRD: "session_state"})
        self.assertEqual(mine.call("whoami").data["profiles"][0]["policy"], "read_only")
        self.assertEqual((self.told(writer), self.told(tempting)), ("read_write", "session_state"))
        temporary, lasting = "CREATE TEMP TABLE mine (a INT)", "CREATE TABLE %s (a INT)" % self.new_table
        self.check_error(mine.sql(temporary), "statement_refused", False)
        self.check_error(mine.sql(lasting), "statement_refused", False)
        self.assertEqual(tempting.call("execute_query", query=lasting)["error"]["code"], "statement_refused")
        self.assertNotIn("error", tempting.call("execute_query", query=temporary))
        self.assertEqual(tempting.call("execute_query", query="SELECT COUNT(*) FROM mine")["rows"], [[0]])
        self.assertNotIn("error", writer.call("execute_query", query=lasting))
        self.addCleanup(writer.call, "execute_query", query="DROP TABLE %s" % self.new_table)
        self.assertNotIn("error", writer.call("execute_query", query="INSERT INTO %s VALUES (5)" % self.new_table))
        self.check_error(mine.sql("DELETE FROM %s" % self.new_table), "statement_refused", False)
        self.assertEqual(mine.sql("SELECT a FROM %s" % self.new_table).rows, [[5]])


class PostgresPolicies(Writers, EngineCase):
    kind = "postgresql"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.engine.server.sql("GRANT CREATE ON SCHEMA sales TO tester")

    new_table = "sales.written"


class SqlitePolicies(Writers, EngineCase):
    kind = "sqlite"
    new_table = "written"


class SnowflakePolicies(Policies, EngineCase):
    kind = "snowflake"

    def test_credits_for_a_model_are_spent_by_whom_it_is_said_of(self):
        mine, his, other = self.start(policies={"uid:%d" % OTHER: "read_only+ai"})
        spends = "SELECT SNOWFLAKE.CORTEX.COMPLETE('model', 'prompt')"
        error = self.check_error(mine.sql(spends), "statement_refused", False)
        self.assertEqual(error["class"], "ai")
        self.assertEqual(other.call("execute_query", query=spends)["error"]["code"], "statement_refused")
        self.assertEqual(self.engine.saw("CORTEX.COMPLETE"), [])
        his.call("execute_query", query=spends)  # the emulator has no such function; that it was asked is enough
        self.assertEqual(len(self.engine.saw("CORTEX.COMPLETE")), 1)
        self.assertEqual(his.call("execute_query", query="INSERT INTO orders SELECT * FROM orders")["error"]["code"], "statement_refused")


main()
