# SPDX-License-Identifier: Apache-2.0
"""Kept results as resources, in both eras: listed, read in three formats, bounded, charged."""
import base64
import csv
import http.client
import io
import json
import os
import re
import socket
import unittest
import urllib.error
import urllib.request

from lib.case import Case, main
from lib.line import Line
from lib.program import poll

ROWS = 345
SQL = "SELECT range AS n, 'row \"' || range || '\"' AS text FROM range(%d)"
MODERN = "2026-07-28"
META = {"io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {}}
OTHER = 65534


class Raw:
    """Requests over HTTP, by hand."""

    def __init__(self, daemon, is_modern):
        self.daemon, self.is_modern, self.session = daemon, is_modern, None
        if not is_modern:
            self.begun = self.ask("initialize", protocolVersion="2025-11-25", capabilities={},
                                  clientInfo={"name": "raw", "version": "1"})
        else:
            self.begun = self.ask("server/discover")

    def ask(self, method, named=None, **params):
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.is_modern:
            params["_meta"] = META
            headers.update({"MCP-Protocol-Version": MODERN, "Mcp-Method": method})
            if "uri" in params or "name" in params:
                headers["Mcp-Name"] = named or params.get("uri") or params["name"]
        elif self.session:
            headers["Mcp-Session-Id"] = self.session
        body = json.dumps({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}).encode()
        request = urllib.request.Request("http://127.0.0.1:%d/mcp" % self.daemon.port, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                self.session = answer.headers.get("Mcp-Session-Id") or self.session
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return json.load(error)

    def call(self, tool, **arguments):
        return self.ask("tools/call", name=tool, arguments=arguments)["result"]["structuredContent"]


class Line2:
    """The same through a bridge's connection."""

    def __init__(self, line):
        self.line = line
        line.send({"snowmux": "hello", "version": 1, "instance": "x", "session": None},
                  {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
                      "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}})
        line.until("snowmux", "session")
        self.number = 1

    def ask(self, method, **params):
        self.number += 1
        self.line.send({"jsonrpc": "2.0", "id": self.number, "method": method, "params": params})
        return self.line.until("id", self.number)


class Resources(Case):
    def each(self, settings=None):
        daemon = self.daemon(settings)
        for is_modern in (False, True):
            yield Raw(daemon, is_modern)

    def check_cached(self, raw, result, scope):
        self.assertEqual(result.get("cacheScope"), scope if raw.is_modern else None)
        self.assertEqual("ttlMs" in result, raw.is_modern)
        self.assertEqual(result.get("resultType"), "complete" if raw.is_modern else None)

    def spool(self, daemon):
        return set(os.listdir(os.path.join(daemon.state, "spool")))

    def test_the_capability_is_advertised(self):
        for raw in self.each():
            self.assertEqual(raw.begun["result"]["capabilities"]["resources"], {"listChanged": False, "subscribe": False})

    def test_results_are_listed_the_newest_first_and_page_by_page(self):
        for raw in self.each():
            before = raw.ask("resources/list")["result"]["resources"]
            handles = [raw.call("execute_query", query=SQL % ROWS)["result"] for _ in range(105)]
            first = raw.ask("resources/list")["result"]
            self.check_cached(raw, first, "private")
            self.assertEqual(len(first["resources"]), 100)
            rest = raw.ask("resources/list", cursor=first["nextCursor"])["result"]
            if "nextCursor" in rest:
                more = raw.ask("resources/list", cursor=rest["nextCursor"])["result"]
                rest = {"resources": rest["resources"] + more["resources"]}
            listed = first["resources"] + rest["resources"]
            self.assertEqual([entry["uri"] for entry in listed[:105]],
                             ["snowmux://result/" + handle for handle in reversed(handles)])
            self.assertEqual(listed[105:205], before)
            self.assertRegex(listed[0]["description"], r"^345 rows, kept until 2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
            self.assertEqual((listed[0]["name"], listed[0]["mimeType"]), (handles[-1], "text/csv"))
            for cursor in ("r_" + "a" * 26, "", 7):
                self.assertEqual(raw.ask("resources/list", cursor=cursor)["error"]["code"], -32602)

    def test_templates_say_which_formats_there_are(self):
        for raw in self.each():
            result = raw.ask("resources/templates/list")["result"]
            self.check_cached(raw, result, "public")
            self.assertEqual([(t["uriTemplate"], t["mimeType"]) for t in result["resourceTemplates"]], [
                ("snowmux://result/{result}?format=csv", "text/csv"),
                ("snowmux://result/{result}?format=jsonl", "application/x-ndjson"),
                ("snowmux://result/{result}?format=arrow", "application/vnd.apache.arrow.stream")])

    def read(self, raw, uri, mime):
        result = raw.ask("resources/read", uri=uri)["result"]
        (contents,) = result["contents"]
        self.assertEqual((contents["uri"], contents["mimeType"]), (uri, mime))
        return result, contents

    def test_a_result_is_read_in_each_format(self):
        for raw in self.each():
            uri = "snowmux://result/" + raw.call("execute_query", query=SQL % ROWS)["result"]
            for end in ("", "?format=csv"):
                result, contents = self.read(raw, uri + end, "text/csv")
                self.check_cached(raw, result, "private")
                rows = list(csv.reader(io.StringIO(contents["text"])))
                self.assertEqual(rows, [["n", "text"]] + [[str(n), 'row "%d"' % n] for n in range(ROWS)])
            _, contents = self.read(raw, uri + "?format=jsonl", "application/x-ndjson")
            self.assertEqual([json.loads(line) for line in contents["text"].splitlines()],
                             [{"n": n, "text": 'row "%d"' % n} for n in range(ROWS)])
            _, contents = self.read(raw, uri + "?format=arrow", "application/vnd.apache.arrow.stream")
            blob = base64.b64decode(contents["blob"], validate=True)
            self.assertEqual(blob[:4], b"\xff\xff\xff\xff")  # a message begins
            self.assertEqual(blob[-8:], b"\xff\xff\xff\xff\0\0\0\0")  # and the stream ends
            self.assertNotIn("text", contents)
        poll(lambda: len(self.spool(raw.daemon)) == 2, "files of reads are removed")

    def test_every_length_of_a_blob_is_whole(self):
        raw = Raw(self.daemon({"query": {"limit_rows": 1}}), is_modern=False)
        for length in (1, 2, 3, 100):
            data = raw.call("execute_query", query="SELECT repeat('x', %d) FROM range(2)" % length)
            uri = "snowmux://result/" + data["result"]
            blob = base64.b64decode(self.read(raw, uri + "?format=arrow", "application/vnd.apache.arrow.stream")[1]["blob"])
            self.assertIn(b"x" * length * 2, blob)
            self.assertEqual(blob[-8:], b"\xff\xff\xff\xff\0\0\0\0")

    def test_what_is_not_there_or_not_a_format_is_an_error_of_its_era(self):
        for raw in self.each():
            handle = raw.call("execute_query", query=SQL % ROWS)["result"]
            for uri in ("snowmux://result/r_" + "a" * 26, "snowmux://result/" + handle[:-1], "file:///etc/passwd",
                        "snowmux://result/q" + handle[1:]):
                answer = raw.ask("resources/read", uri=uri)
                self.assertEqual(answer["error"]["code"], -32602 if raw.is_modern else -32002, answer)
                self.assertEqual(answer["error"]["data"]["uri"], uri)
                self.assertEqual(answer["error"]["data"]["error"]["code"], "result_not_found")
            for end in ("?format=xml", "?format=", "?csv", "/", "?format=csv&a=1"):
                answer = raw.ask("resources/read", uri="snowmux://result/%s%s" % (handle, end))
                self.assertEqual(answer["error"]["code"], -32602)
                self.assertIn("?format=csv", answer["error"]["message"])
            self.assertEqual(raw.ask("resources/read", named="x", uri=7)["error"]["code"], -32020 if raw.is_modern else -32602)
            for method in ("resources/subscribe", "resources/unsubscribe"):
                self.assertEqual(raw.ask(method, uri="x")["error"]["code"], -32601)
            if raw.is_modern:
                answer = raw.ask("resources/read", named="another", uri="snowmux://result/" + handle)
                self.assertEqual(answer["error"]["code"], -32020)

    def test_what_is_too_large_names_fetch_result_and_leaves_no_file(self):
        daemon = self.daemon()
        raw = Raw(daemon, is_modern=False)
        wide = "SELECT range AS n, repeat('x', 100) AS x FROM range(%d)"
        fits, large, huge = (raw.call("execute_query", query=wide % rows)["result"] for rows in (60000, 90000, 900000))
        uri = "snowmux://result/%s?format=csv"
        self.assertGreater(len(self.read(raw, uri % fits, "text/csv")[1]["text"]), 6000000)
        for handle in (large, huge):
            error = raw.ask("resources/read", uri=uri % handle)["error"]
            self.assertEqual(error["code"], -32602)
            self.assertIn("at most 8388608", error["message"])
            self.assertIn("fetch_result", error["message"])
        with Line(daemon.socket) as line:  # a bridge takes lines of a megabyte
            bridge = Line2(line)
            error = bridge.ask("resources/read", uri=uri % fits)["error"]
            self.assertIn("at most 1048576", error["message"])
            small = raw.call("execute_query", query=wide % 5000)["result"]
            contents = bridge.ask("resources/read", uri=uri % small)["result"]["contents"][0]
            self.assertEqual(contents["text"].count("\n"), 5001)
            # Twice as many bytes in the answer as in the file.
            quoted = raw.call("execute_query", query="SELECT repeat('\"', 1000) FROM range(450)")["result"]
            self.assertIn("fetch_result", bridge.ask("resources/read", uri=uri % quoted)["error"]["message"])
        poll(lambda: self.spool(daemon) == {fits, large, huge, small, quoted}, "files of reads are removed")

    def test_who_goes_before_the_answer_leaves_no_file(self):
        daemon = self.daemon()
        raw = Raw(daemon, is_modern=True)
        handle = raw.call("execute_query", query=SQL % 100000)["result"]
        uri = "snowmux://result/" + handle
        body = json.dumps({"jsonrpc": "2.0", "id": 7, "method": "resources/read", "params": {"uri": uri, "_meta": META}})
        head = ("POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
                "Accept: application/json\r\nMCP-Protocol-Version: %s\r\nMcp-Method: resources/read\r\n"
                "Mcp-Name: %s\r\nContent-Length: %d\r\n\r\n" % (daemon.port, MODERN, uri, len(body)))
        self.read(raw, uri, "text/csv")  # the reader is there
        askers = [socket.create_connection(("127.0.0.1", daemon.port)) for _ in range(20)]
        for asker in askers:
            asker.sendall((head + body).encode())
        poll(lambda: self.spool(daemon) != {handle}, "a file is written")
        for asker in askers:
            asker.close()
        self.assertEqual(self.read(raw, uri, "text/csv")[1]["text"].count("\n"), 100001)
        poll(lambda: self.spool(daemon) == {handle}, "files of reads are removed")

    def peak_kb(self, daemon):
        with open("/proc/%d/status" % daemon.program.pid, encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

    def test_readers_that_are_stuck_cost_little_memory(self):
        daemon = self.daemon()
        raw = Raw(daemon, is_modern=False)
        handle = raw.call("execute_query", query="SELECT range AS n, repeat('\u00e4\"', 100) AS t FROM range(15000)")["result"]
        uri = "snowmux://result/%s?format=csv" % handle
        before = self.peak_kb(daemon)
        for accept in ("application/json", "application/json, text/event-stream"):
            body = json.dumps({"jsonrpc": "2.0", "id": 7, "method": "resources/read", "params": {"uri": uri}})
            head = ("POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\nAccept: %s\r\n"
                    "Mcp-Session-Id: %s\r\nContent-Length: %d\r\n\r\n" % (daemon.port, accept, raw.session, len(body)))
            stuck = []
            for _ in range(10):
                reader = socket.socket()
                reader.settimeout(60)
                reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                reader.connect(("127.0.0.1", daemon.port))
                reader.sendall((head + body).encode())
                stuck.append(reader)
            for reader in stuck:
                reader.recv(1, socket.MSG_PEEK)  # the answer has begun
            answer = http.client.HTTPResponse(stuck[-1])  # one goes on where it stood
            answer.begin()
            body = answer.read()
            if answer.headers["Content-Type"] == "text/event-stream":
                (body,) = re.findall(rb"^event: message\ndata: (.*)$", body, re.MULTILINE)
            text = json.loads(body)["result"]["contents"][0]["text"]
            self.assertEqual(list(csv.reader(io.StringIO(text)))[15000], ["14999", "\u00e4\"" * 100])
            for reader in stuck:
                reader.close()
        self.assertLess(self.peak_kb(daemon) - before, 4 * 1024)
        self.assertEqual(self.read(raw, uri, "text/csv")[1]["text"].count("\n"), 15001)
        poll(lambda: self.spool(daemon) == {handle}, "files of reads are removed")

    def test_rows_are_charged_as_pages_are(self):
        for raw in self.each({"quota.principal": {"rows": 2000}}):
            def used():
                limits = raw.call("whoami")["limits"]["rates_and_quotas"]
                return 2000 - next(q["remaining"] for q in limits if q["name"] == "principal_rows")
            handle = raw.call("execute_query", query=SQL % ROWS)["result"]
            before = used()
            self.read(raw, "snowmux://result/" + handle, "text/csv")
            self.assertEqual(used(), before + ROWS)
        handle = raw.call("execute_query", query=SQL % 1500)["result"]
        before = used()
        error = raw.ask("resources/read", uri="snowmux://result/" + handle)["error"]
        self.assertEqual(error["data"]["error"]["code"], "quota_exhausted")
        self.assertIn("fetch_result", error["message"])
        self.assertEqual(used(), before)

    def test_they_are_read_after_kill_9_too(self):
        daemon = self.daemon()
        raw = Raw(daemon, is_modern=False)
        uri = "snowmux://result/" + raw.call("execute_query", query=SQL % ROWS)["result"]
        daemon.kill9()
        daemon.restart()
        self.assertEqual(self.read(raw, uri, "text/csv")[1]["text"].count("\n"), ROWS + 1)

    @unittest.skipUnless(os.geteuid() == 0, "only root can be another user")
    def test_another_principal_sees_none(self):
        path = "/tmp/snowmux-resources-%d" % os.getpid()
        daemon = self.daemon({"listen": {"socket": path, "uids": [OTHER]}})
        handle = Raw(daemon, is_modern=False).call("execute_query", query=SQL % ROWS)["result"]
        os.chmod(path, 0o666)
        with Line(path, uid=OTHER) as line:
            other = Line2(line)
            self.assertEqual(other.ask("resources/list")["result"]["resources"], [])
            self.assertEqual(other.ask("resources/list", cursor=handle)["error"]["code"], -32602)
            self.assertEqual(other.ask("resources/read", uri="snowmux://result/" + handle)["error"]["code"], -32002)

    def test_the_sdks_list_and_read_them(self):
        daemon = self.daemon()
        client = self.http("python", daemon)
        handle = client.sql(SQL % ROWS).data["result"]
        listed, text = client.resources()
        self.assertEqual(listed, ["snowmux://result/" + handle])
        self.assertEqual(text.count("\n"), ROWS + 1)


if __name__ == "__main__":
    main()
