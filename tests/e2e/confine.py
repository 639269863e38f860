# SPDX-License-Identifier: Apache-2.0
"""A driver that tries what it has no business with is stopped by the kernel, and only then."""
import os
import shutil
import socket
import stat
import tempfile

from lib.case import Case, main
from lib.daemon import DEMO, ENV, FAKE

# The words are those of src/worker/fake_try.h; profiles by what their driver may do.
LOCAL, WIDE, BROWSER, OFF = "local", "wide", "browser", "off"
REFUSED = ("EACCES", "EPERM")


class Confine(Case):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="snowmux-confine-")
        self.addCleanup(shutil.rmtree, self.dir)
        self.data, self.key, self.other = (self.file(name) for name in ("data", "key", "other"))
        # Which rules hold is told by the driver's name: this one needs no network.
        local = os.path.join(self.dir, "libsqlite_try.so")
        os.symlink(FAKE["driver"], local)
        self.variables({"A_SECRET": "hunter2", "HTTPS_PROXY": "http://proxy.invalid", "LC_ALL": "C.UTF-8",
                        "DISPLAY": ":0"})
        self.daemon = super().daemon({
            "profile.local": {**FAKE, "driver": local, "dialect": "sqlite", "files": [self.data]},
            "profile.wide": {**FAKE, "dialect": "postgresql"},
            "profile.wide.options": {"uri": "postgresql://host/db?user=x&sslkey=" + self.key.replace("/", "%2F")},
            "profile.kept": {**FAKE, "dialect": "postgresql"},
            "profile.kept.options.uri": {"command": ["echo", "postgresql://host/db?user=x"]},
            "profile.kept_here": {**FAKE, "dialect": "postgresql"},
            "profile.kept_here.options.uri": {"command": ["echo", "postgresql:///db?host=/tmp"]},
            "profile.here": {**FAKE, "dialect": "postgresql"},
            "profile.here.options": {"uri": "postgresql:///db?host=/tmp"},
            "profile.browser": {**FAKE, "dialect": "snowflake"},
            "profile.browser.options": {"adbc.snowflake.sql.auth_type": "auth_ext_browser",
                                        "adbc.snowflake.sql.client_option.config_file": self.key},
            "profile.off": {**FAKE, "confine": "off"},
        })
        self.client = self.http("ts_v1", self.daemon)

    def variables(self, variables):
        ENV.update(variables)
        self.addCleanup(lambda: [ENV.pop(name) for name in variables])

    def file(self, name):
        path = os.path.join(self.dir, name)
        with open(path, "w", encoding="ascii") as file:
            file.write("something\n")
        return path

    def state(self, *names):
        return os.path.join(self.daemon.state, *names)

    def answer(self, profile, script):
        answer = self.client.sql("SELECT '%s'" % script, profile=profile)
        self.assertFalse(answer.is_error, answer.text)
        ((text,),) = answer.rows
        return text

    def can(self, profile, script):
        self.assertEqual(self.answer(profile, script), "ok", "%s: %s" % (profile, script))

    def cannot(self, profile, script):
        self.assertIn(self.answer(profile, script), REFUSED, "%s: %s" % (profile, script))

    def test_only_files_that_the_profile_names_can_be_read(self):
        for path, who in ((self.data, [LOCAL]), (self.key, [WIDE, BROWSER]), (self.other, []), (self.dir, []),
                          (self.state("test.toml"), []), (self.state("snowmux.db"), []), (self.state(), []),
                          ("/etc/passwd", [WIDE, BROWSER]), ("/etc", []), ("/", []), ("/proc", []),
                          ("/proc/%d/maps" % self.daemon.program.pid, []), ("/proc/self/maps", [LOCAL, WIDE, BROWSER]),
                          ("/dev/null", [LOCAL, WIDE, BROWSER])):
            self.can(OFF, "open " + path)
            for profile in (LOCAL, WIDE, BROWSER):
                (self.can if profile in who else self.cannot)(profile, "open " + path)

    def test_only_results_and_a_home_of_its_own_can_be_written(self):
        for profile in (LOCAL, WIDE, BROWSER):
            self.can(profile, "write " + self.state("home", profile, "cache"))
            self.can(profile, "open " + self.state("home", profile, "cache"))
            self.can(profile, "write " + self.state("spool", profile))
            for path in (self.state("spool", profile), self.state("spool")):
                self.cannot(profile, "open " + path)
            for path in (self.data, self.key, self.state(profile), self.state("spill", "x"),
                         os.path.join(self.dir, profile), "/tmp/snowmux-" + profile,
                         self.state("home", "off"), "/proc/self/oom_score_adj"):
                self.cannot(profile, "write " + path)
                if not path.startswith("/proc"):
                    self.can(OFF, "write " + path)
                    if path not in (self.data, self.key):
                        os.unlink(path)
        homes = [os.stat(self.state("home", name)) for name in (LOCAL, WIDE, BROWSER)]
        self.assertEqual([stat.S_IMODE(home.st_mode) for home in homes], [0o700] * 3)
        for mine, foreign in ((LOCAL, WIDE), (WIDE, LOCAL)):
            self.cannot(mine, "open " + self.state("home", foreign, "cache"))

    def test_only_drivers_of_remote_engines_reach_the_network(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            connect = "connect %d" % server.getsockname()[1]
            for profile in (WIDE, BROWSER, OFF):
                self.can(profile, connect)
            self.cannot(LOCAL, connect)
        self.can(OFF, "listen")
        self.cannot(LOCAL, "listen")

    def test_sockets_of_other_programs_are_reached_only_where_the_profile_needs_one(self):
        for profile in ("here", "kept_here", OFF):
            self.can(profile, "unix " + self.daemon.socket)
        for profile in (LOCAL, WIDE, BROWSER, "kept"):
            self.cannot(profile, "unix " + self.daemon.socket)

    def test_a_local_engine_changes_no_modes(self):
        self.can(OFF, "chmod " + self.other)
        self.cannot(LOCAL, "chmod " + self.other)

    def test_a_driver_that_signs_in_by_the_browser_runs_one_program(self):
        self.can(OFF, "exec /bin/true")
        for profile in (LOCAL, WIDE, BROWSER):
            self.cannot(profile, "exec /bin/true")
        opener = self.state("bin", "xdg-open")
        self.assertEqual(os.path.realpath(opener), os.path.realpath(os.path.join(os.environ["SNOWMUX_BUILD"], "snowmux-worker")))
        self.can(BROWSER, "exec " + opener)
        for profile in (LOCAL, WIDE):
            self.cannot(profile, "exec " + opener)
        for profile in (LOCAL, WIDE, BROWSER):
            self.cannot(profile, "write " + self.state("bin", "more"))

    def test_a_worker_that_cannot_be_given_that_program_is_told(self):
        daemon = super().daemon({"profile.demo": None, "profile.vault": {**FAKE, "dialect": "snowflake"},
                                 "profile.vault.options": {"adbc.snowflake.sql.auth_type": "auth_ext_browser"}}, start=False)
        with open(os.path.join(daemon.state, "bin"), "w", encoding="ascii"):
            pass
        client = self.http("ts_v1", daemon.start())
        self.assertIn("cannot start", self.check_error(client.sql("SELECT 'limits'"), "unavailable", True)["message"])
        self.assertEqual(client.call("whoami").data["status"], "done")

    def test_programs_that_print_secrets_are_not_looked_for_where_a_driver_wrote(self):
        def program(place, name, text):
            os.makedirs(place, exist_ok=True)
            path = os.path.join(place, name)
            with open(path, "w", encoding="ascii") as file:
                file.write("#!/bin/sh\n%s\n" % text)
            os.chmod(path, 0o755)
        tools, said = os.path.join(self.dir, "tools"), os.path.join(self.dir, "said")
        program(tools, "my-vault", "echo driver=$HOME:$PATH:$TMPDIR > %s; echo hunter2" % said)
        old = {name: ENV.get(name) for name in ("PATH", "HOME", "TMPDIR")}
        self.addCleanup(lambda: [ENV.pop(name, None) if value is None else ENV.update({name: value}) for name, value in old.items()])
        ENV.update({"PATH": tools + ":" + ENV["PATH"], "HOME": tools})
        ENV.pop("TMPDIR", None)
        daemon = super().daemon({"profile.demo": None, "profile.vault": {**FAKE, "dialect": "snowflake"},
                                 "profile.vault.options": {"adbc.snowflake.sql.auth_type": "auth_ext_browser"},
                                 "profile.vault.options.password": {"command": ["my-vault"]}}, start=False)
        home = os.path.join(daemon.state, "home", "vault")
        # What a driver may leave there for the next worker.
        program(os.path.join(home, "bin"), "my-vault", "echo driver=planted > %s; echo hunter2" % said)
        daemon.start()
        answer = self.http("ts_v1", daemon).sql("SELECT 'environ'")
        self.assertFalse(answer.is_error, answer.text)
        got = dict(line.split("=", 1) for line in answer.rows[0][0].split("\n"))
        self.assertEqual((got["HOME"], got["PATH"].split(":")[0]), (home, os.path.join(daemon.state, "bin")))
        with open(said, encoding="ascii") as file:
            self.assertEqual(file.read(), "driver=%s:%s:\n" % (tools, ENV["PATH"]))

    def test_the_daemon_and_the_other_workers_get_no_signals(self):
        self.answer(WIDE, "limits")  # starts it
        for pid in (self.daemon.program.pid, *self.daemon.workers()):
            self.can(OFF, "signal %d" % pid)
        for profile in (LOCAL, WIDE, BROWSER):
            self.cannot(profile, "signal %d" % self.daemon.program.pid)

    def test_calls_that_no_driver_makes_are_refused(self):
        let_through = self.answer(OFF, "calls").split("\n")
        for name in ("ptrace", "process_vm_readv", "pidfd_getfd", "personality", "keyctl", "unshare"):
            self.assertIn(name, let_through)
        for profile in (LOCAL, WIDE, BROWSER):
            self.assertEqual(self.answer(profile, "calls"), "")
            self.assertEqual(self.answer(profile, "limits"), "dumpable=0 core=0 no_new_privs=1")
        self.assertNotIn("no_new_privs=1", self.answer(OFF, "limits"))

    def test_threads_are_confined_as_well(self):
        self.can(OFF, "thread open /etc")
        self.cannot(LOCAL, "thread open /etc")
        self.cannot(LOCAL, "thread listen")

    def test_the_environment_is_what_drivers_need(self):
        self.assertEqual(self.answer(OFF, "environ A_SECRET"), "hunter2")
        for profile in (LOCAL, WIDE, BROWSER):
            got = dict(line.split("=", 1) for line in self.answer(profile, "environ").split("\n"))
            home = self.state("home", profile)
            self.assertEqual([got["HOME"], got["TMPDIR"], got["LC_ALL"]], [home, home, "C.UTF-8"])
            path = [self.state("bin")] if profile == BROWSER else []
            self.assertEqual(got["PATH"], ":".join([*path, ENV["PATH"]]))
            self.assertEqual(got.get("HTTPS_PROXY"), None if profile == LOCAL else "http://proxy.invalid")
            self.assertNotIn("DISPLAY", got)
            self.assertNotIn("A_SECRET", got)

    def test_a_worker_holds_its_own_descriptors_only(self):
        for profile in (LOCAL, OFF):
            got = dict(line.split(" ", 1) for line in self.answer(profile, "fds").split("\n"))
            self.assertEqual(list(got), ["0", "1", "2", "3", "4"])
            self.assertEqual(got["0"], "/dev/null")
            self.assertTrue(got["3"].startswith("socket:") and got["4"].startswith("socket:"), got)

    def test_log_and_command_line_say_how_workers_are_confined(self):
        self.answer(LOCAL, "limits")
        local = self.daemon.event("worker_up")["confined"]
        self.assertIn("seccomp, no network, no programs", local)
        self.answer(OFF, "limits")
        self.assertEqual(self.daemon.event("worker_up", confined="no")["confined"], "no")
        self.assertCountEqual(self.daemon.ask("workers")["confined"], [local, ""])

    def test_duckdb_spills_what_it_has_no_memory_for(self):
        daemon = super().daemon({"profile.demo": {"memory_mb": 64, "threads": 1}})
        sql = "SELECT h FROM (SELECT sha256(range::VARCHAR) AS h FROM range(2000000)) ORDER BY h LIMIT 1 OFFSET 1999999"
        answer = self.http("ts_v2", daemon).sql(sql)
        self.assertFalse(answer.is_error, answer.text)
        self.assertTrue(answer.rows[0][0].startswith("ffff"), answer.text)

    def test_a_reader_of_results_and_duckdb_are_confined_and_work(self):
        self.assertEqual(self.client.sql("SELECT count(*) > 0 FROM nature.habitat.species", profile="demo").rows, [[True]])
        result = self.client.sql("SELECT range FROM range(1000)", profile="demo").data["result"]
        rest = self.client.call("fetch_result", result=result, offset=990)
        self.assertEqual([row[0] for row in rest.rows], list(range(990, 1000)))
        how = self.daemon.ask("workers")["confined"]
        self.assertEqual(len(how), 2)
        self.assertEqual(how[0], how[1])
        self.assertIn("no network, no programs", how[0])
        self.assertEqual(os.listdir(self.state("home")).count("demo"), 0)
        self.assertTrue(all(os.path.exists(path) for path in DEMO))


if __name__ == "__main__":
    main()
