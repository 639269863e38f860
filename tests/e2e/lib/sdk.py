# SPDX-License-Identifier: Apache-2.0
"""What every SDK must be able to do, over each of its transports and in each era."""
from lib.client import CallFailed

LEGACY = "2025-11-25"
MODERN = "2026-07-28"
TOOLS = {"list_databases", "list_schemas", "list_tables", "list_views", "describe_table", "describe_view",
         "query_view", "execute_query", "fetch_result", "query_status", "cancel_query", "open_session",
         "use_context", "close_session", "list_sessions", "whoami"}


def check_line(case, kind, transport, era, revision):
    """Connect, list, query, err, leave."""
    daemon = case.daemon()
    client = {"http": case.http, "stdio": case.stdio}[transport](kind, daemon, era=era)
    if client.protocol:  # the oldest SDK does not tell over stdio
        case.assertEqual(client.protocol, revision)
    tools = {tool["name"]: tool for tool in client.tools()}
    case.assertLessEqual(TOOLS, set(tools))
    for tool in tools.values():
        case.assertEqual(tool["outputSchema"]["type"], "object")
        case.assertLessEqual(len(tool["description"]), 400)
    if era != "modern":  # with the revision pinned the Python SDK asks nothing before the first call
        case.assertTrue(client.opened["instructions"])

    answer = client.sql("SELECT metric, value FROM travel.airports.summary ORDER BY metric")
    case.check_shape(answer)
    case.assertEqual(answer.rows, [["airports", 3376], ["airports without a city", 12], ["states", 56]])
    case.assertEqual([c["name"] for c in answer.data["columns"]], ["metric", "value"])
    case.assertEqual(answer.data["total_rows"], 3)
    case.assertFalse(answer.data["truncated"])
    case.assertEqual(answer.data["context"]["database"], "travel")

    case.check_error(client.sql("DELETE FROM travel.airports.airport"), "statement_refused", False)
    case.check_error(client.sql("SELECT nothing FROM nowhere"), "sql_error", True)
    with case.assertRaises(CallFailed):
        client.call("no_such_tool")
    databases = {row[0] for row in client.call("list_databases").rows}
    case.assertLessEqual({"travel", "nature"}, databases)
    described = client.call("describe_table", table="travel.airports.airport", sample=1)
    case.assertFalse(described.is_error, described.text)
    case.assertEqual(described.data["relations"][0]["kind"], "table")
    check_context(case, client, era)
    client.close()
    case.assertEqual(daemon.stop(), 0)


def check_context(case, client, era):
    """A context of one's own: of the session in the legacy era, of a handle in the modern one."""
    mine = {}
    used = client.call("use_context", database="nature", schema="wildlife")
    case.assertFalse(used.is_error, used.text)
    if era != "legacy":
        mine["session"] = used.data["session"]
        case.assertIn("session", used.data.get("notice", ""))
    rows = client.sql("SELECT metric FROM summary ORDER BY metric", **mine).rows
    case.assertEqual(rows, [["cost in dollars"], ["species"], ["strikes"]])
    once = client.sql("SELECT metric FROM summary ORDER BY metric", database="travel", schema="postal", **mine)
    case.assertEqual(once.rows, [["states"], ["zipcodes"]])
    case.assertEqual(client.sql("SELECT metric FROM summary ORDER BY metric", **mine).rows, rows)
