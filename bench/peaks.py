# SPDX-License-Identifier: Apache-2.0
"""What large results add to the most memory that the daemon ever had, over its start."""
import json
import socket

from rig import Daemon, INITIALIZE, post

MOST_MB = 10
ROWS, CELL, COLUMNS = 10_000_000, 100_000_000, 10_000
# No stream: a call that takes long is answered as one that does not.
HEADERS = "Content-Type: application/json\r\nAccept: application/json\r\nUser-Agent: snowmux-bench\r\n"
LIMITS = """[query]
grace_s = 120
[results]
spool_rows = 1000000000
spool_mb = 16384
disk_mb = 16384
principal_mb = 16384
"""


class Client:
    """A daemon of its own, and a session in it."""

    def __init__(self, bench):
        self.daemon = Daemon(bench, bench.all_cores, more=LIMITS)
        self.start_kb = self.peak_kb()
        head = post(self.daemon.port, HEADERS, INITIALIZE).lower().partition(b"mcp-session-id: ")[2]
        self.headers = HEADERS + f"Mcp-Session-Id: {head.partition(bytes([13]))[0].decode()}\r\n"

    def peak_kb(self):
        with open(f"/proc/{self.daemon.child.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))

    def request(self, method, **params):
        return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})

    def call(self, tool, **arguments):
        body = self.request("tools/call", name=tool, arguments=arguments)
        answer = post(self.daemon.port, self.headers, body, 120).partition(b"\r\n\r\n")[2]
        return json.loads(answer)["result"]["structuredContent"]

    def sql(self, sql):
        return self.call("execute_query", query=sql)

    def end(self):
        """In MB."""
        added_kb = self.peak_kb() - self.start_kb
        self.daemon.stop()
        return added_kb / 1024


def check(is_right, what):
    if not is_right:
        raise ValueError(f"bench: {what} was not answered as it should be")


def rows_10m(client):
    answer = client.sql(f"SELECT range AS n, 'row ' || range AS t, range * 1.5 AS d FROM range({ROWS})")
    check(answer.get("total_rows") == ROWS, "the long result")
    last = client.call("fetch_result", result=answer["result"], offset=ROWS - 1)
    check(last["rows"][0][:2] == [ROWS - 1, f"row {ROWS - 1}"], "its last row")


def cell_100mb(client):
    answer = client.sql(f"SELECT repeat('x', {CELL}) AS c")
    check(answer.get("cut_cells") == [[0, 0, CELL]], "the large cell")
    check("SUBSTR" in answer["notice"], "what is too large to keep")


def columns_10k(client):
    columns = ", ".join(f"{i} + range AS c{i}" for i in range(COLUMNS))
    answer = client.sql(f"SELECT {columns} FROM range(1000)")
    check(len(answer.get("columns", [])) == COLUMNS, "the wide table")


def stuck_reader(client):
    """Of 7.6 MB of CSV, of which it reads the first byte."""
    answer = client.sql("SELECT range AS n, repeat('y', 500) AS t FROM range(15000)")
    body = client.request("resources/read", uri=f"snowmux://result/{answer['result']}?format=csv")
    with socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.settimeout(60)
        reader.connect(("127.0.0.1", client.daemon.port))
        reader.sendall((f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{client.daemon.port}\r\n{client.headers}"
                        f"Content-Length: {len(body)}\r\n\r\n{body}").encode())
        check(reader.recv(12) == b"HTTP/1.1 200", "the resource")
        check(client.sql("SELECT 1")["rows"] == [[1]], "who is not stuck")


def measure(bench):
    for part in (rows_10m, cell_100mb, columns_10k, stuck_reader):
        client = Client(bench)
        part(client)
        bench.add(f"results.memory.{part.__name__}", client.end(), "MB", MOST_MB)
