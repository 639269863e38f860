# SPDX-License-Identifier: Apache-2.0
"""Results larger than a page are read on, cut cells are marked and read in steps, and long calls
answer with a query that is waited for."""
import os

from lib.case import LONG_SQL, Case, main
from lib.daemon import FAKE
from lib.program import poll

ROWS = 2345
SQL = "SELECT range AS n, 'row ' || range AS text FROM range(%d)" % ROWS


class Results(Case):
    def clients(self, settings=None):
        """One of each SDK and era, at one daemon."""
        daemon = self.daemon(settings)
        yield self.http("ts_v1", daemon, name="a")
        yield self.http("ts_v2", daemon, name="b", era="modern")
        yield self.stdio("python", daemon, name="c", era="auto")

    def follow(self, client, answer):
        """All rows, by calling what `next` says until there is nothing to call."""
        rows = list(answer.rows)
        pages = 1
        while answer.data["next"]:
            self.assertTrue(answer.data["truncated"])
            self.assertTrue(answer.data["notice"])
            following = answer.data["next"]
            answer = client.call(following["tool"], **following["arguments"])
            self.check_shape(answer)
            self.assertEqual(answer.data["row_count"], len(answer.rows))
            self.assertEqual(answer.data["offset"], len(rows))
            rows += answer.rows
            pages += 1
        return rows, pages

    def test_a_result_that_exceeds_a_page_is_read_to_its_end_by_following_next(self):
        for client in self.clients():
            client.tools()
            answer = client.sql(SQL)
            self.assertEqual(answer.data["row_count"], 100)
            self.assertEqual(answer.data["total_rows"], ROWS)
            self.assertTrue(answer.data["result"].startswith("r_"))
            rows, pages = self.follow(client, answer)
            self.assertEqual(rows, [[n, "row %d" % n] for n in range(ROWS)])
            self.assertEqual(pages, 24)

    def test_any_part_of_it_can_be_read_and_behind_its_end_is_nothing(self):
        for client in self.clients():
            result = client.sql(SQL).data["result"]
            part = client.call("fetch_result", result=result, offset=2000, limit=3)
            self.assertEqual([row[0] for row in part.rows], [2000, 2001, 2002])
            self.assertEqual(part.data["columns"][0]["name"], "n")
            last = client.call("fetch_result", result=result, offset=ROWS - 1)
            self.assertEqual(last.rows, [[ROWS - 1, "row %d" % (ROWS - 1)]])
            self.assertIsNone(last.data["next"])
            self.assertFalse(last.data["truncated"])
            for offset in (ROWS, ROWS + 1, 2**53 - 1):
                error = self.check_error(
                    client.call("fetch_result", result=result, offset=offset), "invalid_argument", True)
                self.assertIn(str(ROWS), error["message"])

    def read_end(self, client, result, row, column, size):
        part = client.call("fetch_result", result=result, row=row, column=column, offset=size - 5)
        self.check_shape(part)
        self.assertEqual((part.data["text"], part.data["bytes_total"]), ("xxxxx", size))

    def test_a_large_cell_is_read_and_of_one_that_is_too_large_it_is_said(self):
        client = self.http("ts_v1", self.daemon())
        answer = client.sql("SELECT repeat('x', 40000000) AS c")
        self.assertEqual(answer.data["cut_cells"], [[0, 0, 40000000]])
        self.assertIn("fetch_result", answer.data["notice"])
        self.read_end(client, answer.data["result"], 0, 0, 40000000)
        answer = client.sql("SELECT repeat('x', 70000000) AS c")
        self.assertEqual((answer.data["cut_cells"], answer.data["result"]), ([[0, 0, 70000000]], None))
        self.assertIn("more than 48 MB", answer.data["notice"])
        self.assertIn("SUBSTR", answer.data["notice"])

    def test_of_rows_that_exceed_the_spool_what_fits_is_kept_and_the_setting_named(self):
        daemon = self.daemon({"results": {"spool_mb": 1}})
        client = self.http("ts_v1", daemon)
        wide = "SELECT range AS n, repeat('x', %d) AS c FROM range(%d)"
        answer = client.sql(wide % (300000, 12))
        self.check_shape(answer)
        self.assertEqual((answer.data["row_count"], answer.data["total_rows"], answer.data["next"]), (12, 12, None))
        self.assertTrue(answer.data["truncated"])
        self.assertIn("only the first 3 rows are kept: the setting spool_mb of [results]", answer.data["notice"])
        self.read_end(client, answer.data["result"], 2, 1, 300000)
        self.assertIn("3 rows", self.check_error(
            client.call("fetch_result", result=answer.data["result"], row=3, column=1), "invalid_argument", True)["message"])
        self.assertEqual(daemon.event("result_cut_off")["reason"], "bytes")
        none = client.sql(wide % (2000000, 2))
        self.assertIsNone(none.data["result"])
        self.assertIn("cannot be read: the setting spool_mb of [results]", none.data["notice"])
        longer = client.sql(wide % (1000, 5000))
        self.assertRegex(longer.data["notice"], r"kept rows; the engine had more\..* More is not kept: the setting spool_mb")

    def test_a_disk_that_refuses_a_result_is_named_and_logged(self):
        daemon = self.daemon()
        client = self.http("ts_v1", daemon)
        place = os.path.join(daemon.state, "spool")
        os.rename(place, place + ".away")
        answer = client.sql(SQL)
        self.check_shape(answer)
        self.assertEqual((answer.data["result"], answer.data["next"], answer.data["total_rows"]), (None, None, ROWS))
        self.assertIn("cannot be read: the daemon's disk refused them", answer.data["notice"])
        event = daemon.event("result_cut_off")
        self.assertEqual((event["level"], event["reason"]), ("warn", "disk"))

    def test_a_page_has_its_bytes_too(self):
        client = self.http("ts_v1", self.daemon())
        answer = client.sql("SELECT range, repeat('x', 1500) FROM range(90)", limit=90)
        self.assertLess(answer.data["row_count"], 30)
        self.assertLess(len(answer.text), 40000)
        rows, _ = self.follow(client, answer)
        self.assertEqual([row[0] for row in rows], list(range(90)))

    def test_a_result_that_fits_is_not_kept(self):
        client = self.http("ts_v1", self.daemon())
        answer = client.sql("SELECT range FROM range(100)")
        self.assertEqual((answer.data["truncated"], answer.data["next"], answer.data["result"]), (False, None, None))
        self.assertEqual(answer.data["total_rows"], 100)

    def test_a_cell_of_a_megabyte_is_cut_and_marked_and_read_in_steps(self):
        for client in self.clients():
            client.tools()
            whole = "".join("%07d " % n for n in range(131072))
            answer = client.sql("SELECT 1, string_agg(printf('%07d ', range), '' ORDER BY range) FROM range(131072)")
            self.assertTrue(answer.data["truncated"])
            ((row, column, size),) = answer.data["cut_cells"]
            self.assertEqual((row, column, size), (0, 1, 1048576))
            self.assertEqual(answer.rows[0][1][:1000], whole[:1000])
            self.assertLessEqual(len(answer.rows[0][1]), 2001)
            self.assertIn("cut", answer.data["notice"])
            read = ""
            arguments = {"result": answer.data["result"], "row": row, "column": column}
            while arguments:
                part = client.call("fetch_result", **arguments)
                self.check_shape(part)
                self.assertFalse(part.is_error, part.text[:300])
                self.assertEqual(part.data["bytes_total"], size)
                self.assertLessEqual(len(part.data["text"]), 32768)
                read += part.data["text"]
                arguments = part.data["next"] and part.data["next"]["arguments"]
            self.assertEqual(read, whole)
            for wrong in ({"column": 2}, {"row": 1}, {"offset": size + 1}):
                arguments = {"result": answer.data["result"], "row": row, "column": column, **wrong}
                self.check_error(client.call("fetch_result", **arguments), "invalid_argument", True)

    def test_a_cut_never_splits_a_character(self):
        client = self.http("ts_v1", self.daemon({"query": {"cell_chars": 100}}))
        answer = client.sql("SELECT repeat('ä€😀', 1000)")
        self.assertTrue(("ä€😀" * 1000).startswith(answer.rows[0][0].rstrip("…")))
        self.assertEqual(answer.data["cut_cells"], [[0, 0, 9000]])

    def test_another_session_of_the_same_principal_reads_on_too_after_the_asker_left(self):
        daemon = self.daemon()
        asker, heir = self.stdio("ts_v1", daemon, name="a"), self.http("python", daemon, name="b")
        result = asker.sql(SQL).data["result"]
        asker.close()
        self.assertEqual(heir.call("fetch_result", result=result, offset=7, limit=1).rows, [[7, "row 7"]])

    def test_results_expire_and_say_so(self):
        daemon = self.daemon({"results": {"keep_s": 1}})
        client = self.http("ts_v1", daemon)
        result = client.sql(SQL).data["result"]
        poll(lambda: client.call("fetch_result", result=result).is_error, "the result expires")
        self.check_error(client.call("fetch_result", result=result), "result_not_found", True)

    def test_a_long_call_answers_with_a_query_that_is_waited_for(self):
        for client in self.clients({"query": {"grace_s": 1}, "profile.fake": FAKE}):
            client.tools()
            answer = client.sql("SELECT 'sleep 2500'", profile="fake")
            self.check_shape(answer)
            self.assertFalse(answer.is_error)
            self.assertEqual(answer.data["status"], "running")
            self.assertEqual(answer.data["next"], {"tool": "query_status", "arguments": {
                "query": answer.data["query"], "wait_s": 25}})
            self.assertIn("Do not send the SQL again", answer.data["notice"])
            done = client.call("query_status", **answer.data["next"]["arguments"])
            self.assertEqual(done.data["status"], "done")
            self.assertEqual(done.rows, [["slept"]])
            again = client.call("query_status", query=answer.data["query"], wait_s=0)
            self.assertEqual(again.rows, [["slept"]])

    def test_a_call_that_still_waits_says_so_after_the_grace_time(self):
        daemon = self.daemon({"query": {"grace_s": 1}, "profile.demo": {"slots": 1}})
        client = self.http("ts_v1", daemon)
        first = client.sql(LONG_SQL).data
        second = client.sql("SELECT 5").data
        self.assertEqual((first["status"], second["status"]), ("running", "queued"))
        self.assertEqual(second["position"], 1)
        listed = client.call("query_status").data["queries"]
        self.assertEqual({q["query"]: q["status"] for q in listed},
                         {first["query"]: "running", second["query"]: "queued"})
        cancelled = client.call("cancel_query", query=first["query"])
        self.assertFalse(cancelled.is_error, cancelled.text)
        self.check_error(client.call("query_status", query=first["query"]), "cancelled", True)
        self.assertEqual(client.call("query_status", query=second["query"]).rows, [[5]])

    def test_an_agent_that_was_cut_off_finds_its_query_and_its_rows_again(self):
        daemon = self.daemon({"query": {"grace_s": 1}, "profile.fake": FAKE})
        client = self.http("ts_v1", daemon, name="desk")
        client.sql("SELECT 'sleep 1500'", profile="fake")
        heir = self.http("ts_v1", daemon, session=client.session)
        (query,) = heir.call("query_status").data["queries"]
        self.assertEqual(query["sql"], "SELECT 'sleep 1500'")
        self.assertEqual(heir.call("query_status", query=query["query"]).rows, [["slept"]])


if __name__ == "__main__":
    main()
