# SPDX-License-Identifier: Apache-2.0
"""Records of queries and kept results outlive the daemon: whatever was named in an answer is found
again after kill -9, by its principal and nobody else, and no file is left that nobody knows."""
import contextlib
import json
import os
import re
import resource
import signal
import sqlite3
import stat
import unittest
import urllib.request

from lib.case import LONG_SQL, Case, main
from lib.client import Answer
from lib.daemon import FAKE, wait_gone
from lib.line import Line
from lib.program import poll

ROWS = 2345
SQL = "SELECT range AS n, 'row ' || range AS text FROM range(%d)" % ROWS
OTHER = 65534


class Records(Case):
    def kill_and_start(self, daemon):
        workers = daemon.workers()
        daemon.kill9()
        for pid in workers:
            wait_gone(pid)
        daemon.restart()

    def store(self, daemon):
        return contextlib.closing(sqlite3.connect(
            os.path.join(daemon.state, "snowmux.db"), isolation_level=None, timeout=60))

    def ask_store(self, daemon, sql, *values):
        with self.store(daemon) as store:
            return store.execute(sql, values).fetchall()

    def files(self, daemon):
        return sorted(os.listdir(os.path.join(daemon.state, "spool")))

    def check_spool(self, daemon):
        """Every row has its file and every file its row, and nobody else may look."""
        place = os.path.join(daemon.state, "spool")
        rows = self.ask_store(daemon, "SELECT handle, bytes FROM result ORDER BY handle")
        self.assertEqual([(name, os.stat(os.path.join(place, name)).st_size) for name in self.files(daemon)], rows)
        self.assertEqual(stat.S_IMODE(os.stat(place).st_mode), 0o700)
        for name in self.files(daemon):
            self.assertEqual(stat.S_IMODE(os.stat(os.path.join(place, name)).st_mode), 0o600)
        return [handle for handle, _ in rows]

    # ---- what was answered is there ----

    def test_a_result_is_read_on_after_kill_9_from_any_connection(self):
        daemon = self.daemon()
        for client in (self.http("ts_v1", daemon, name="a"), self.http("ts_v2", daemon, name="b", era="modern")):
            first = client.sql(SQL)
            self.kill_and_start(daemon)  # at once after the answer
            other = self.http("python", daemon, name="c")
            for reader in (client, other):
                page = reader.call("fetch_result", **first.data["next"]["arguments"])
                self.assertEqual(page.rows[0], [100, "row 100"], page.text)
                self.assertEqual(page.data["total_rows"], ROWS)
                until = r"Kept until \d\d:\d\dZ\."
                self.assertEqual(re.search(until, page.data["notice"])[0], re.search(until, first.data["notice"])[0])
            again = other.call("query_status", query=first.data["query"])
            self.assertEqual(again.data, first.data)
            ended = other.call("cancel_query", query=first.data["query"])
            self.assertEqual((ended.data["status"], ended.data["notice"]), ("done", "It had ended before."))
        self.assertEqual(len(self.check_spool(daemon)), 2)

    def test_results_and_records_survive_a_clean_stop_too(self):
        daemon = self.daemon()
        client = self.http("ts_v1", daemon)
        first, small = client.sql(SQL), client.sql("SELECT 5 AS five")
        error = client.sql("SELECT nonsense")
        self.assertEqual(daemon.stop(), 0)
        daemon.restart()
        self.assertEqual(client.call("fetch_result", result=first.data["result"], offset=7, limit=1).rows, [[7, "row 7"]])
        self.assertEqual(client.call("query_status", query=small.data["query"]).data, small.data)
        again = client.call("query_status", query=error.error["query"])
        self.assertEqual((again.is_error, again.data), (True, error.data))
        listed = client.call("query_status").data["queries"]
        self.assertEqual([q["sql"] for q in listed], ["SELECT nonsense", "SELECT 5 AS five", SQL])
        self.assertEqual([q["status"] for q in listed], ["failed", "done", "done"])

    def test_other_finished_queries_are_written_within_a_second(self):
        daemon = self.daemon()
        client = self.http("ts_v1", daemon)
        small = client.sql("SELECT 5 AS five")
        poll(lambda: self.ask_store(daemon, "SELECT 1 FROM query WHERE handle = ? AND status = 'done'",
                                    small.data["query"]), "the record is written")
        self.kill_and_start(daemon)
        self.assertEqual(client.call("query_status", query=small.data["query"]).data, small.data)

    def test_an_ordinary_answer_waits_for_no_write(self):
        daemon = self.daemon()
        client = self.http("ts_v1", daemon)
        client.sql("SELECT 1")
        with self.store(daemon) as store:
            store.execute("BEGIN IMMEDIATE")  # the daemon cannot write meanwhile
            self.assertEqual(client.sql("SELECT 2").rows, [[2]])
            kept = client.send("execute_query", query=SQL)
            poll(lambda: self.files(daemon), "the spool is written")
            for _ in range(20):
                self.assertEqual(client.sql("SELECT 3").rows, [[3]])
            self.assertFalse(kept.done())
            store.rollback()
        self.assertEqual(Answer(kept.result(60)).data["total_rows"], ROWS)

    # ---- what did not survive says so ----

    def test_a_query_that_was_running_or_queued_says_that_it_was_interrupted(self):
        daemon = self.daemon({"query": {"grace_s": 1}, "profile.demo": {"slots": 1}})
        client = self.http("ts_v1", daemon)
        running, queued = client.sql(LONG_SQL).data, client.sql("SELECT 5").data
        self.assertEqual((running["status"], queued["status"]), ("running", "queued"))
        for _ in range(2):
            self.kill_and_start(daemon)
            for query in (running["query"], queued["query"]):
                answer = self.http("python", daemon, name="other").call("query_status", query=query)
                self.check_shape(answer)
                self.assertFalse(answer.is_error)
                self.assertEqual(answer.data["status"], "interrupted")
                self.assertGreaterEqual(answer.data["elapsed_ms"], 0)
                self.assertIn("may be sent again", answer.data["notice"])
                ended = client.call("cancel_query", query=query)
                self.assertEqual(ended.data["status"], "interrupted")
            for reader in (client, self.http("python", daemon, name="new")):
                listed = reader.call("query_status").data["queries"]
                self.assertEqual({(q["query"], q["status"]) for q in listed},
                                 {(running["query"], "interrupted"), (queued["query"], "interrupted")})
            poll(lambda: self.ask_store(daemon, "SELECT count(*) FROM query WHERE status = 'interrupted'") == [(2,)],
                 "the store knows it too")

    def test_a_handle_that_was_only_listed_is_known_after_kill_9(self):
        daemon = self.daemon()
        client = self.http("ts_v1", daemon)
        lost = client.send("execute_query", query=LONG_SQL)
        daemon.wait_calls(running=1)
        (query,) = client.call("query_status").data["queries"]
        self.kill_and_start(daemon)
        with self.assertRaises(Exception):
            lost.result(60)
        self.assertEqual(client.call("query_status", query=query["query"]).data["status"], "interrupted")

    def test_what_ends_after_its_handle_was_given_out_is_written_before_it_is_told(self):
        daemon = self.daemon({"query": {"grace_s": 1}, "profile.fake": FAKE})
        client = self.http("ts_v1", daemon)
        query = client.sql("SELECT 'sleep 2000'", profile="fake").data["query"]
        with self.store(daemon) as store:
            store.execute("BEGIN IMMEDIATE")
            waiting = client.send("query_status", query=query)
            poll(lambda: self.ask_running(daemon) == 0, "it ends")
            for _ in range(20):
                daemon.workers()
            self.assertFalse(waiting.done())
            store.rollback()
        done = Answer(waiting.result(60))
        self.assertEqual(done.rows, [["slept"]])
        self.kill_and_start(daemon)
        self.assertEqual(client.call("query_status", query=query).data, done.data)

    def test_a_query_that_is_still_running_at_the_end_of_the_drain_was_interrupted(self):
        daemon = self.daemon({"query": {"grace_s": 1}, "daemon": {"drain_s": 1}})
        client = self.http("ts_v1", daemon)
        query = client.sql(LONG_SQL).data["query"]
        daemon.stop()
        daemon.restart()
        self.assertEqual(client.call("query_status", query=query).data["status"], "interrupted")

    # ---- kill -9 between the steps ----

    def test_a_spool_without_its_row_is_swept_away(self):
        daemon = self.daemon()
        client = self.http("ts_v1", daemon)
        kept = client.sql(SQL).data["result"]
        with self.store(daemon) as store:
            store.execute("BEGIN IMMEDIATE")
            lost = client.send("execute_query", query=SQL)
            poll(lambda: len(self.files(daemon)) == 2, "the spool is written")
            for _ in range(20):
                daemon.workers()
            self.assertFalse(lost.done())
            workers = daemon.workers()
            daemon.kill9()
        for pid in workers:
            wait_gone(pid)
        daemon.restart()
        with self.assertRaises(Exception):
            lost.result(60)
        self.assertEqual(daemon.event("records_loaded")["files_swept"], "1")
        self.assertEqual(self.check_spool(daemon), [kept])

    def test_a_spool_that_is_being_written_is_swept_away(self):
        daemon = self.daemon()
        client = self.http("ts_v1", daemon)
        lost = client.send("execute_query", query="SELECT a.range, repeat('x', 100) FROM range(100000000) a")
        poll(lambda: self.files(daemon), "the spool is begun")
        self.kill_and_start(daemon)
        with self.assertRaises(Exception):
            lost.result(60)
        self.assertEqual(self.check_spool(daemon), [])

    def test_a_row_whose_file_went_first_is_dropped(self):
        daemon = self.daemon({"results": {"keep_s": 2}})
        client = self.http("ts_v1", daemon)
        result = client.sql(SQL).data["result"]
        with self.store(daemon) as store:
            store.execute("BEGIN IMMEDIATE")
            poll(lambda: not self.files(daemon), "the file goes with the result")
            daemon.kill9()
        self.assertEqual(self.ask_store(daemon, "SELECT handle FROM result"), [(result,)])
        daemon.restart()
        self.assertEqual(daemon.event("records_loaded")["results_lost"], "1")
        poll(lambda: not self.ask_store(daemon, "SELECT 1 FROM result"), "its row goes")
        self.check_error(client.call("fetch_result", result=result), "result_not_found", True)

    def test_files_that_are_gone_or_damaged_are_no_results(self):
        daemon = self.daemon()
        client = self.http("ts_v1", daemon)
        gone, shorter, damaged, whole = (client.sql(SQL).data["result"] for _ in range(4))
        place = lambda handle: os.path.join(daemon.state, "spool", handle)
        daemon.kill9()
        os.unlink(place(gone))
        os.truncate(place(shorter), 1000)
        with open(place(damaged), "r+b") as file:
            file.seek(os.path.getsize(place(damaged)) - 200)
            file.write(b"\xff" * 100)
        with open(place("r_" + "a" * 26), "wb") as file:
            file.write(b"nobody knows this")
        daemon.restart()
        for result in (gone, shorter, damaged, "r_" + "a" * 26):
            self.check_error(client.call("fetch_result", result=result), "result_not_found", True)
        self.assertEqual(client.call("fetch_result", result=whole, offset=9, limit=1).rows, [[9, "row 9"]])
        self.assertEqual(self.files(daemon), sorted([damaged, whole]))

    # ---- bounds and rights ----

    def test_records_are_forgotten_in_the_store_too(self):
        daemon = self.daemon({"results": {"queries": 16}})
        client = self.http("ts_v1", daemon)
        handles = [client.sql("SELECT %d" % i).data["query"] for i in range(16)]
        poll(lambda: self.ask_store(daemon, "SELECT count(*) FROM query WHERE status = 'done'") == [(16,)], "all are written")
        handles += [client.sql("SELECT %d" % i).data["query"] for i in range(16, 24)]
        poll(lambda: {row[0] for row in self.ask_store(daemon, "SELECT handle FROM query WHERE status = 'done'")}
             == set(handles[8:]), "the last 16 are in the store")
        self.kill_and_start(daemon)
        self.check_error(client.call("query_status", query=handles[7]), "query_not_found", True)
        self.assertEqual(client.call("query_status", query=handles[8]).rows, [[8]])

    def test_results_expire_by_the_time_that_was_promised_or_earlier(self):
        daemon = self.daemon()
        client = self.http("ts_v1", daemon)
        past, future = client.sql(SQL).data["result"], client.sql(SQL).data["result"]
        daemon.kill9()
        with self.store(daemon) as store:
            store.execute("UPDATE result SET expires_wall_ns = 1 WHERE handle = ?", (past,))
            store.execute("UPDATE result SET expires_wall_ns = 9000000000000000000 WHERE handle = ?", (future,))
        daemon.settings["results"] = {"keep_s": 2}
        with open(daemon.config, "a", encoding="utf-8") as file:
            file.write("[results]\nkeep_s = 2\n")
        daemon.restart()
        self.check_error(client.call("fetch_result", result=past), "result_not_found", True)
        poll(lambda: client.call("fetch_result", result=future).is_error, "a far end is brought near")
        poll(lambda: not self.files(daemon), "its file goes")
        poll(lambda: not self.ask_store(daemon, "SELECT 1 FROM result"), "and its row")

    def test_the_oldest_of_the_same_principal_go_first_and_a_large_one_is_capped(self):
        daemon = self.daemon({"results": {"principal_mb": 1}})
        client = self.http("ts_v1", daemon)
        wide = "SELECT range AS n, repeat('x', 100) AS x FROM range(%d)"
        first, second = client.sql(wide % 4000), client.sql(wide % 4000)
        third = client.sql(wide % 4000)
        self.check_error(client.call("fetch_result", result=first.data["result"]), "result_not_found", True)
        self.assertEqual(client.call("fetch_result", result=second.data["result"], offset=3999).rows[0][0], 3999)
        large = client.sql(wide % 40000)
        self.assertIn("the engine had more", large.data["notice"])
        self.assertIsNone(large.data["total_rows"])
        self.assertTrue(large.data["truncated"])
        self.check_error(client.call("fetch_result", result=third.data["result"]), "result_not_found", True)
        poll(lambda: self.files(daemon) == [large.data["result"]], "the others' files go")
        self.assertLessEqual(os.path.getsize(os.path.join(daemon.state, "spool", large.data["result"])), 1 << 20)

    def test_results_of_a_session_that_the_operator_ends_go_with_it(self):
        daemon = self.daemon()
        victim, other = self.http("ts_v1", daemon, name="a"), self.http("ts_v1", daemon, name="b")
        gone, stays = victim.sql(SQL).data, other.sql(SQL).data["result"]
        with Line(daemon.socket) as line:
            line.send({"snowmux": "kill-session", "session": victim.session})
            self.assertEqual(line.until("snowmux", "kill-session")["state"], "ending")

            def asked():
                line.send({"snowmux": "kill-session", "session": victim.session})
                return line.until("snowmux", "kill-session")["state"] == "gone"
            poll(asked, "the store has forgotten it")
        self.kill_and_start(daemon)
        self.check_error(other.call("fetch_result", result=gone["result"]), "result_not_found", True)
        self.assertEqual(other.call("fetch_result", result=stays, offset=1, limit=1).rows, [[1, "row 1"]])
        self.assertEqual(self.check_spool(daemon), [stays])

    def test_results_of_a_session_that_is_closed_go_with_it(self):
        daemon = self.daemon()
        other = self.http("ts_v1", daemon, name="b")
        stays = other.sql(SQL).data["result"]
        closing, deleting, opening = (self.http("ts_v1", daemon, name=name) for name in ("c", "d", "e"))
        opened = opening.call("open_session").data["session"]
        gone = [closing.sql(SQL).data, deleting.sql(SQL).data, opening.sql(SQL, session=opened).data]
        closing.call("close_session")
        opening.call("close_session", session=opened)
        request = urllib.request.Request("http://127.0.0.1:%d/mcp" % daemon.port, method="DELETE",
                                         headers={"Mcp-Session-Id": deleting.session})
        urllib.request.urlopen(request, timeout=60).close()
        for _ in range(2):
            for data in gone:
                self.check_error(other.call("fetch_result", result=data["result"]), "result_not_found", True)
                status = other.call("query_status", query=data["query"]).data
                self.assertEqual((status["status"], "rows" in status), ("done", False))
            self.assertEqual(other.call("fetch_result", result=stays, offset=1, limit=1).rows, [[1, "row 1"]])
            poll(lambda: self.files(daemon) == [stays], "their files are removed")
            self.kill_and_start(daemon)
        self.assertEqual(self.check_spool(daemon), [stays])

    def test_a_store_that_cannot_be_written_is_told_and_written_later(self):
        daemon = self.daemon()
        client = self.http("ts_v1", daemon)
        client.sql("SELECT 1")
        pid = daemon.program.pid
        with self.store(daemon) as store:
            store.execute("BEGIN IMMEDIATE")
            kept = client.send("execute_query", query=SQL)
            poll(lambda: self.files(daemon), "the spool is written")
            poll(lambda: not self.ask_running(daemon), "its worker is done")
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
            store.rollback()
        answer = Answer(kept.result(60))
        self.check_shape(answer)
        self.assertEqual(answer.rows[1], [1, "row 1"])
        self.assertIn("The store cannot be written", answer.data["notice"])
        self.assertIn("Prefer GROUP BY", answer.data["notice"])
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        poll(lambda: self.ask_store(daemon, "SELECT 1 FROM result, query WHERE query.result = result.handle"
                                            " AND status = 'done'"), "both are written later")
        self.kill_and_start(daemon)
        self.assertEqual(client.call("fetch_result", result=answer.data["result"], offset=1, limit=1).rows, [[1, "row 1"]])
        self.assertEqual(client.call("query_status", query=answer.data["query"]).data, answer.data)

    def ask_running(self, daemon):
        return daemon.ask("ls")["running"]

    @unittest.skipUnless(os.geteuid() == 0, "only root can be another user")
    def test_another_principal_finds_neither(self):
        path = os.path.join(os.path.realpath("/tmp"), "snowmux-records-%d" % os.getpid())
        daemon = self.daemon({"listen": {"socket": path, "uids": [OTHER]}})
        client = self.http("ts_v1", daemon)
        mine = client.sql(SQL).data
        for _ in range(2):
            os.chmod(path, 0o666)
            with Line(path, uid=OTHER) as line:
                line.send({"snowmux": "hello", "version": 1, "instance": "other", "session": None},
                          {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
                              "protocolVersion": "2025-11-25", "capabilities": {},
                              "clientInfo": {"name": "other", "version": "1"}}})
                line.until("snowmux", "session")
                for number, (tool, key) in enumerate((("fetch_result", "result"), ("query_status", "query"),
                                                      ("cancel_query", "query")), 2):
                    line.send({"jsonrpc": "2.0", "id": number, "method": "tools/call",
                               "params": {"name": tool, "arguments": {key: mine[key]}}})
                    error = json.loads(line.until("id", number)["result"]["content"][0]["text"])["error"]
                    self.assertEqual(error["code"], key + "_not_found")
            self.kill_and_start(daemon)
        self.assertEqual(client.call("fetch_result", result=mine["result"], limit=1).rows, [[0, "row 0"]])


if __name__ == "__main__":
    main()
