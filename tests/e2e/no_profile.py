# SPDX-License-Identifier: Apache-2.0
"""A daemon without a warehouse answers, and says how to give it one."""
from lib.case import Case, main

ARGUMENTS = {"describe_table": {"table": "x"}, "describe_view": {"view_name": "x"}, "query_view": {"view_name": "x"},
             "execute_query": {"query": "SELECT 1"}, "explain_query": {"query": "SELECT 1"}}


class NoProfile(Case):
    def test_every_tool_that_touches_the_warehouse_says_how_to_configure_one(self):
        for kind, era in (("ts_v1", "legacy"), ("ts_v2", "modern"), ("python", "auto")):
            client = self.http(kind, self.daemon({"profile.demo": None}), era=era)
            asked = 0
            for tool in client.tools():
                properties = tool["inputSchema"]["properties"]
                if "profile" in properties and tool["name"] not in ("use_context", "open_session", "set_preferences"):
                    with self.subTest(kind=kind, tool=tool["name"]):
                        error = self.check_error(
                            client.call(tool["name"], **ARGUMENTS.get(tool["name"], {})), "no_profile", False)
                        self.assertIn("snowmux.toml", error["hint"])
                        self.assertIn("--duckdb", error["hint"])
                    asked += 1
            self.assertGreaterEqual(asked, 6)

    def test_all_other_tools_work(self):
        client = self.http("ts_v1", self.daemon({"profile.demo": None}))
        client.tools()
        self.assertEqual(client.call("whoami").data["profiles"], [])
        self.assertFalse(client.call("list_sessions").is_error)


if __name__ == "__main__":
    main()
