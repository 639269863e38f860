# SPDX-License-Identifier: Apache-2.0
"""`snowmux credential`: what it writes, what it refuses, whom it tells; and what `check` says of it."""
import concurrent.futures
import fcntl
import json
import os
import pty
import resource
import socket
import stat
import subprocess

from lib.case import Case, main
from lib.daemon import DEADLINE_S, ENV, FAKE, SNOWMUX

SECRET = "hunter2-and-more"
ADA = '[options]\nusername = "ada"\npassword = "%s"\n' % SECRET
PRINCIPALS = ("uid:1000", "a/../b", ".", "..", "%2E", "äöü/猫", "key 7\n\x7f", "-x")


class CredentialCli(Case):
    def setUp(self):
        self.unit = self.daemon({
            "profile.demo": None, "profile.sales": {**FAKE, "identity": "per_principal"},
            "profile.post": {**FAKE, "driver": "flightsql", "dialect": "duckdb", "entrypoint": "", "identity": "per_principal"},
            "profile.plain": FAKE}, start=False)
        self.place = os.path.join(self.unit.state, "credentials")

    def run_command(self, *words, text="", **more):
        done = subprocess.run([SNOWMUX, *words], input=text.encode(), capture_output=True, env=ENV, timeout=DEADLINE_S,
                              check=False, **more)
        out, err = done.stdout.decode(), done.stderr.decode()
        self.assertNotIn(SECRET, out + err)
        return done.returncode, out, err

    def credential(self, *words, **more):
        options, words = words[:1], words[1:]
        return self.run_command("credential", *options, *self.unit.arguments, "--", *words, **more)

    def add(self, profile, principal, text=ADA, **more):
        return self.credential("add", profile, principal, text=text, **more)

    def listed(self):
        status, out, err = self.run_command("credential", "ls", "--json", *self.unit.arguments)
        self.assertEqual((status, err), (0, ""))
        return [(row["profile"], row["principal"]) for row in map(json.loads, out.splitlines())]

    def files(self):
        """What is in the directory: mode and text of each file, mode of each directory."""
        found = {}
        for directory, _, names in os.walk(self.place):
            found[directory] = stat.S_IMODE(os.stat(directory).st_mode)
            for name in names:
                path = os.path.join(directory, name)
                with open(path, encoding="utf-8") as file:
                    found[path] = (stat.S_IMODE(os.stat(path).st_mode), file.read())
        return found

    def refused(self, profile, principal, words, text=ADA, **more):
        """An error with these words, and nothing is changed."""
        before = self.files()
        status, out, err = self.add(profile, principal, text, **more)
        self.assertEqual((status, out), (1, ""))
        self.assertTrue(err.startswith("snowmux: ") and err.count("\n") == 1, err)
        self.assertIn(words, err)
        self.assertEqual(self.files(), before)

    def test_one_is_added_replaced_and_removed(self):
        old_mask = os.umask(0o027)
        self.addCleanup(os.umask, old_mask)
        self.assertEqual(self.listed(), [])
        self.assertEqual(self.add("sales", "uid:1000"), (0, "sales  uid:1000  added\n", ""))
        folder = os.path.join(self.place, "sales")
        path = os.path.join(folder, "uid%3A1000.toml")
        self.assertEqual(self.files(), {self.place: 0o700, folder: 0o700, path: (0o600, ADA)})
        with open(path, encoding="utf-8") as old:
            other = ADA.replace("ada", "grace")
            os.chmod(folder, 0o755)
            self.assertEqual(self.add("sales", "uid:1000", other), (0, "sales  uid:1000  replaced\n", ""))
            self.assertEqual(old.read(), ADA)  # a new file, not the old one's bytes
        self.assertEqual(self.files(), {self.place: 0o700, folder: 0o700, path: (0o600, other)})
        self.assertEqual(self.listed(), [("sales", "uid:1000")])
        self.assertEqual(self.credential("rm", "sales", "uid:1000"), (0, "sales  uid:1000  removed\n", ""))
        self.assertEqual(self.listed(), [])
        status, out, err = self.credential("rm", "sales", "uid:1000")
        self.assertEqual((status, out), (1, ""))
        self.assertIn('there is no credential of "uid:1000" at the profile sales', err)

    def test_what_a_command_that_was_killed_left_goes_with_the_next(self):
        for words, state in ((("add",), "added"), (("add",), "replaced"), (("rm",), "removed")):
            folder = os.path.join(self.place, "sales")
            os.makedirs(folder, exist_ok=True)
            left, busy, other = (os.path.join(folder, name) for name in (".new-aBcDeF", ".new-gHiJkL", ".other"))
            for path in (left, other, busy):
                with open(path, "w", encoding="utf-8") as file:
                    file.write(ADA)
            with open(busy, encoding="utf-8") as file:  # of another command, which lives
                fcntl.flock(file, fcntl.LOCK_EX)
                self.assertEqual(self.credential(*words, "sales", "uid:1000", text=ADA),
                                 (0, "sales  uid:1000  %s\n" % state, ""))
            self.assertEqual([os.path.exists(path) for path in (left, busy, other)], [False, True, True], words)

    def test_removing_one_removes_what_its_driver_kept(self):
        homes = [os.path.join(self.unit.state, "logins", "sales", name) for name in ("uid%3A1000", "uid%3A1")]
        outside = os.path.join(self.unit.state, "outside")
        for home in (*homes, outside):
            os.makedirs(os.path.join(home, "cache", "deep"))
            with open(os.path.join(home, "cache", "deep", "token"), "w", encoding="utf-8") as file:
                file.write(SECRET)
        os.symlink(outside, os.path.join(homes[0], "link"))
        for principal in ("uid:1000", "uid:1"):
            self.assertEqual(self.add("sales", principal)[0], 0)
        self.assertEqual(self.credential("rm", "sales", "uid:1000"), (0, "sales  uid:1000  removed\n", ""))
        self.assertEqual([os.path.exists(home) for home in homes], [False, True])
        self.assertTrue(os.path.exists(os.path.join(outside, "cache", "deep", "token")))
        os.makedirs(homes[0])  # as a command that was killed in between leaves it
        self.assertEqual(self.credential("rm", "sales", "uid:1000")[0], 1)
        self.assertFalse(os.path.exists(homes[0]))

    def test_a_write_that_fails_leaves_the_old_one(self):
        self.assertEqual(self.add("sales", "uid:1")[0], 0)
        self.refused("sales", "uid:1", "cannot write", ADA + "#" * 1000, restore_signals=False,
                     preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500)))

    def test_any_principal_has_one_of_its_own(self):
        for principal in PRINCIPALS:
            self.assertEqual(self.add("sales", principal)[0], 0, principal)
        self.assertEqual(self.add("post", "uid:1000")[0], 0)
        self.assertEqual(sorted(self.listed()), sorted([("post", "uid:1000"), *(("sales", p) for p in PRINCIPALS)]))
        self.assertEqual({os.path.dirname(path) for path in self.files() if path.endswith(".toml")},
                         {os.path.join(self.place, profile) for profile in ("post", "sales")})
        for foreign in (".new-aBcDeF", "a%2fb.toml", "a%4.toml", "%41.toml", ".toml", "a.txt"):
            with open(os.path.join(self.place, "sales", foreign), "w", encoding="utf-8"):
                pass
        status, out, _ = self.run_command("credential", "ls", *self.unit.arguments)
        self.assertEqual((status, len(out.splitlines())), (0, 1 + len(PRINCIPALS)))
        self.assertIn("sales  key 7  \n", out)
        for principal in PRINCIPALS:
            self.assertEqual(self.credential("rm", "sales", principal)[0], 0, principal)
        self.assertEqual(self.listed(), [("post", "uid:1000")])

    def test_whose_it_cannot_be(self):
        self.assertEqual(self.add("sales", "uid:1000")[0], 0)
        self.refused("sale", "uid:1", 'there is no profile "sale"; did you mean "sales"?')
        self.refused("../sales", "uid:1", 'there is no profile "../sales"')
        self.refused("", "uid:1", 'there is no profile ""')
        self.refused("plain", "uid:1", 'has identity = "per_principal"')
        for principal in ("", "a" * 300, "a" * 246, "/" * 82, b"\xff"):
            self.refused("sales", principal, "must be UTF-8 of 1 to 255 bytes")
        self.assertEqual(self.add("sales", "/" * 81)[0], 0)
        status, _, err = self.credential("rm", "../credentials/sales", "uid:1000")
        self.assertEqual(status, 1)
        self.assertIn("there is no profile", err)

    def test_what_it_cannot_say(self):
        self.assertEqual(self.add("post", "uid:1")[0], 0)
        self.refused("post", "uid:1", "standard input is empty", "")
        self.refused("post", "uid:1", "standard input is empty", " \n")
        self.refused("post", "uid:1", "has at most 65536 bytes", "\n" * (70 * 1024))
        self.refused("post", "uid:1", "standard input:1: not readable as TOML", SECRET)
        self.refused("post", "uid:1", "says who logs in", 'options.password = "%s"' % SECRET)
        self.refused("post", "uid:1", 'standard input:2: unknown option "usrname"',
                     '[options]\nusrname = "%s"' % SECRET)
        self.refused("post", "uid:1", 'did you mean "username"?', '[options]\nusrname = "%s"' % SECRET)
        self.refused("post", "uid:1", "connection is Snowflake's", 'connection = "ada"')
        self.refused("post", "uid:2", 'unknown key "option"; did you mean "options"?', 'option.username = "ada"')

    def test_a_file_that_it_names_must_be_readable(self):
        def naming(path):
            return '[options]\nusername = "ada"\npassword = {file = "%s"}\n' % path
        secret = os.path.join(self.unit.state, "secret")
        self.refused("post", "uid:1", 'options."password": cannot read %s: No such file' % secret, naming(secret))
        self.refused("post", "uid:1", "it is not a regular file", naming(self.unit.state))
        self.refused("post", "uid:1", "%s: No such file or directory; relative paths begin there" %
                     os.path.join(self.place, "post", "secret"), naming("secret"))
        with open(secret, "w", encoding="utf-8") as file:
            file.write(SECRET)
        self.assertEqual(self.add("post", "uid:1", naming(secret))[0], 0)
        # A program may need what only a worker has.
        self.assertEqual(self.add("post", "uid:2", naming(secret).replace("file = ", "command = [").replace("}", "]}"))[0], 0)

    def test_the_command_line_is_checked(self):
        for words in ((), ("ls", "x"), ("add",), ("add", "sales"), ("rm", "sales"), ("list",), ("add", "sales", "a", "b")):
            status, out, err = self.run_command("credential", *words, *self.unit.arguments)
            self.assertEqual((status, out), (2, ""), words)
            self.assertIn("; see snowmux help", err)
        self.assertIn("credential add PROFILE PRINCIPAL", self.run_command("help")[1])

    def test_json_says_the_same(self):
        for state, words in (("added", ("add",)), ("replaced", ("add",)), ("removed", ("rm",))):
            status, out, _ = self.run_command("credential", *words, "sales", 'a"b', "--json", *self.unit.arguments, text=ADA)
            self.assertEqual((status, json.loads(out)), (0, {"profile": "sales", "principal": 'a"b', "state": state}))

    def test_on_a_terminal_it_says_what_it_expects(self):
        ours, its = pty.openpty()
        os.write(ours, ADA.encode() + b"\x04")
        done = subprocess.run([SNOWMUX, "credential", "add", "sales", "uid:7", *self.unit.arguments], stdin=its,
                              capture_output=True, text=True, env=ENV, timeout=DEADLINE_S, check=False)
        os.close(ours)
        os.close(its)
        self.assertEqual((done.returncode, done.stdout), (0, "sales  uid:7  added\n"))
        self.assertIn("type the credential of uid:7 at the profile sales as TOML", done.stderr)
        self.assertIn("\n[options]\n", done.stderr)
        self.assertNotIn(SECRET, done.stderr)

    def told(self, answer, *words):
        """What a daemon that gives @answer is told, and what the command says then."""
        path = os.path.join(self.unit.state, "stand-in")
        with socket.socket(socket.AF_UNIX) as listener, concurrent.futures.ThreadPoolExecutor() as pool:
            listener.settimeout(DEADLINE_S)
            listener.bind(path)
            listener.listen()

            def serve():
                with listener.accept()[0] as peer, peer.makefile("rb") as file:
                    line = json.loads(file.readline())
                    peer.sendall(answer)
                    return line
            line = pool.submit(serve)
            status, out, err = self.run_command("credential", *words, "--socket", path, *self.unit.arguments, text=ADA)
            os.unlink(path)
            return line.result(DEADLINE_S), status, out, err

    def test_a_running_daemon_is_told(self):
        want = {"snowmux": "credential", "profile": "sales", "principal": 'a"b'}
        for words, state in ((("add", "sales", 'a"b'), "added"), (("rm", "sales", 'a"b'), "removed")):
            said = "sales  a\"b  %s\n" % state
            self.assertEqual(self.told(b'{"snowmux":"credential"}\n', *words), (want, 0, said, ""))
        for answer, reason in ((b'{"snowmux":"error","message":"no such command: ls"}\n', "no such command: ls"),
                               (b"[]\n", "its answer is no answer"), (b"", "the daemon gave no answer")):
            line, status, _, err = self.told(answer, "add", "sales", "uid:1")
            self.assertEqual((line["principal"], status), ("uid:1", 0))
            self.assertIn(reason, err)
            self.assertIn("warning: ", err)
            self.assertIn("restart it", err)
            self.assertEqual(self.listed(), [("sales", "uid:1")])

    def test_with_a_daemon_or_without_it_is_written(self):
        self.unit.start()
        status, out, _ = self.add("sales", "uid:1000")
        self.assertEqual((status, out), (0, "sales  uid:1000  added\n"))
        self.assertEqual(self.listed(), [("sales", "uid:1000")])
        self.unit.kill9()  # its socket stays
        self.assertEqual(self.add("sales", "uid:1000"), (0, "sales  uid:1000  replaced\n", ""))

    def test_check_reads_each(self):
        for principal in ("uid:1000", "uid:1001"):
            self.assertEqual(self.add("sales", principal)[0], 0)
        status, out, _ = self.run_command("check", *self.unit.arguments)
        self.assertEqual(status, 0)
        self.assertRegex(out, r"(?m)^profile sales: .*, identity per_principal, 2 credentials$")
        self.assertRegex(out, r"(?m)^profile post: .*, identity per_principal, 0 credentials$")
        self.assertNotRegex(out, r"(?m)^profile plain: .*identity")
        rows = [json.loads(line) for line in self.run_command("check", "--json", *self.unit.arguments)[1].splitlines()]
        row, = (row for row in rows if row.get("profile") == "sales")
        self.assertEqual((row["ok"], row["identity"], row["credentials"]), (True, "per_principal", 2))
        path = os.path.join(self.place, "sales", "uid%3A1001.toml")
        with open(path, "a", encoding="utf-8") as file:
            file.write('password = "%s"\n' % SECRET)
        status, out, _ = self.run_command("check", *self.unit.arguments)
        self.assertEqual(status, 1)
        self.assertIn("profile sales, principal uid:1001: not ok, credentials: %s:4: not readable as TOML\n" % path, out)
        self.assertTrue(out.endswith("\nnot ok\n"), out)


if __name__ == "__main__":
    main()
