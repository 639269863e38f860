# SPDX-License-Identifier: Apache-2.0
"""What breaks between us and a warehouse: the answer says it and names the profile, the call after
it works by itself, another profile never notices, and half a result is never shown as a whole one."""
import itertools

from lib.case import main
from lib.client import Answer
from lib.drivers import Driver, DriverError
from lib.engine import ENGINES, EngineCase
from lib.fakesnow import IMPATIENT, PASSWORD, USER
from lib.flightsql import RPC
from lib.program import poll
from lib.proxy import Proxy

# Waits are the driver's; a client that waits for them gets the answer and no handle of a query.
PATIENT = {"query": {"grace_s": 100}}
DEADLINE_S = 110


class Faults:
    """Mixed into a class for each engine behind a proxy."""

    kind = None
    not_there = "nowhere.invalid"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.engine = ENGINES[cls.kind](cls.addClassCleanup, "broken")
        cls.other = ENGINES["sqlite"](cls.addClassCleanup, "sound")
        cls.numbers = itertools.count(1)

    def setUp(self):
        if not self.engine.server.program.is_running:
            self.engine.server.restart()  # after a test that failed
        self.proxy = Proxy(self.engine.server.port)
        self.addCleanup(self.proxy.close)

    def start(self, options=None, **keys):
        sections = {"profile.demo": None, **PATIENT, **self.other.settings(),
                    **self.engine.settings({**self.engine.options(self.proxy.port), **(options or {})}, **keys)}
        self.daemon_ = self.daemon(sections)
        self.client = self.http("ts_v1", self.daemon_)
        self.bystander = self.http("python", self.daemon_, name="bystander")
        return self.client

    def ask(self, sql="SELECT 1", client=None):
        return Answer((client or self.client).send("execute_query", deadline_s=DEADLINE_S, query=sql, profile="broken").result(DEADLINE_S + 5))

    def unique(self):
        """A statement that is told from all others, and its rows."""
        text = "call %d" % next(self.numbers)
        return "SELECT '%s'" % text, [[text]]

    def check_works(self):
        sql, rows = self.unique()
        self.check_rows(self.ask(sql), rows)

    def check_sound(self):
        self.check_rows(self.bystander.sql("SELECT count(*) FROM orders", profile="sound"), [[2]])

    def check_unavailable(self, answer, *words):
        error = self.check_error(answer, "unavailable", True)
        self.assertIn("broken", error["message"])
        self.assertTrue(any(word in error["message"] for word in words), error["message"])
        self.assertNotIn("secret of tester", answer.text)
        self.assertGreater(error["retry_after_ms"], 0)
        return error

    def check_refused(self, answer, *words):
        """The same on every engine: who may log in is for people to mend, not to wait for."""
        error = self.check_error(answer, "login_refused", False)
        self.assertIn("Profile broken cannot be reached: the login was refused: ", error["message"])
        self.assertTrue(any(word in error["message"] for word in words), error["message"])
        self.assertNotIn("retry_after_ms", error)

    def wait_works(self):
        """Calls of a profile that failed are refused for a while at once; then one tries again."""
        poll(lambda: not self.ask().is_error, "the profile is tried again")
        self.check_works()

    def test_a_host_that_is_not_there(self):
        self.start(self.nowhere())
        self.check_unavailable(self.ask(), self.not_there)
        self.check_sound()

    def test_a_port_that_is_refused(self):
        self.proxy.refuse()
        self.start()
        self.check_unavailable(self.ask(), "refused")
        self.check_sound()
        self.proxy.resume()
        self.wait_works()

    def test_a_server_that_accepts_and_says_nothing(self):
        self.proxy.stall()
        self.start(self.impatient)
        future = self.client.send("execute_query", deadline_s=DEADLINE_S, query="SELECT 1", profile="broken")
        poll(lambda: self.proxy.connections, "the driver connects")
        self.check_sound()
        self.check_unavailable(Answer(future.result(DEADLINE_S + 5)), *self.silent)
        self.proxy.resume()
        self.wait_works()

    def test_a_wrong_password_is_told_and_not_tried_for_every_call(self):
        self.start(self.guess())
        for _ in range(11):
            self.check_refused(self.ask(), *self.refusal)
        self.check_sound()
        # Warehouses lock a user who tries often.
        self.assertLess(self.proxy.connections, 6)

    def test_a_password_that_is_not_good_any_more_is_told_when_a_connection_is_made_again(self):
        self.start()
        self.check_works()
        self.addCleanup(self.change_password, PASSWORD)
        self.change_password("another")
        self.check_refused(self.ask(), *self.refusal)
        self.check_sound()
        self.change_password(PASSWORD)
        self.wait_works()

    def test_a_server_that_goes_and_is_back_is_not_noticed(self):
        self.start()
        self.check_works()
        self.engine.server.restart()
        self.check_works()
        self.engine.server.kill9()
        self.engine.server.restart()
        self.check_works()
        self.check_sound()

    def test_a_server_that_is_gone_for_a_while(self):
        self.start()
        self.check_works()
        self.engine.server.stop()
        self.proxy.drop()
        self.check_unavailable(self.ask(), *self.gone)
        self.check_sound()
        self.engine.server.restart()
        self.wait_works()

    def test_a_server_that_ends_during_a_call(self):
        self.start()
        self.check_works()
        sql = self.engine.long()
        future = self.client.send("execute_query", deadline_s=DEADLINE_S, query=sql, profile="broken")
        poll(lambda: self.engine.is_running(self.engine.long_word), "the statement runs")
        self.ends_meanwhile()
        answer = Answer(future.result(DEADLINE_S + 5))
        if answer.is_error:
            self.check_unavailable(answer, "lost the connection", *self.gone)
        else:  # it ran again, on the server that came back
            self.check_rows(answer, [["this one is long"]])
        self.engine.server.restart()
        self.check_sound()
        self.wait_works()

    def test_connections_that_are_reset_are_made_again(self):
        self.start()
        for _ in range(3):
            self.check_works()
            self.assertGreater(self.proxy.drop(reset=True), 0)
        self.check_works()

    def test_half_an_answer_is_no_result(self):
        self.start()
        for size in (10, 20000):
            self.check_works()
            self.cut(size)
            answer = self.ask(self.engine.series(size))
            if answer.is_error:
                self.assertIn(answer.error["code"], ("worker_died", "unavailable", "sql_error", "internal"))
            else:
                self.assertEqual(answer.data["total_rows"], size)
            self.proxy.resume()
            self.wait_works()
            self.assertEqual(self.ask(self.engine.series(size)).data["total_rows"], size)

    def ten_at_once(self):
        """Sessions that were there before, each with a call at the same time."""
        clients = [self.http("ts_v1", self.daemon_, name="s%d" % n) for n in range(10)]
        for client in clients:
            self.check_rows(self.ask("SELECT 1", client), [[1]])
        return clients

    def check_all(self, clients):
        asked = [(self.unique(), client) for client in clients]
        sent = [(rows, client.send("execute_query", deadline_s=DEADLINE_S, query=sql, profile="broken")) for (sql, rows), client in asked]
        for rows, future in sent:
            self.check_rows(Answer(future.result(DEADLINE_S + 5)), rows)


class SnowflakeFaults(Faults, EngineCase):
    kind = "snowflake"
    impatient = IMPATIENT
    silent = ("deadline exceeded", "timeout", "Timeout", "261000", "expired", "login")
    gone = ("refused", "EOF", "reset", "261000")
    refusal = ("390100 (08004): Incorrect username or password",)

    def guess(self):
        return {"password": "guess"}

    def change_password(self, password):
        self.engine.server.control("password", user=USER, password=password)
        self.engine.server.control("forget")

    def ends_meanwhile(self):
        self.engine.server.restart()

    def nowhere(self):
        return {"adbc.snowflake.sql.uri.host": "nowhere.invalid", **IMPATIENT}

    def cut(self, size):
        self.proxy.cut(match=r"ROWCOUNT => %d\b" % size)

    def test_an_http_error_is_sent_again_by_the_driver_and_the_statement_runs_once(self):
        self.start()
        self.check_works()
        sql, rows = self.unique()
        self.proxy.http_error(500, match=sql)
        self.check_rows(self.ask(sql), rows)
        self.assertEqual(len(self.engine.server.queries(sql)), 1)

    def test_a_login_that_is_answered_by_http_errors(self):
        self.start(IMPATIENT)
        self.proxy.http_error(500, match="login-request", count=1000)
        self.check_unavailable(self.ask(), "500", "261000", "deadline exceeded", "login")
        self.check_sound()
        self.proxy.resume()
        self.wait_works()

    def test_an_expired_token_is_renewed_without_a_login(self):
        self.start()
        self.check_works()
        logins, renewals = len(self.engine.server.logins()), len(self.engine.server.log("renew"))
        self.engine.server.control("expire")
        self.check_works()
        self.assertEqual(len(self.engine.server.logins()), logins)
        self.assertGreater(len(self.engine.server.log("renew")), renewals)

    def test_one_login_serves_ten_sessions_whose_token_cannot_be_renewed(self):
        self.start(slots=1)
        clients = self.ten_at_once()
        for forget in (lambda: self.engine.server.control("expire", master=True), lambda: self.engine.server.control("forget")):
            before = len(self.engine.server.logins())
            forget()
            self.check_all(clients)
            self.assertEqual(len(self.engine.server.logins()) - before, 1)

    def test_no_more_logins_than_connections_after_a_token_ended(self):
        self.start(slots=4)
        clients = self.ten_at_once()
        self.check_all(clients)
        before = len(self.engine.server.logins())
        self.engine.server.control("expire", master=True)
        self.check_all(clients)
        self.assertLessEqual(len(self.engine.server.logins()) - before, 4)

    def test_codes_of_a_lost_session_are_no_errors_of_the_statement(self):
        self.start()
        self.check_works()
        for code in ("390104", "390111", "390114", "390195"):
            sql, rows = self.unique()
            self.proxy.answer(code, "as the test wanted", match=sql)
            answer = self.ask(sql)
            self.check_rows(answer, rows)

    def test_a_missing_warehouse_is_an_error_of_the_statement(self):
        self.start()
        self.check_works()
        before = len(self.engine.server.logins())
        sql, _ = self.unique()
        self.engine.server.control("fail", code="000606", sqlstate="57P03", match=sql, count=100,
                                   message="No active warehouse selected in the current session.")
        self.addCleanup(self.engine.server.control, "clear")
        error = self.check_error(self.ask(sql), "sql_error", True)
        self.assertIn("No active warehouse", error["message"])
        self.assertEqual((error["vendor_code"], error["sqlstate"]), (606, "57P03"))
        self.assertEqual(len(self.engine.server.queries(sql)), 1)
        self.assertEqual(len(self.engine.server.logins()), before)


class PostgresFaults(Faults, EngineCase):
    kind = "postgresql"
    impatient = {}
    silent = ("not ready", "timeout", "in time", "expired", "did not")
    gone = ("refused", "closed", "reset", "shutting down", "starting up")
    refusal = ("password authentication failed",)

    def guess(self):
        return {"uri": self.engine.options(self.proxy.port)["uri"].replace("secret", "guess")}

    def change_password(self, password):
        self.engine.server.sql("ALTER ROLE tester PASSWORD '%s'" % password)
        self.engine.server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tester'")

    def ends_meanwhile(self):
        self.engine.server.stop()

    def nowhere(self):
        return {"uri": self.engine.server.uri.replace("127.0.0.1", "nowhere.invalid")}

    def cut(self, size):
        self.proxy.cut()

    def test_a_database_that_is_not_there(self):
        self.start({"uri": self.engine.options(self.proxy.port)["uri"].removesuffix("/test") + "/tset"})
        self.check_unavailable(self.ask(), 'database "tset" does not exist')
        self.check_sound()

    def test_a_connection_that_the_server_ends_is_made_again(self):
        self.start()
        self.check_works()
        self.engine.server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tester'")
        self.check_works()

    def test_why_a_connection_was_lost_never_tells_the_statement(self):
        self.start()
        self.check_works()
        self.engine.server.stop()
        first = self.ask("SELECT 'of the first client'")
        second = self.ask("SELECT 1", self.bystander)
        self.engine.server.restart()
        for answer in (first, second):
            self.assertTrue(answer.is_error, answer.text)
            self.assertNotIn("of the first client", answer.text)
            self.assertNotIn(self.client.session, answer.text)
        log = "\n".join(self.daemon_.program.err.lines)
        self.assertIn("warehouse_lost", log)
        self.assertNotIn("of the first client", log)

    def runs_and_is_cut(self, sql, pids):
        """The connection ends under @sql on a server process that is not among @pids."""
        found = poll(lambda: [row["pid"] for row in self.engine.server.activity()
                              if self.engine.long_word in row["query"] and row["pid"] not in pids], "it runs")
        pids.update(found)
        self.assertGreater(self.proxy.drop(reset=True), 0)

    def test_what_only_reads_runs_again_once_and_what_writes_does_not(self):
        self.engine.server.sql("GRANT SELECT, DELETE ON sales.orders TO tester")
        self.start(policy="read_write")
        before = self.engine.server.sql("SELECT count(*) FROM sales.orders")
        pids = set()
        call = self.client.send("execute_query", query=self.engine.long(), profile="broken")
        for _ in range(2):
            self.runs_and_is_cut(self.engine.long(), pids)
        self.check_unavailable(Answer(call.result(DEADLINE_S)), "lost the connection while the statement ran")
        text = "DELETE FROM sales.orders WHERE (%s) = 0" % self.engine.long()
        call = self.client.send("execute_query", query=text, profile="broken")
        self.runs_and_is_cut(text, pids)
        error = self.check_error(Answer(call.result(DEADLINE_S)), "outcome_unknown", False)
        self.assertIn("Profile broken lost the connection", error["message"])
        poll(lambda: not self.engine.is_running("DELETE FROM"), "the server notices")
        self.assertEqual(self.engine.server.sql("SELECT count(*) FROM sales.orders"), before)
        self.check_works()

    def test_ten_sessions_share_the_new_connections(self):
        self.start(slots=2)
        clients = self.ten_at_once()
        self.engine.server.restart()
        self.check_all(clients)
        # One more is the worker's own.
        self.assertLessEqual(len(self.engine.logins()), 3)


class FlightSqlFaults(Faults, EngineCase):
    kind = "flightsql"
    impatient = {RPC + "connect": "2"}
    silent = ("error reading server preface",)
    gone = ("refused", "EOF", "reset", "closed", "not logged in")
    refusal = ("no such user, or not that password",)
    not_there = "zero addresses"  # the driver does not say of whom

    def guess(self):
        return {"password": "guess"}

    def change_password(self, password):
        self.engine.server.password = password
        self.engine.server.restart()

    def ends_meanwhile(self):
        self.engine.server.kill9()

    def nowhere(self):
        return {"uri": "grpc://nowhere.invalid:1"}

    def cut(self, size):
        self.proxy.cut()

    def check_silence_is_bounded(self, sql, limit, words):
        """Our own limit is a minute away."""
        self.start({RPC + limit: "1"})
        self.check_works()
        if limit == "query":
            self.proxy.stall()
        error = self.check_error(self.ask(sql), "sql_error", True)
        self.assertIn(words, error["message"])
        self.check_sound()

    def test_a_server_that_falls_silent_is_bounded_by_the_driver_too(self):
        self.check_silence_is_bounded("SELECT 1", "query", "(DeadlineExceeded; ExecuteQuery)")
        self.proxy.resume()
        self.check_works()

    def test_a_result_that_does_not_come_is_bounded_by_the_driver_too(self):
        self.check_silence_is_bounded(self.engine.long(), "fetch", "(DeadlineExceeded; DoGet")
        poll(lambda: not self.engine.is_running(self.engine.long_word), "the server notices")
        self.check_works()

    def test_silence_ends_with_the_time_limit_of_a_call_and_of_a_login(self):
        self.start(self.impatient)
        self.check_works()
        self.proxy.stall()
        answer = self.client.call("execute_query", query="SELECT 1", profile="broken", timeout_s=1)
        self.check_error(answer, "timeout", True)
        self.check_unavailable(self.ask(), *self.silent)
        self.check_sound()
        self.proxy.resume()
        self.wait_works()

    def test_tokens_in_the_details_of_errors_are_never_passed_on(self):
        driver = Driver("flightsql")
        self.addCleanup(driver.close)
        with self.assertRaises(DriverError) as caught:
            driver.connect(self.engine.options()).query("SELECT nothing")
        self.assertIn(self.engine.logins()[-1]["token"], caught.exception.details)
        self.start()
        answer = self.ask("SELECT nothing")
        self.check_error(answer, "sql_error", True)
        self.engine.server.forget()
        self.check_works()
        self.daemon_.event("warehouse_lost")
        seen = answer.text + "\n".join(self.daemon_.program.err.lines)
        for token in filter(None, (login["token"] for login in self.engine.logins())):
            self.assertNotIn(token, seen)
        self.assertNotIn("Bearer", seen)

    def test_one_login_serves_ten_sessions_whose_token_the_server_forgot(self):
        self.start(slots=1)
        clients = self.ten_at_once()
        for _ in range(2):
            before = len(self.engine.logins())
            self.engine.server.forget()
            self.check_all(clients)
            self.assertEqual(len(self.engine.logins()) - before, 1)

    def test_a_token_that_is_no_good_is_told_like_a_password(self):
        self.start({"username": None, "password": None, "adbc.flight.sql.authorization_header": "Bearer of-nobody"})
        for _ in range(3):
            self.check_refused(self.ask(), "not logged in")
        self.check_sound()
        self.assertLess(self.proxy.connections, 4)


if __name__ == "__main__":
    main()
