# SPDX-License-Identifier: Apache-2.0
"""The answers are those of the published files."""
from lib import facts
from lib.case import SOURCE, Case, main


class Facts(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.facts = facts.load(SOURCE)

    def check(self, client):
        self.assertGreater(len(self.facts), 50)
        for sql, rows in self.facts.items():
            with self.subTest(sql=sql):
                answer = client.sql(sql, limit=1000)
                self.assertFalse(answer.is_error, answer.text)
                self.assertEqual(facts.exact(answer.text)["rows"], rows)
                self.assertFalse(answer.data["truncated"])

    def test_every_fact_comes_through_the_first_typescript_sdk_to_the_digit(self):
        self.check(self.http("ts_v1", self.daemon()))

    def test_every_fact_comes_through_the_python_sdk_and_a_bridge_to_the_digit(self):
        self.check(self.stdio("python", self.daemon(), era="auto"))


if __name__ == "__main__":
    main()
