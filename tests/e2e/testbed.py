# SPDX-License-Identifier: Apache-2.0
"""The servers, drivers and faults that other tests build on do what those tests take for granted."""
import json
import os
import shutil
import signal
import subprocess
import sys
import unittest

from lib.case import main
from lib.daemon import wait_gone
from lib.drivers import DRIVERS, Driver, DriverError
from lib.fakesnow import IMPATIENT, PASSWORD, Fakesnow
from lib.postgres import Postgres
from lib.program import poll
from lib.proxy import Proxy

HERE = os.path.dirname(os.path.abspath(__file__))
# Never ends by itself while a test looks; both engines that run it know generate_series or range.
LONG = "select count(*) from range(100000000) a, range(1000) b where a.range + b.range < 0"


class Bed(unittest.TestCase):
    """One driver a class; servers and proxies belong to a test."""

    driver_name = "snowflake"

    @classmethod
    def setUpClass(cls):
        cls.driver = Driver(cls.driver_name)

    @classmethod
    def tearDownClass(cls):
        cls.driver.close()

    def fakesnow(self, account=None):
        server = Fakesnow(account)
        self.addCleanup(server.close)
        return server.start()

    def postgres(self):
        server = Postgres()
        self.addCleanup(server.close)
        return server.start()

    def proxy(self, server):
        proxy = Proxy(server.port)
        self.addCleanup(proxy.close)
        return proxy

    def connect(self, options):
        connection = self.driver.connect(options)
        self.addCleanup(self.close, connection)
        return connection

    @staticmethod
    def close(connection):
        """Where its server is gone, a driver says so: not what a test asks about."""
        try:
            connection.close()
        except DriverError:
            pass

    def check_fails(self, ask, code=None, sqlstate=None):
        with self.assertRaises(DriverError) as caught:
            ask()
        if code is not None:
            self.assertEqual(caught.exception.vendor_code, code, caught.exception)
        if sqlstate is not None:
            self.assertEqual(caught.exception.sqlstate, sqlstate, caught.exception)
        return caught.exception


class Statements(Bed):
    def setUp(self):
        self.server = self.fakesnow()
        self.a = self.connect(self.server.options())

    def test_values_and_nulls_arrive_as_they_are(self):
        self.a.query("create table things (n number(10,2), s varchar, d date, t timestamp_ntz, z timestamp_tz)")
        self.a.query("insert into things values (1.50, 'one', '2026-02-03', '2026-02-03 04:05:06.789', '2026-02-03 04:05:06+00:00'),"
                     " (null, null, null, null, null)")
        got = self.a.query("select * from things order by n")
        self.assertEqual(got.names, ["N", "S", "D", "T", "Z"])
        self.assertEqual(got.rows[1], [None] * 5)
        self.assertEqual(got.rows[0], ["1.50", "one", "2026-02-03", "2026-02-03 04:05:06.789000", "2026-02-03 04:05:06+00:00"])

    def test_errors_are_answers_with_snowflakes_codes(self):
        proxy = self.proxy(self.server)
        a = self.connect(self.server.options(proxy.port))
        fault = self.check_fails(lambda: a.query("select * from missing"), 2003, "42S02")
        self.assertIn("'MISSING' does not exist or not authorized", fault.message)
        self.check_fails(lambda: a.query("selec 1"), 1003, "42000")
        self.check_fails(lambda: a.query("select 1; select 2"), 8, "0A000")
        self.check_fails(lambda: a.query("use database nowhere"), 2043, "02000")
        # What fakesnow does not foresee is no HTTP 500, which the driver would send again.
        self.check_fails(lambda: a.query("select [1, 2]::struct(a int)"))
        self.assertEqual(proxy.count("struct(a int)"), 1)
        self.assertEqual(a.value("select 'still here'"), "still here")

    def test_explain_binds_and_does_not_run(self):
        self.server.sql("create table demo.public.e (n int)")
        self.assertIn("operation", self.a.query("explain select n from e").names)
        self.a.query("explain insert into e values (1)")
        self.check_fails(lambda: self.a.query("explain select n from missing"), 2003)
        self.assertEqual(self.server.sql("select count(*) from demo.public.e"), [[0]])

    def test_a_cancel_interrupts_the_engine_and_the_connection_stays(self):
        future = self.a.start(LONG)
        poll(lambda: self.server.queries(LONG), "the statement arrives")
        self.assertFalse(self.server.queries(LONG)[0]["is_ended"])
        self.assertEqual(self.a.cancel(), {"did": True})
        self.check_fails(lambda: self.a.wait(future))
        ended = poll(lambda: self.server.queries(LONG)[0]["is_ended"] and self.server.queries(LONG)[0], "it ends")
        self.assertEqual(ended["code"], "000604")
        self.assertEqual([entry["found"] for entry in self.server.log("abort")], [True])
        self.assertEqual(self.a.value("select 'again'"), "again")

    def test_a_delayed_statement_can_be_cancelled(self):
        self.server.control("delay", seconds=3600, match="select 77")
        self.assertEqual(self.a.value("select 76"), "76")
        future = self.a.start("select 77")
        poll(lambda: self.server.queries("select 77"), "the statement arrives")
        self.a.cancel()
        self.check_fails(lambda: self.a.wait(future))
        poll(lambda: self.server.queries("select 77")[0]["code"] == "000604", "it ends")
        self.assertEqual(self.a.value("select 77"), "77")

    def test_a_request_that_is_sent_again_runs_once(self):
        # The driver gives up waiting after two seconds (client_timeout), and asks again.
        impatient = self.connect({**self.server.options(), **IMPATIENT})
        self.server.control("delay", seconds=3600, match="patience")
        future = impatient.start("select 'patience'")
        poll(lambda: self.server.log("again"), "the driver asks again")
        self.server.control("clear")
        self.assertEqual(impatient.wait(future).rows, [["patience"]])
        self.assertEqual(len(self.server.queries("patience")), 1)

    def test_a_statement_fails_as_the_test_wants_and_only_that_often(self):
        self.server.control("fail", code="000606", sqlstate="57P03", match="^use role", count=2)
        self.assertEqual(self.a.value("select 1"), "1")
        self.check_fails(lambda: self.a.query("use role reporter"), 606, "57P03")
        self.check_fails(lambda: self.a.query("use role reporter"), 606, "57P03")
        self.a.query("use role reporter")
        self.assertEqual(self.a.value("select current_role()"), "REPORTER")

    def test_tags_are_seen_with_the_statement_they_were_sent_with(self):
        self.a.query("select 'first'", query_tag="agent-1")
        self.a.query("select 'second'")
        self.a.query("alter session set query_tag = 'agent-2'")
        self.a.query("select 'third'")
        self.a.query("alter session unset query_tag")
        self.a.query("select 'fourth'")
        tags = [query["tag"] for query in self.server.queries("select '")]
        self.assertEqual(tags, ["agent-1", "", "agent-2", ""])

    def test_databases_and_their_schemas_are_followed(self):
        self.assertEqual(self.a.query("select current_database(), current_schema()").rows, [["DEMO", "PUBLIC"]])
        self.a.query("create database other")
        self.a.query("use schema demo.public")
        self.server.sql("create table other.public.only_there (n int)")
        self.check_fails(lambda: self.a.query("select n from only_there"), 2003)
        self.a.query("use database other")
        self.assertEqual(self.a.query("select n from only_there").rows, [])
        self.assertEqual(self.a.query("select current_database(), current_schema()").rows, [["OTHER", "PUBLIC"]])
        self.assertEqual([self.server.queries("current_schema")[1][key] for key in ("database", "schema")], ["OTHER", "PUBLIC"])


class Sessions(Bed):
    def setUp(self):
        self.server = self.fakesnow()

    def test_each_session_has_its_own_role_warehouse_and_number(self):
        a = self.connect(self.server.options(role="REPORTER", warehouse="LARGE"))
        b = self.connect(self.server.options())
        ask = "select current_role(), current_warehouse(), current_session()"
        self.assertEqual(a.query(ask).rows[0][:2], ["REPORTER", "LARGE"])
        b.query("use warehouse large")
        a.query("use role analyst")
        a.query("use warehouse small")
        b.query("use role public")
        self.assertEqual(a.query(ask).rows[0][:2], ["ANALYST", "SMALL"])
        self.assertEqual(b.query(ask).rows[0][:2], ["PUBLIC", "LARGE"])
        numbers = [str(entry["session"]) for entry in self.server.logins()]
        self.assertEqual([a.query(ask).rows[0][2], b.query(ask).rows[0][2]], numbers)
        self.assertNotEqual(*numbers)
        self.assertEqual([self.server.logins()[0][key] for key in ("role", "warehouse")], ["REPORTER", "LARGE"])

    def test_a_role_or_warehouse_that_is_not_ours_is_refused_and_changes_nothing(self):
        a = self.connect(self.server.options())
        self.check_fails(lambda: a.query("use role accountadmin"), 3107)
        self.check_fails(lambda: a.query("use role nobody"), 2043)
        self.check_fails(lambda: a.query("use warehouse huge"), 2043)
        self.assertEqual(a.query("select current_role(), current_warehouse()").rows, [["ANALYST", "SMALL"]])
        self.check_fails(lambda: self.driver.connect(self.server.options(role="ACCOUNTADMIN")), 390189)
        self.assertEqual(self.server.logins()[-1]["code"], "390189")

    def test_roles_and_grants_are_shown(self):
        a = self.connect(self.server.options(role="REPORTER"))
        roles = a.query("show roles")
        self.assertEqual([row[roles.names.index("name")] for row in roles.rows if row[roles.names.index("is_current")] == "Y"],
                         ["REPORTER"])
        grants = a.query("show grants to role analyst")
        at = [grants.names.index(name) for name in ("privilege", "granted_on", "name")]
        self.assertIn(["SELECT", "TABLE", "DEMO.PUBLIC.THINGS"], [[row[i] for i in at] for row in grants.rows])
        self.assertEqual(a.query("show grants to role public").rows, [])
        mine = a.query("show grants")
        self.assertEqual({row[mine.names.index("role")] for row in mine.rows}, {"PUBLIC", "ANALYST", "REPORTER"})

    def test_passwords_are_checked(self):
        self.check_fails(lambda: self.driver.connect(self.server.options(password="guess")), 390100)
        self.check_fails(lambda: self.driver.connect(self.server.options(user="stranger")), 390100)
        self.connect(self.server.options())
        self.server.control("password", user="TESTER", password="new")
        self.check_fails(lambda: self.driver.connect(self.server.options(password=PASSWORD)), 390100)
        self.connect(self.server.options(password="new"))
        self.assertEqual([entry["code"] for entry in self.server.logins()], ["390100", "390100", None, "390100", None])

    def test_last_query_id_and_result_scan_belong_to_a_session(self):
        a, b = self.connect(self.server.options()), self.connect(self.server.options())
        a.query("select 'hers' as x")
        query_id = a.value("select last_query_id()")
        self.assertEqual(query_id, self.server.queries("hers")[0]["query_id"])
        self.assertEqual(a.value("select last_query_id(1)"), query_id)
        self.assertIsNone(b.value("select last_query_id()"))
        scan = "select * from table(result_scan('%s'))" % query_id
        self.assertEqual(a.query(scan).rows, [["hers"]])
        self.check_fails(lambda: b.query(scan), 709)
        self.server.control("account", result_scan="user")
        self.assertEqual(b.query(scan).rows, [["hers"]])

    def test_an_expired_token_is_renewed_and_the_session_stays(self):
        a = self.connect(self.server.options())
        before = a.value("select current_session()")
        self.server.control("expire")
        self.assertEqual(a.value("select current_session()"), before)
        self.assertEqual([entry["code"] for entry in self.server.log("renew")], [None])
        self.assertEqual([query["code"] for query in self.server.queries("current_session")], [None, "390112", None])
        self.assertEqual(len(self.server.logins()), 1)

    def test_an_expired_master_token_needs_a_new_login(self):
        a = self.connect(self.server.options())
        self.server.control("expire", master=True)
        self.check_fails(lambda: a.query("select 1"), 390114)
        self.assertEqual(self.connect(self.server.options()).value("select 1"), "1")

    def test_a_restart_keeps_port_and_data_and_no_session(self):
        a = self.connect(self.server.options())
        a.query("create table kept as select 'here' as x")
        port = self.server.port
        self.server.restart()
        self.assertEqual(self.server.port, port)
        self.check_fails(lambda: a.query("select 1"), 390111)
        b = self.connect(self.server.options())
        self.assertEqual(b.value("select x from kept"), "here")
        sessions = [entry["session"] for entry in self.server.logins()]
        self.assertEqual(len(set(sessions)), 2)
        b.close()
        poll(lambda: [entry["session"] for entry in self.server.log("logout")] == sessions[1:], "the logout is logged")

    def test_a_stop_does_not_wait_for_statements(self):
        a = self.connect(self.server.options())
        future = a.start(LONG)
        poll(lambda: self.server.queries(LONG), "the statement arrives")
        self.server.restart()
        self.check_fails(lambda: a.wait(future))
        self.assertEqual(self.connect(self.server.options()).value("select 1"), "1")

    def test_an_unknown_command_is_named(self):
        with self.assertRaisesRegex(AssertionError, "there are: account, clear, delay"):
            self.server.control("explode")


class HttpFaults(Bed):
    def setUp(self):
        self.server = self.fakesnow()
        self.proxy = self.proxy(self.server)

    def test_connections_and_logins_are_counted(self):
        for _ in range(3):
            self.connect(self.server.options(self.proxy.port)).query("select 'count me'")
        self.assertEqual((self.proxy.logins, self.proxy.count("count me")), (3, 3))
        self.assertGreater(self.proxy.connections, 0)
        self.assertGreater(self.proxy.open, 0)
        self.proxy.drop()
        self.assertEqual(self.proxy.open, 0)

    def test_a_stalled_login_goes_nowhere_and_fails_by_itself(self):
        self.proxy.stall()
        wait = self.driver.start_connect({**self.server.options(self.proxy.port), **IMPATIENT})
        poll(lambda: self.proxy.connections, "the driver connects")
        self.check_fails(wait)
        self.assertEqual(self.server.logins(), [])
        self.proxy.resume()
        self.connect(self.server.options(self.proxy.port))

    def test_what_is_stalled_goes_on(self):
        a = self.connect(self.server.options(self.proxy.port))
        self.proxy.stall()
        future = a.start("select 'patience'")
        poll(lambda: self.proxy.count("patience"), "the statement arrives at the proxy")
        self.assertEqual(self.server.queries("patience"), [])
        self.proxy.resume()
        self.assertEqual(a.wait(future).rows, [["patience"]])

    def test_what_is_delayed_waits(self):
        a = self.connect(self.server.options(self.proxy.port))
        self.proxy.delay(3600)
        future = a.start("select 'slow'")
        poll(lambda: self.proxy.count("slow"), "the statement arrives at the proxy")
        self.assertEqual(self.server.queries("slow"), [])
        self.proxy.resume()
        self.assertEqual(a.wait(future).rows, [["slow"]])

    def test_refused_and_reset_connections_fail_until_the_proxy_resumes(self):
        for fault in (self.proxy.refuse, self.proxy.reset):
            fault()
            before = self.proxy.connections
            self.check_fails(lambda: self.driver.connect(self.server.options(self.proxy.port)))
            self.assertEqual(self.proxy.connections > before, fault == self.proxy.reset)
            self.proxy.resume()
            self.connect(self.server.options(self.proxy.port))
        self.assertEqual(len(self.server.logins()), 2)

    def test_an_error_is_answered_in_the_servers_place(self):
        a = self.connect(self.server.options(self.proxy.port))
        self.proxy.answer("390195", "as told", match="select 8", sqlstate="08001")
        self.assertEqual(a.value("select 7"), "7")
        self.assertIn("as told", self.check_fails(lambda: a.query("select 8"), 390195).message)
        self.assertEqual(self.server.queries("select 8"), [])
        self.assertEqual(a.value("select 8"), "8")

    def test_an_http_error_is_sent_again_by_the_driver(self):
        a = self.connect(self.server.options(self.proxy.port))
        self.proxy.http_error(503, match="select 9")
        self.assertEqual(a.value("select 9"), "9")
        self.assertEqual((self.proxy.count("select 9"), len(self.server.queries("select 9"))), (2, 1))

    def test_an_answer_can_end_in_its_middle(self):
        a = self.connect(self.server.options(self.proxy.port))
        self.proxy.cut(match="select 10")
        self.check_fails(lambda: a.query("select 10"))
        self.assertEqual(len(self.server.queries("select 10")), 1)
        self.assertEqual(a.value("select 10"), "10")


class PostgresServer(Bed):
    driver_name = "postgresql"

    def setUp(self):
        self.server = self.postgres()
        self.a = self.connect({"uri": self.server.uri})

    def test_values_and_errors_arrive(self):
        got = self.a.query("select 1 as n, null::text as nothing, 'x' as s")
        self.assertEqual((got.names, got.rows), (["n", "nothing", "s"], [[1, None, "x"]]))
        self.check_fails(lambda: self.a.query("select * from missing"), sqlstate="42P01")
        self.check_fails(lambda: self.a.query("select 1 / 0"), sqlstate="22012")
        self.check_fails(lambda: self.driver.connect({"uri": self.server.uri.replace("secret", "guess")}))

    def test_what_others_do_is_seen_and_a_cancel_ends_it(self):
        named = self.connect({"uri": self.server.uri + "?application_name=somebody"})
        future = named.start("select pg_sleep(3600)")
        poll(lambda: self.server.is_running("pg_sleep"), "the statement runs")
        seen = [row for row in self.server.activity() if row["application_name"] == "somebody"]
        self.assertEqual([(row["user"], row["state"]) for row in seen], [("tester", "active")])
        named.cancel()
        self.check_fails(lambda: named.wait(future), sqlstate="57014")
        self.assertFalse(self.server.is_running("pg_sleep"))
        self.assertEqual(named.value("select 2"), 2)

    def test_the_superuser_needs_no_password_and_the_other_may_not_do_everything(self):
        self.assertEqual(self.connect({"uri": self.server.superuser_uri}).value("select current_user::text"), "postgres")
        self.assertEqual(self.a.value("select current_user::text"), "tester")
        self.check_fails(lambda: self.a.query("select pg_read_file('/etc/passwd')"), sqlstate="42501")

    def test_a_restart_and_a_kill_keep_port_and_data(self):
        self.server.sql("create table kept as select 7 as n; grant select on kept to tester")
        for again in (self.server.restart, lambda: (self.server.kill9(), self.server.restart())):
            port = self.server.port
            again()
            self.assertEqual(self.server.port, port)
            self.check_fails(lambda: self.a.query("select 1"))
            self.a = self.connect({"uri": self.server.uri})
            self.assertEqual(self.a.value("select n from kept"), 7)

    def test_bytes_stall_answers_are_cut_and_connections_drop(self):
        proxy = self.proxy(self.server)
        a = self.connect({"uri": self.server.uri.replace(str(self.server.port), str(proxy.port))})
        self.assertEqual(a.value("select 1"), 1)
        # The driver has looked at the types on a connection of its own.
        poll(lambda: proxy.open == 1, "one connection is left")
        proxy.stall()
        future = a.start("select 'stalled'")
        self.assertFalse(self.server.is_running("stalled"))
        proxy.resume()
        self.assertEqual(a.wait(future).rows, [["stalled"]])
        proxy.cut()
        self.check_fails(lambda: a.query("select repeat('x', 100)"))
        poll(lambda: proxy.open == 0, "the connection is gone")
        a = self.connect({"uri": self.server.uri.replace(str(self.server.port), str(proxy.port))})
        future = a.start("select pg_sleep(3600)")
        poll(lambda: self.server.is_running("pg_sleep"), "the statement runs")
        self.assertEqual(proxy.drop(reset=True), 1)
        self.check_fails(lambda: a.wait(future))


class Others(Bed):
    driver_name = "sqlite"

    def test_sqlite_answers(self):
        self.assertEqual(self.connect({"uri": ":memory:"}).query("select 1 as n, 'x' as s").rows, [[1, "x"]])

    def test_every_driver_loads(self):
        for name in DRIVERS:
            with self.subTest(driver=name):
                self.assertTrue(self.loads(DRIVERS[name]))
        self.assertFalse(self.loads("/nowhere/libadbc_driver_nobody.so"))

    def loads(self, path):
        """One that does not is not found or has no entry point; one that does has a look at its options."""
        driver = Driver("any", path=path)
        self.addCleanup(driver.close)
        try:
            driver.connect({"uri": "file:/nowhere/at/all"})
        except DriverError as error:
            return error.status not in ("NOT_FOUND", "INTERNAL")
        return True


class Killed(unittest.TestCase):
    def test_a_test_that_is_killed_leaves_no_process_and_no_file_behind(self):
        program = ("import json; from lib.drivers import Driver; from lib.fakesnow import Fakesnow; from lib.postgres import Postgres\n"
                   "a, b, c = Fakesnow().start(), Postgres().start(), Driver('sqlite')\n"
                   "busy = c.connect({'uri': ':memory:'}).start('with recursive t(n) as (select 1 union all"
                   " select n + 1 from t) select count(*) from t')\n"
                   "print(json.dumps([[a.program.pid, b.program.pid, b.pid, c.program.pid], [a.directory, b.directory]]), flush=True)\n"
                   "input()")
        child = subprocess.Popen([sys.executable, "-c", program], cwd=HERE, text=True,
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        with child:
            pids, directories = json.loads(child.stdout.readline())
            for directory in directories:
                self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
            child.send_signal(signal.SIGKILL)
        for pid in pids:
            wait_gone(pid)
        self.assertEqual([path for path in directories if os.path.exists(path)], [])


if __name__ == "__main__":
    main()
