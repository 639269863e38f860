# SPDX-License-Identifier: Apache-2.0
"""What stands in the way of a start is named, with what to do about it."""
from lib.case import Case, main


class TakenPort(Case):
    def test_a_taken_port_is_named_with_what_to_do(self):
        first = self.daemon()
        second = self.daemon(start=False)
        program = second.spawn("--http", "127.0.0.1:%d" % first.port)
        self.addCleanup(program.kill)
        self.assertEqual(program.wait(), 1)
        said = "\n".join(program.err.lines)
        self.assertIn("127.0.0.1:%d" % first.port, said)
        self.assertIn("--http", said)
        self.assertEqual(program.out.lines, [])
        client = self.http("ts_v1", first)
        self.assertEqual(client.sql("SELECT 1").rows, [[1]])

    def test_a_taken_state_directory_is_named(self):
        first = self.daemon()
        program = first.spawn("--http", "127.0.0.1:0")
        self.addCleanup(program.kill)
        self.assertEqual(program.wait(), 1)
        self.assertIn(first.state, "\n".join(program.err.lines))
        client = self.stdio("ts_v1", first)
        self.assertEqual(client.sql("SELECT 1").rows, [[1]])


if __name__ == "__main__":
    main()
