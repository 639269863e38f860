# SPDX-License-Identifier: Apache-2.0
"""Profiles of Snowflake, with its real driver and a server of its protocol: what a check says of
them, connections of Snowflake's own tools, and the context of a call."""
import json
import os
import shutil
import subprocess
import tempfile

from lib.case import Case, main
from lib.daemon import DEADLINE_S, ENV, SNOWMUX
from lib.drivers import DRIVERS, QUIET
from lib.fakesnow import PASSWORD, USER, Fakesnow
from lib.program import poll


class CheckSnowflake(Case):
    def setUp(self):
        self.server = Fakesnow()
        self.addCleanup(self.server.close)
        self.server.start()
        self.home = tempfile.mkdtemp(prefix="snowmux-home-")
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)

    def profile(self, name, password=PASSWORD, **keys):
        """As TOML."""
        options = {**self.server.options(password=password, database=None, schema=None)}
        lines = ["[profile.%s]" % name, "driver = %s" % json.dumps(DRIVERS["snowflake"])]
        lines += ["%s = %s" % (key, json.dumps(value)) for key, value in keys.items()]
        lines += ["[profile.%s.options]" % name]
        return "\n".join(lines + ['"%s" = %s' % (key, json.dumps(value)) for key, value in options.items()]) + "\n"

    def connection(self, name, more="", **keys):
        """A section of connections.toml, which holds this one only; @more is TOML at its end."""
        keys = {"account": "test", "user": USER, "password": PASSWORD, "host": "127.0.0.1", "protocol": "http",
                "port": self.server.port, **keys}
        path = os.path.join(self.home, "connections.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write("[%s]\n" % name + "".join("%s = %s\n" % (key, json.dumps(value)) for key, value in keys.items()) + more)
        os.chmod(path, 0o600)

    def configured(self, text):
        daemon = self.daemon({"profile.demo": None}, start=False)
        with open(daemon.config, "a", encoding="utf-8") as file:
            file.write(text)
        return daemon

    def check(self, daemon):
        """The profiles of check --connect --json, by name."""
        ran = subprocess.run([SNOWMUX, "check", "--connect", "--json", *daemon.arguments],
                             env={**ENV, **QUIET, "SNOWFLAKE_HOME": self.home}, timeout=2 * DEADLINE_S,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        self.assertNotIn(PASSWORD, ran.stdout + ran.stderr)
        rows = [json.loads(line) for line in ran.stdout.splitlines()]
        return ran.returncode, {row["profile"]: row for row in rows if "profile" in row}

    def start(self, daemon):
        """The daemon's environment is what its profiles see."""
        old = os.environ.get("SNOWFLAKE_HOME")
        ENV["SNOWFLAKE_HOME"] = self.home
        self.addCleanup(lambda: ENV.pop("SNOWFLAKE_HOME") if old is None else ENV.update(SNOWFLAKE_HOME=old))
        return daemon.start()

    def test_what_is_wrong_is_named_and_broad_grants_are_told(self):
        daemon = self.configured(
            self.profile("fine", role="analyst", warehouse="small", database="demo")
            + self.profile("broad", role="REPORTER")
            + self.profile("badrole", role="ACCOUNTADMIN")
            + self.profile("badwarehouse", warehouse="HUGE")
            + self.profile("baddatabase", database="NOWHERE")
            + self.profile("badschema", database="DEMO", schema="NOTHING")
            + self.profile("badlogin", password="not it"))
        status, profiles = self.check(daemon)
        self.assertEqual(status, 1)
        self.assertEqual({name: row.get("wrong") for name, row in profiles.items()}, {
            "fine": None, "broad": None, "badrole": "role", "badwarehouse": "warehouse", "baddatabase": "database",
            "badschema": "schema", "badlogin": "login"})
        fine, broad = profiles["fine"], profiles["broad"]
        self.assertEqual([fine[part] for part in ("role", "warehouse", "database", "schema")],
                         ["ANALYST", "SMALL", "DEMO", "PUBLIC"])
        self.assertEqual(fine["warnings"], [])
        self.assertEqual(len(broad["warnings"]), 1, broad)
        self.assertIn("REPORTER has INSERT on the TABLE DEMO.PUBLIC.THINGS", broad["warnings"][0])

    def test_a_connection_of_snowflakes_tools_is_a_profile(self):
        self.connection("dev", 'session_parameters = {QUERY_TAG = "of the connection"}\n', role="reporter",
                        warehouse="large", database="demo", schema="public")
        daemon = self.configured("[drivers]\ndir = %s\n[profile.dev]\nconnection = \"dev\"\n" % json.dumps(
            os.path.dirname(DRIVERS["snowflake"])))
        status, profiles = self.check(daemon)
        self.assertEqual((status, profiles["dev"]["role"], profiles["dev"]["warehouse"]), (0, "REPORTER", "LARGE"), profiles)
        self.assertIn("of the connection", [query["tag"] for query in self.server.queries()])

    def test_a_changed_password_counts_from_the_next_start_of_a_worker(self):
        self.connection("dev", password="not yet")
        daemon = self.start(self.configured('[profile.dev]\ndriver = %s\nconnection = "dev"\n' % json.dumps(
            DRIVERS["snowflake"])))
        client = self.http("ts_v1", daemon)
        answer = client.call("execute_query", query="SELECT 1")
        self.assertIn("390100", self.check_error(answer, "login_refused", False)["message"])
        self.connection("dev")
        poll(lambda: not client.call("execute_query", query="SELECT 1").is_error, "the new password logs in")

    def test_a_call_has_the_role_and_the_warehouse_that_it_names(self):
        daemon = self.start(self.configured(self.profile("sf", database="demo")))
        client = self.http("ts_v1", daemon)
        sql = "SELECT CURRENT_ROLE(), CURRENT_WAREHOUSE(), CURRENT_DATABASE()"
        for role, warehouse in (("REPORTER", "LARGE"), ("ANALYST", "SMALL"), ("REPORTER", "SMALL")):
            rows = client.call("execute_query", query=sql, role=role, warehouse=warehouse).rows
            self.assertEqual(rows, [[role, warehouse, "DEMO"]])
        error = self.check_error(client.call("execute_query", query=sql, role="ACCOUNTADMIN"), "context_failed", True)
        self.assertIn("not assigned", error["message"])


if __name__ == "__main__":
    main()
