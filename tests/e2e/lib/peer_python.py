# SPDX-License-Identifier: Apache-2.0
"""Clients of the Python SDK, told by lines of JSON what to do; see peer_ts.cjs."""
import asyncio
import json
import os
import sys

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import Implementation

MODES = {"legacy": "legacy", "auto": "auto", "modern": "2026-07-28"}
clients = {}
calls = {}


class Sniffer:
    """The transport does not show its session: it is read from what goes by."""

    def __init__(self):
        self.session = None

    async def on_response(self, response):
        self.session = response.headers.get("mcp-session-id", self.session)


class Connected:
    """A client lives in a task of its own: its scopes are entered and left there."""

    def __init__(self, ask):
        self.ask = ask
        self.ready = asyncio.get_running_loop().create_future()
        self.leave = asyncio.Event()
        self.sniffer = Sniffer()
        self.task = asyncio.create_task(self.live())

    async def live(self):
        try:
            async with self.http() as http:
                server = (streamable_http_client(self.ask["http"], http_client=http) if self.ask.get("http")
                          else StdioServerParameters(command=self.ask["stdio"][0], args=self.ask["stdio"][1:],
                                                     env=dict(os.environ)))
                info = Implementation(name=self.ask["name"], version="1.0")
                async with Client(server, mode=MODES[self.ask["era"]], client_info=info) as client:
                    self.ready.set_result(client)
                    await self.leave.wait()
        except BaseException as error:
            if not self.ready.done():
                self.ready.set_exception(error)

    def http(self):
        return httpx2.AsyncClient(headers=self.ask.get("headers") or {}, timeout=httpx2.Timeout(30, read=300),
                                  event_hooks={"response": [self.sniffer.on_response]})


async def open_client(ask):
    connected = Connected(ask)
    client = await connected.ready
    clients[ask["client"]] = connected
    return {"protocol": client.protocol_version, "session": connected.sniffer.session, "pid": None,
            "instructions": client.instructions}


async def tools(ask):
    client = await clients[ask["client"]].ready
    return [tool.model_dump(by_alias=True, exclude_none=True) for tool in (await client.list_tools()).tools]


async def resources(ask):
    """The URIs listed, and the text of the first."""
    client = await clients[ask["client"]].ready
    uris = [str(entry.uri) for entry in (await client.list_resources()).resources]
    return {"uris": uris, "text": (await client.read_resource(uris[0])).contents[0].text}


async def call(ask):
    client = await clients[ask["client"]].ready
    calls[ask["id"]] = asyncio.current_task()
    told = []

    async def on_progress(progress, total, message):
        told.append({"progress": progress, "total": total, "message": message})

    try:
        result = await client.call_tool(ask["tool"], ask["arguments"], read_timeout_seconds=ask["timeout_ms"] / 1000,
                                        progress_callback=on_progress if ask.get("progress") else None)
        return {"structured": result.structured_content, "text": result.content[0].text,
                "is_error": bool(result.is_error), "progress": told}
    finally:
        del calls[ask["id"]]


async def abort(ask):
    if ask["call"] in calls:
        calls[ask["call"]].cancel()
    return {}


async def close(ask):
    connected = clients.pop(ask["client"])
    connected.leave.set()
    await connected.task
    return {}


DEEDS = {"open": open_client, "tools": tools, "resources": resources, "call": call, "abort": abort, "close": close}


async def answer(ask):
    try:
        out = {"id": ask["id"], "ok": await DEEDS[ask["do"]](ask)}
    except BaseException as error:
        out = {"id": ask["id"], "fail": {"type": type(error).__name__, "code": getattr(error, "code", None),
                                         "message": str(error)}}
    sys.stdout.write(json.dumps(out) + "\n")
    sys.stdout.flush()


async def main():
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=2**24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    tasks = set()
    while line := await reader.readline():
        task = asyncio.create_task(answer(json.loads(line)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


asyncio.run(main())
