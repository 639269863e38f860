# SPDX-License-Identifier: Apache-2.0
"""`snowmux check --connect`, and values of options that are kept elsewhere."""
import json
import os
import subprocess

from lib.case import Case, main
from lib.daemon import DEADLINE_S, DEMO, ENV, FAKE, SNOWMUX
from lib.drivers import DRIVERS
from lib.postgres import Postgres
from lib.program import poll

SECRET = "hunter2-and-more"
SCRIPTED = "\n".join("%s = %s" % (key, json.dumps(value)) for key, value in FAKE.items())


class Checks(Case):
    def configured(self, text):
        daemon = self.daemon({"profile.demo": None}, start=False)
        with open(daemon.config, "a", encoding="utf-8") as file:
            file.write(text)
        return daemon

    def check(self, daemon, *more, **env):
        """Exit status and what was printed, on both."""
        ran = subprocess.run([SNOWMUX, "check", *daemon.arguments, *more], env={**ENV, **env}, timeout=2 * DEADLINE_S,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        self.assertNotIn(SECRET, ran.stdout)
        return ran.returncode, ran.stdout

    def lines(self, daemon, *more, **env):
        """The profiles of --json, by name."""
        status, text = self.check(daemon, "--json", *more, **env)
        rows = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        return status, {row["profile"]: row for row in rows if "profile" in row}

    def file(self, daemon, name, text, mode=0o600):
        path = os.path.join(daemon.state, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
        return path


class Check(Checks):
    def test_a_login_says_where_it_leads(self):
        daemon = self.configured('[profile.two]\nfiles = %s\nschema = "main"\n' % json.dumps(DEMO))
        status, text = self.check(daemon, "--connect")
        self.assertEqual(status, 0, text)
        self.assertRegex(text, r"(?m)^profile two: ok, ADBC DuckDB Driver v\S+, database travel, schema main$")
        self.assertTrue(text.endswith("\nok\n"), text)
        status, profiles = self.lines(daemon, "--connect")
        self.assertEqual(status, 0)
        two = profiles["two"]
        self.assertEqual((two["ok"], two["database"], two["schema"], two["role"], two["warnings"]),
                         (True, "travel", "main", "", []))

    def test_what_is_wrong_has_a_name(self):
        daemon = self.configured(
            '[profile.nowhere]\nfiles = %s\ndatabase = "nowhere"\n'
            '[profile.noschema]\nfiles = %s\nschema = "nothing"\n'
            '[profile.login]\n%s\noptions.fail = "390100 (08004): Incorrect username or password was specified."\n'
            '[profile.role]\n%s\noptions.fail = "390189 (08001): Role R specified does not exist."\n'
            '[profile.network]\n%s\noptions.fail = "dial tcp 127.0.0.1:1: connect: connection refused"\n'
            '[profile.account]\n%s\noptions.fail = "261004 (08004): failed to auth for unknown reason. HTTP: 404"\n'
            '[profile.unset]\n%s\noptions.password = {env = "SNOWMUX_TEST_UNSET"}\n'
            '[profile.program]\n%s\noptions.password = {command = ["sh", "-c", "echo %s; echo no key >&2; exit 3"]}\n'
            'options.other = "%s"\n' % (json.dumps(DEMO), json.dumps(DEMO), *[SCRIPTED] * 6, SECRET, SECRET))
        status, profiles = self.lines(daemon, "--connect")
        self.assertEqual(status, 1)
        self.assertEqual({name: row.get("wrong") for name, row in profiles.items()}, {
            "nowhere": "database", "noschema": "schema", "login": "login", "role": "role", "network": "network", "account": "account",
            "unset": "credentials", "program": "credentials"})
        self.assertEqual(profiles["unset"]["message"],
                         "option password: the environment variable SNOWMUX_TEST_UNSET is not set")
        self.assertEqual(profiles["program"]["message"],
                         'option password: the program "sh" ended with exit status 3: no key')
        self.assertIn("database nowhere cannot be entered", profiles["nowhere"]["message"])
        status, text = self.check(daemon, "--connect", SNOWMUX_TEST_UNSET=SECRET)
        self.assertEqual(status, 1)
        self.assertNotIn("profile unset: not ok, credentials", text)
        self.assertIn("profile network: not ok, network: dial tcp", text)
        self.assertTrue(text.endswith("\nnot ok\n"), text)

    def test_a_driver_that_calls_it_unauthenticated_tells_of_the_login(self):
        daemon = self.configured('[profile.x]\n%s\noptions.refuse = "not one of us"\n' % SCRIPTED)
        _, profiles = self.lines(daemon, "--connect")
        self.assertEqual((profiles["x"]["wrong"], profiles["x"]["message"]), ("login", "the login was refused: not one of us"))

    def test_a_check_without_connect_reads_no_secret(self):
        daemon = self.configured("[profile.x]\n%s\noptions.password = {command = [\"touch\", \"%s\"]}\n" % (
            SCRIPTED, "/nonexistent/never"))
        status, profiles = self.lines(daemon)
        self.assertEqual((status, profiles["x"]["ok"]), (0, True))

    def call_until(self, client, words):
        """A profile that was not reached is not tried again at once."""
        poll(lambda: words in json.dumps(client.call("execute_query", query="SELECT 'rows 1'").data),
             "a call is told of %s" % words)

    def test_a_value_is_read_anew_when_a_worker_starts(self):
        daemon = self.configured("")
        path = self.file(daemon, "value", SECRET + "\n", mode=0o644)
        with open(daemon.config, "a", encoding="utf-8") as file:
            file.write('[profile.x]\n%s\noptions.fail = {file = "value"}\n' % SCRIPTED)
        daemon.start()
        client = self.http("ts_v1", daemon)
        # The driver fails with the value as its reason, which is then hidden.
        self.call_until(client, "cannot be reached: ***.")
        self.assertEqual(daemon.event("secret_file_readable")["option"], "fail")
        os.remove(path)
        self.call_until(client, "No such file")
        self.file(daemon, "value", "another reason")
        self.call_until(client, "cannot be reached: ***.")
        self.assertNotIn(SECRET, "\n".join(daemon.program.err.lines))

    def test_a_password_within_a_uri_is_not_repeated(self):
        uri = "postgresql://ann:%s%%40x@db/d" % SECRET
        daemon = self.configured("".join(
            '[profile.%s]\n%s\noptions.uri = %s\noptions.fail = "%s"\n' % (name, SCRIPTED, kept, said)
            for name, kept, said in (("whole", json.dumps(uri), "cannot parse " + uri),
                                     ("part", json.dumps(uri), "no password %s%%40x" % SECRET),
                                     ("plain", '{env = "SNOWMUX_TEST_URI"}', "no password %s@x of ann" % SECRET))))
        _, profiles = self.lines(daemon, "--connect", SNOWMUX_TEST_URI=uri)
        self.assertEqual([profiles[name]["message"] for name in ("whole", "part", "plain")],
                         ["cannot parse ***", "no password ***", "no password *** of ann"])

    def test_nothing_of_a_credential_is_repeated(self):
        daemon = self.configured('[profile.x]\n%s\nidentity = "per_principal"\n' % SCRIPTED)
        text = '[options]\nusername = "ann-of-sales"\nother = "%s"\nfail = "ann-of-sales has %s"\n' % (SECRET, SECRET)
        done = subprocess.run([SNOWMUX, "credential", "add", "x", "uid:1", *daemon.arguments], input=text, text=True,
                              capture_output=True, timeout=DEADLINE_S, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        _, profiles = self.lines(daemon, "--connect")
        self.assertEqual(profiles["x"]["message"], "***")

    def test_a_browser_needs_a_display(self):
        driver = os.path.join(self.daemon(start=False).state, "libadbc_driver_snowflake.so")
        daemon = self.configured(
            '[profile.sso]\ndriver = "%s"\n[profile.sso.options]\nadbc.snowflake.sql.account = "a"\n'
            'adbc.snowflake.sql.auth_type = "auth_ext_browser"\n' % driver)
        status, profiles = self.lines(daemon, DISPLAY="", WAYLAND_DISPLAY="")
        self.assertEqual((status, profiles["sso"]["wrong"]), (1, "configuration"))
        for word in ("no display", "auth_jwt", "auth_pat", "auth_oauth"):
            self.assertIn(word, profiles["sso"]["message"])
        self.assertEqual(self.lines(daemon, DISPLAY=":0")[0], 0)
        uri = "ann@account/db?authenticator=EXTERNALBROWSER"
        for kept in (json.dumps(uri), '{env = "SNOWMUX_TEST_URI"}'):
            other = self.configured('[profile.sso]\ndriver = "%s"\noptions.uri = %s\n' % (driver, kept))
            status, profiles = self.lines(other, DISPLAY="", WAYLAND_DISPLAY="", SNOWMUX_TEST_URI=uri)
            self.assertEqual((status, profiles["sso"]["wrong"]), (1, "configuration"))
            for word in ("no display", "auth_jwt", "auth_pat", "auth_oauth"):
                self.assertIn(word, profiles["sso"]["message"])
            self.assertEqual(self.lines(other, DISPLAY=":0", SNOWMUX_TEST_URI=uri)[0], 0)
        program = subprocess.run([SNOWMUX, "serve", *daemon.arguments], env={**ENV, "DISPLAY": "", "WAYLAND_DISPLAY": ""},
                                 timeout=2 * DEADLINE_S, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(program.returncode, 1)
        self.assertIn("no display", program.stderr)


class CheckPostgres(Checks):
    """What the role may do on PostgreSQL, said to whoever checks."""

    def warnings(self, server, *roles):
        text = ""
        for role in roles:
            text += '[profile.%s]\ndriver = %s\n[profile.%s.options]\nuri = "postgresql://%s:x@127.0.0.1:%d/test"\n' % (
                role, json.dumps(DRIVERS["postgresql"]), role, role, server.port)
        status, profiles = self.lines(self.configured(text), "--connect")
        self.assertEqual(status, 0, profiles)
        return {role: profiles[role]["warnings"] for role in roles}

    def test_rights_beyond_reading_are_told(self):
        server = Postgres().start()
        self.addCleanup(server.close)
        for role in ("reader", "chief", "maker", "owner", "member", "writer", "many"):
            server.sql("CREATE ROLE %s LOGIN PASSWORD 'x'" % role)
        server.sql("CREATE SCHEMA sales; CREATE TABLE sales.orders(id int); CREATE TABLE sales.other(id int);"
                   "CREATE SCHEMA many; CREATE TEMP TABLE passing(id int)")
        for i in range(11):
            server.sql("CREATE TABLE many.t%02d(id int)" % i)
        server.sql("GRANT USAGE ON SCHEMA sales, many TO PUBLIC; GRANT SELECT ON ALL TABLES IN SCHEMA sales TO reader;"
                   "ALTER ROLE chief SUPERUSER; ALTER ROLE maker CREATEROLE CREATEDB; ALTER DATABASE test OWNER TO owner;"
                   "CREATE ROLE between NOLOGIN; GRANT pg_write_all_data TO between; GRANT between TO member;"
                   "GRANT pg_execute_server_program TO member;"
                   "GRANT SELECT, INSERT, DELETE ON sales.orders TO writer; GRANT UPDATE (id) ON sales.other TO writer;"
                   "GRANT TRUNCATE ON ALL TABLES IN SCHEMA many TO many")
        told = self.warnings(server, "reader", "chief", "maker", "owner", "member", "writer", "many")
        more = ": more than reading needs"
        self.assertEqual(told["reader"], [])
        self.assertEqual(told["chief"], ["the role chief is a superuser" + more])
        self.assertEqual(told["maker"], ["the role maker may create roles" + more, "the role maker may create databases" + more])
        self.assertEqual(told["owner"], ["the role owner owns the database test" + more])
        self.assertEqual(told["member"], ["the role member is a member of pg_execute_server_program" + more,
                                          "the role member is a member of pg_write_all_data" + more])
        self.assertEqual(told["writer"], ["the role writer has INSERT, DELETE on the table sales.orders" + more,
                                          "the role writer has UPDATE on the table sales.other" + more])
        self.assertEqual(told["many"][0], "the role many has TRUNCATE on the table many.t00" + more)
        self.assertEqual((len(told["many"]), told["many"][-1]), (9, "3 more grants go beyond reading"))


if __name__ == "__main__":
    main()
