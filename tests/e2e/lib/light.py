# SPDX-License-Identifier: Apache-2.0
"""
Clients without an SDK, fifty of them in one thread: JSON-RPC over legacy Streamable HTTP or
through a bridge. Both hold that a request gets one answer, and that nothing breaks but by a kill.
"""
import asyncio
import json

from lib.daemon import ENV, SNOWMUX
from lib.program import DEADLINE_S

LINE_MAX = 4 * 1024 * 1024
HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}}


class Lost(Exception):
    """The connection broke: whether the call took effect is not known."""


class Home:
    """Where the daemon is now, and how often it was ended: .ends rises before each kill."""

    def __init__(self):
        self.ends = 0
        self.port = None
        self.up = asyncio.Event()

    def goes(self):
        self.ends += 1
        self.up.clear()

    def comes(self, port):
        self.port = port
        self.up.set()

    async def wait_up(self):
        while not self.up.is_set():  # it may be down again when the waiter has its turn
            await within(self.up.wait(), "a daemon that listens")


async def within(awaitable, what, deadline_s=DEADLINE_S):
    try:
        async with asyncio.timeout(deadline_s):  # wait_for() may swallow a cancel
            return await awaitable
    except TimeoutError:
        raise AssertionError("not so within %d s: %s" % (deadline_s, what)) from None


class Light:
    """What both share. .asked and .answered count requests, by id."""

    def __init__(self, home, name, instance):
        self.home, self.name, self.instance = home, name, instance
        self.asked = self.answered = 0

    async def initialize(self):
        await self.ask("initialize", **HELLO, clientInfo={"name": self.name, "version": "1"})

    def request(self, method, params):
        self.asked += 1
        return {"jsonrpc": "2.0", "id": self.asked, "method": method, "params": params}

    def where(self):
        return "%s of %s" % (type(self).__name__, self.instance)


class HttpLight(Light):
    """One connection after the other, one request at a time; the session's id outlives them."""

    def __init__(self, home, name, instance):
        super().__init__(home, name, instance)
        self.session = self.reader = self.writer = None
        self.ends = 0  # of the daemon, before this connection

    async def ask(self, method, **params):
        message = self.request(method, params)
        try:
            answer = await within(self.post(message), "%s: an answer to %s" % (self.where(), message))
        except (OSError, EOFError) as error:
            self.drop()
            if self.ends == self.home.ends:
                raise AssertionError("%s: the connection broke, and nobody was killed" % self.where()) from error
            raise Lost() from error
        self.answered += 1
        return answer

    async def post(self, message):
        if not self.writer:
            await self.home.wait_up()
            self.ends = self.home.ends
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.home.port, limit=LINE_MAX)
        body = json.dumps(message)
        head = ["POST /mcp HTTP/1.1", "Host: localhost", "Content-Type: application/json",
                "Accept: application/json, text/event-stream", "X-Snowmux-Client: " + self.instance,
                "Content-Length: %d" % len(body)]
        head += ["Mcp-Session-Id: " + self.session] if self.session else []
        self.writer.write(("\r\n".join(head) + "\r\n\r\n" + body).encode())
        await self.writer.drain()
        return await self.read(message)

    async def read(self, message):
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        status = int(head[0].split()[1])
        if "transfer-encoding" in headers:
            text = await self.read_event()
        else:
            text = await self.reader.readexactly(int(headers["content-length"]))
        if headers.get("connection") == "close":
            self.drop()
        if status == 503:
            return {"id": message["id"], "error": {"message": "503: " + text.decode()}}
        answer = json.loads(text)
        if status != 200 or answer.get("id") != message["id"]:
            raise AssertionError("%s: HTTP %d to %s: %s" % (self.where(), status, message, text[:300]))
        self.session = headers.get("mcp-session-id", self.session)
        return answer

    async def read_event(self):
        """The one message of a stream of events, whose other lines are comments."""
        text = b""
        while length := int(await self.reader.readuntil(b"\r\n"), 16):
            text += await self.reader.readexactly(length + 2)
        await self.reader.readexactly(2)
        (data,) = [line[5:] for line in text.splitlines() if line.startswith(b"data:") and line[5:].strip()]
        return data

    def drop(self):
        if self.writer:
            self.writer.close()
        self.reader = self.writer = None

    async def close(self):
        self.drop()

    def kill(self):
        self.drop()


class BridgeLight(Light):
    """`snowmux stdio`, any number of requests at a time; what no request waits for was answered twice."""

    def __init__(self, home, name, instance, arguments):
        super().__init__(home, name, instance)
        self.arguments = arguments
        self.waiting = {}

    async def initialize(self):
        self.process = await asyncio.create_subprocess_exec(
            SNOWMUX, "stdio", "--name", self.instance, *self.arguments, env=ENV, limit=LINE_MAX,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL)
        self.reader = asyncio.create_task(self.read())
        await super().initialize()

    async def ask(self, method, **params):
        message = self.request(method, params)
        answer = self.waiting[message["id"]] = asyncio.get_running_loop().create_future()
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        await self.process.stdin.drain()
        await within(asyncio.wait({answer, self.reader}, return_when=asyncio.FIRST_COMPLETED),
                     "%s: an answer to %s" % (self.where(), message))
        if not answer.done():
            self.reader.result()  # raises what it found wrong
            raise AssertionError("%s: the bridge ended" % self.where())
        return answer.result()

    async def read(self):
        while line := await self.process.stdout.readline():
            answer = json.loads(line)
            future = self.waiting.pop(answer.get("id"), None)
            if not future:
                raise AssertionError("%s: nothing waits for %s" % (self.where(), line[:300]))
            self.answered += 1
            future.set_result(answer)

    async def close(self):
        """All that it says until its end was asked for."""
        self.process.stdin.close()
        await within(self.reader, "%s: its output ends" % self.where())
        status = await within(self.process.wait(), "%s: it ends" % self.where())
        if status != 0 or self.asked != self.answered:
            raise AssertionError("%s: status %d, %d answers to %d requests"
                                 % (self.where(), status, self.answered, self.asked))

    def kill(self):
        """After a test that failed."""
        if hasattr(self, "process") and self.process.returncode is None:
            self.process.kill()
