# SPDX-License-Identifier: Apache-2.0
"""A login for which somebody signs in at a browser: callers are told where, it is one window however
many they are, and what was signed in for serves all."""
import os
import shutil
import subprocess
import tempfile
import urllib.request

from lib.case import main
from lib.daemon import ENV, FAKE, SNOWMUX
from lib.engine import ENGINES, EngineCase
from lib.program import Program, poll

BROWSER = {"adbc.snowflake.sql.auth_type": "auth_ext_browser", "password": None,
           "adbc.snowflake.sql.client_option.login_timeout": "60s"}
# Stands for the desktop: notes what it is to show. The test is the person who looks at it.
OPEN = '#!/bin/sh\nenv > %s/environment\nprintf "%%s\\n" "$1" >> %s/windows\n'


class SignIn(EngineCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.engine = ENGINES["snowflake"](cls.addClassCleanup, "sso")
        cls.other = ENGINES["sqlite"](cls.addClassCleanup, "sound")

    def setUp(self):
        self.place = tempfile.mkdtemp(prefix="snowmux-desktop-")
        self.addCleanup(shutil.rmtree, self.place)
        with open(os.path.join(self.place, "xdg-open"), "w", encoding="ascii") as file:
            file.write(OPEN % (self.place, self.place))
        os.chmod(os.path.join(self.place, "xdg-open"), 0o755)
        old = dict(ENV)
        self.addCleanup(lambda: (ENV.clear(), ENV.update(old)))
        ENV.update({"DISPLAY": ":0", "PATH": self.place + ":" + ENV["PATH"]})
        self.engine.server.control("account", id_tokens=True)
        self.logins, self.asked = len(self.engine.logins()), len(self.engine.server.log("sign_in"))

    def start(self, **keys):
        options = {key: value for key, value in {**self.engine.options(), **BROWSER}.items() if value is not None}
        settings = self.engine.settings(**{"connect_s": 60, **keys})
        settings["profile.sso.options"] = {'"%s"' % key: value for key, value in options.items()}
        self.daemon_ = self.daemon({"profile.demo": None, "query": {"grace_s": 20}, **settings,
                                    **self.other.settings(idle_s=1)})
        self.client = self.http("ts_v1", self.daemon_)
        return self.client

    def windows(self):
        try:
            with open(os.path.join(self.place, "windows"), encoding="ascii") as file:
                return file.read().splitlines()
        except FileNotFoundError:
            return []

    def window(self):
        """The only one so far."""
        (url,) = poll(self.windows, "a window opens")
        return url

    def ways(self):
        return [login["way"] for login in self.engine.logins()[self.logins:]]

    def asks(self):
        return len(self.engine.server.log("sign_in")) - self.asked

    def sign_in(self, url):
        with urllib.request.urlopen(url, timeout=60) as page:
            page.read()

    def wait_works(self, client=None):
        return poll(lambda: (lambda got: None if got.is_error else got)((client or self.client).sql("SELECT 1")), "a login")

    def check_waits(self, answer):
        error = self.check_error(answer, "waiting_for_login", True)
        self.assertIn("sso", error["message"])
        self.assertGreater(error["retry_after_ms"], 0)
        return error["url"]

    def test_callers_are_told_where_and_served_when_somebody_did(self):
        self.start()
        url = self.check_waits(self.client.sql("SELECT 1"))
        self.assertTrue(url.startswith("http://127.0.0.1:%d/sso?key=" % self.engine.server.port), url)
        self.assertEqual(self.window(), url)
        self.assertEqual(self.check_waits(self.client.sql("SELECT 1")), url)
        self.assertEqual(self.client.call("whoami").data["status"], "done")
        self.sign_in(url)
        self.check_rows(self.wait_works(), [[1]])
        self.assertEqual(self.ways(), ["EXTERNALBROWSER"])

    def test_ten_clients_are_one_window_and_one_login_by_hand(self):
        self.start(slots=4)
        clients = [self.http("python", self.daemon_, name="c%d" % i) for i in range(10)]
        urls = {self.check_waits(client.sql("SELECT 1")) for client in clients}
        self.assertEqual(urls, {self.window()})
        self.sign_in(urls.pop())
        self.wait_works()
        calls = [client.send("execute_query", query="SELECT %d" % i) for i, client in enumerate(clients)]
        self.assertEqual([call.result(60)["structured"]["rows"] for call in calls], [[[i]] for i in range(10)])
        self.assertEqual((self.asks(), len(self.windows())), (1, 1))
        # Further connections log in by what the first one got.
        self.assertEqual(self.ways()[0], "EXTERNALBROWSER")
        self.assertLessEqual(set(self.ways()[1:]), {"ID_TOKEN"})

    def test_without_such_tokens_one_connection_serves_all(self):
        self.engine.server.control("account", id_tokens=False)
        self.start(slots=4, idle_s=1)
        self.check_waits(self.client.sql("SELECT 1"))
        self.sign_in(self.window())
        self.wait_works()
        clients = [self.http("python", self.daemon_, name="c%d" % i) for i in range(4)]
        calls = [client.send("execute_query", query="SELECT %d" % i) for i, client in enumerate(clients)]
        self.assertEqual([call.result(60)["structured"]["rows"] for call in calls], [[[i]] for i in range(4)])
        # It asked again for a second one, and that was given up before anybody saw it.
        self.assertEqual(len(self.windows()), 1)
        self.assertEqual(self.ways(), ["EXTERNALBROWSER"])
        # Another profile's connection is closed when it was idle for so long; this one stays.
        worker = self.daemon_.workers()
        self.check_rows(self.client.sql("SELECT 1", profile="sound"), [[1]])
        self.assertEqual(len(self.daemon_.workers()), 2)
        poll(lambda: self.daemon_.workers() == worker, "the other worker goes")
        self.check_rows(self.client.sql("SELECT 2"), [[2]])
        self.assertEqual((self.daemon_.workers(), self.ways()), (worker, ["EXTERNALBROWSER"]))

    def test_who_does_not_come_is_asked_again_by_the_next_call(self):
        self.start(connect_s=1)
        first = self.check_waits(self.client.sql("SELECT 1"))
        poll(lambda: self.client.sql("SELECT 1").error["code"] == "unavailable", "it is given up")
        second = poll(lambda: (lambda error: error.get("url") if error.get("url") != first else None)(
            self.client.sql("SELECT 1").error), "somebody is asked again")
        self.assertEqual(poll(lambda: self.windows()[1:], "a window more"), [second])
        self.sign_in(second)
        self.check_rows(self.wait_works(), [[1]])

    def test_a_credential_that_names_a_section_of_snowflakes_own_file_signs_in(self):
        ENV["SNOWFLAKE_HOME"] = self.place
        with open(os.path.join(self.place, "connections.toml"), "w", encoding="ascii") as file:
            file.write('[mine]\naccount = "test"\nuser = "TESTER"\nauthenticator = "externalbrowser"\nhost = "127.0.0.1"\n'
                       'protocol = "http"\nport = %d\n' % self.engine.server.port)
        os.chmod(os.path.join(self.place, "connections.toml"), 0o600)
        settings = self.engine.settings(identity="per_principal", connect_s=60)
        settings["profile.sso.options"] = {"adbc.snowflake.sql.client_option.tracing": "fatal"}
        self.daemon_ = self.daemon({"profile.demo": None, "query": {"grace_s": 20}, **settings})
        done = subprocess.run([SNOWMUX, "credential", "add", "sso", "uid:%d" % os.geteuid(), *self.daemon_.arguments], env=ENV,
                              input='connection = "mine"\n', text=True, capture_output=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.client = self.http("ts_v1", self.daemon_)
        self.sign_in(self.check_waits(self.client.sql("SELECT 1")))
        self.check_rows(self.wait_works(), [[1]])
        self.assertEqual(self.ways(), ["EXTERNALBROWSER"])

    def scripted(self, page):
        """A driver whose logins wait for somebody who comes to @page."""
        self.daemon_ = self.daemon({"profile.demo": None, "profile.sso": {**FAKE, "dialect": "snowflake"},
                                    "profile.sso.options": {"adbc.snowflake.sql.auth_type": "auth_ext_browser", "sign_in": page}})
        self.client = self.http("ts_v1", self.daemon_)
        return self.client

    def test_the_window_has_what_a_desktop_needs_and_no_secrets(self):
        ENV.update({"A_SECRET": "hunter2", "XDG_SESSION_TYPE": "wayland", "LC_TIME": "C"})
        self.check_waits(self.scripted("http://127.0.0.1/").sql("SELECT 1"))
        self.assertEqual(self.window(), "http://127.0.0.1/1")
        with open(os.path.join(self.place, "environment"), encoding="utf-8") as file:
            got = dict(line.rstrip("\n").split("=", 1) for line in file)
        self.assertEqual([got.get(name) for name in ("DISPLAY", "XDG_SESSION_TYPE", "LC_TIME", "PATH", "A_SECRET")],
                         [":0", "wayland", "C", ENV["PATH"], None])
        self.assertEqual([name for name in got if name.startswith("SNOWMUX_")], [])

    def test_what_is_no_address_is_neither_shown_nor_opened(self):
        bad = "file:///etc/passwd\x1b[31m"
        answer = self.scripted(bad).sql("SELECT 1")
        error = self.check_error(answer, "waiting_for_login", True)
        self.assertNotIn("url", error)
        self.assertNotIn("passwd", answer.text)
        self.assertIn("no browser window was opened", error["message"])
        self.assertEqual(self.windows(), [])

    def test_a_check_shows_an_address_and_nothing_else(self):
        for page, want in (("https://idp/", "sign in at https://idp/1\n"), ("https://idp/\x1b[31m", "no address that can be shown\n")):
            daemon = self.daemon({"profile.demo": None, "profile.sso": {**FAKE, "dialect": "snowflake"}, "profile.sso.options": {
                "adbc.snowflake.sql.auth_type": "auth_ext_browser", "sign_in": page}}, start=False)
            check = Program("snowmux check", [SNOWMUX, "check", "--connect", *daemon.arguments], env=ENV)
            self.addCleanup(check.kill)
            said = check.err.wait(lambda line: line if "sign in" in line else None, "what it says of the login")
            self.assertIn(want.strip(), said)
            self.assertNotIn("\x1b", said)

    def test_a_profile_beside_it_does_not_wait(self):
        self.start()
        self.check_waits(self.client.sql("SELECT 1"))
        self.check_rows(self.client.sql("SELECT count(*) FROM orders", profile="sound"), [[2]])


main()
