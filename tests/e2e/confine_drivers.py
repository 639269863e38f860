# SPDX-License-Identifier: Apache-2.0
"""The real drivers do their work while they are confined, at real servers."""
import os
import shutil
import sqlite3
import subprocess
import tempfile

from lib.case import Case, main
from lib.drivers import DRIVERS
from lib.fakesnow import Fakesnow
from lib.postgres import Postgres


class ConfineDrivers(Case):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="snowmux-confine-")
        self.addCleanup(shutil.rmtree, self.dir)

    def profile(self, driver, options):
        """A daemon with this one, a client, and how its worker is confined after a first answer."""
        daemon = self.daemon({"profile.real": {"driver": DRIVERS[driver]}, "profile.real.options": options})
        client = self.http("ts_v1", daemon)
        self.answers(client, "SELECT 42", [[42]])
        return daemon, client, daemon.event("worker_up")["confined"]

    def answers(self, client, sql, rows):
        answer = client.sql(sql, profile="real")
        self.assertFalse(answer.is_error, answer.text)
        self.assertEqual(answer.rows, rows)

    def test_snowflake_logs_in_and_writes_into_its_own_home(self):
        server = Fakesnow().start()
        self.addCleanup(server.stop)
        daemon, client, how = self.profile("snowflake", server.options())
        self.assertIn("seccomp, network, no programs", how)
        self.answers(client, "SELECT count(*) FROM TABLE(GENERATOR(ROWCOUNT => 3))", [[3]])
        self.assertTrue(os.path.isdir(os.path.join(daemon.state, "home", "real", ".cache", "snowflake")))

    def test_postgresql_checks_the_server_by_a_certificate_that_its_uri_names(self):
        server = Postgres()
        key, certificate = (os.path.join(server.directory, name) for name in ("key.pem", "cert.pem"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-subj", "/CN=snowmux", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2",
                        "-keyout", key, "-out", certificate], check=True, stderr=subprocess.DEVNULL)
        root = shutil.copy(certificate, os.path.join(self.dir, "a root.pem"))
        if os.geteuid() == 0:
            shutil.chown(key, "nobody")
        server.settings.update(ssl="on", ssl_key_file=key, ssl_cert_file=certificate)
        server.start()
        self.addCleanup(server.stop)
        _, client, how = self.profile("postgresql", {
            "uri": "%s?sslmode=verify-full&sslrootcert=%s" % (server.uri, root.replace(" ", "%20"))})
        self.answers(client, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", [[True]])
        self.assertIn("seccomp, network, no programs", how)
        answer = client.sql("SELECT range FROM generate_series(1, 5000) AS range", profile="real")
        self.assertEqual(answer.data["total_rows"], 5000)
        rest = client.call("fetch_result", result=answer.data["result"], offset=4999)
        self.assertEqual(rest.rows, [[5000]])

    def test_sqlite_reads_the_file_of_its_uri_while_another_program_writes_it(self):
        path = os.path.join(self.dir, "a.db")
        with sqlite3.connect(path) as other:
            other.execute("PRAGMA journal_mode = wal")
            other.execute("CREATE TABLE t AS SELECT 7 AS n")
        self.addCleanup(other.close)
        _, client, how = self.profile("sqlite", {"uri": "file:%s?mode=ro" % path})
        self.assertIn("seccomp, no network, no programs", how)
        self.answers(client, "SELECT n FROM t", [[7]])
        other.execute("UPDATE t SET n = 8")
        other.commit()
        self.answers(client, "SELECT n FROM t", [[8]])

    def test_flight_sql_gets_as_far_as_the_network(self):
        daemon = self.daemon({"profile.real": {"driver": DRIVERS["flightsql"], "dialect": "duckdb"},
                              "profile.real.options": {"uri": "grpc+tcp://127.0.0.1:1"}})
        answer = self.http("ts_v1", daemon).sql("SELECT 1", profile="real")
        self.assertIn("connection refused", answer.text)
        self.assertIn("seccomp, network, no programs", daemon.event("worker_up")["confined"])


if __name__ == "__main__":
    main()
