# SPDX-License-Identifier: Apache-2.0
"""A worker that is killed costs the calls it had started, and nothing else."""
import os
import signal

from lib.case import LONG_SQL, Case, main
from lib.client import Answer
from lib.daemon import FAKE


class WorkerDeath(Case):
    def kill_worker(self, daemon):
        """Workers are children of the daemon that this test started."""
        (pid,) = daemon.workers()
        since = daemon.log_len
        os.kill(pid, signal.SIGKILL)
        daemon.event("worker_lost", since=since)
        return pid

    def test_a_started_call_ends_with_an_error_and_a_waiting_one_runs_on_the_next_worker(self):
        daemon = self.daemon({"profile.demo": {"slots": 1}})
        client = self.http("ts_v1", daemon)
        started = client.send("execute_query", query=LONG_SQL)
        daemon.wait_calls(running=1)
        waiting = client.send("execute_query", query="SELECT 42")
        daemon.wait_calls(running=1, queued=1)
        pid = self.kill_worker(daemon)
        error = self.check_error(Answer(started.result(60)), "worker_died", True)
        self.assertIn("outcome is unknown", error["message"])
        self.assertEqual(Answer(waiting.result(60)).rows, [[42]])
        self.assertNotEqual(daemon.workers(), [pid])
        self.assertEqual(client.sql("SELECT 43").rows, [[43]])

    def test_an_idle_worker_that_dies_is_back_by_itself_with_the_context(self):
        daemon = self.daemon()
        client = self.http("python", daemon, era="auto")
        rows = [["states"], ["zipcodes"]]
        sql = "SELECT metric FROM summary ORDER BY metric"
        self.assertEqual(client.sql(sql, schema="travel.postal").rows, rows)
        for _ in range(3):
            self.kill_worker(daemon)
            self.assertEqual(client.sql(sql, schema="travel.postal").rows, rows)

    def test_the_calls_of_another_profile_go_on(self):
        daemon = self.daemon({"profile.fake": FAKE})
        client = self.http("ts_v2", daemon)
        dying = client.send("execute_query", query=LONG_SQL, profile="demo")
        daemon.wait_calls(running=1)
        (pid,) = daemon.workers()
        other = client.send("execute_query", query="SELECT 'sleep 3000'", profile="fake")
        daemon.wait_calls(running=2)
        os.kill(pid, signal.SIGKILL)
        self.check_error(Answer(dying.result(60)), "worker_died", True)
        self.assertEqual(Answer(other.result(60)).rows, [["slept"]])

    def test_a_statement_that_crashes_the_driver_is_not_run_again(self):
        daemon = self.daemon({"profile.fake": {**FAKE, "slots": 4}})
        client = self.http("ts_v1", daemon)
        error = self.check_error(client.sql("SELECT 'crash'", profile="fake"), "worker_died", True)
        self.assertIn("signal 6", error["message"])
        self.assertEqual(client.sql("SELECT 'waits'", profile="fake").rows, [[0]])
        self.assertEqual(len([line for line in daemon.program.err.lines if "event=worker_lost" in line]), 1)

    def test_workers_that_die_again_and_again_make_no_call_wait_for_ever(self):
        daemon = self.daemon({"profile.fake": {**FAKE, "slots": 2}})
        client = self.http("ts_v1", daemon)
        for _ in range(4):
            call = client.send("execute_query", query="SELECT 'sleep 60000'", profile="fake")
            while client.sql("SELECT 'waits'", profile="fake").rows != [[1]]:
                pass  # it is not with the driver yet: killed now, it would run again
            self.kill_worker(daemon)
            self.check_error(Answer(call.result(60)), "worker_died", True)
        self.assertEqual(client.sql("SELECT 'waits'", profile="fake").rows, [[0]])


if __name__ == "__main__":
    main()
