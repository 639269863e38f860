// SPDX-License-Identifier: Apache-2.0
// Clients of the TypeScript SDKs, told by lines of JSON what to do.
// usage: peer_ts.cjs DIRECTORY_OF_THE_SDKS 1|2
"use strict";
const path = require("path");
const readline = require("readline");
const sdk = require("module").createRequire(path.resolve(process.argv[2], "package.json"));
const isV1 = process.argv[3] === "1";
const MODERN = "2026-07-28";

function load() {
    if (isV1) {
        return {
            ...sdk("@modelcontextprotocol/sdk/client/index.js"),
            ...sdk("@modelcontextprotocol/sdk/client/streamableHttp.js"),
            ...sdk("@modelcontextprotocol/sdk/client/stdio.js"),
        };
    }
    return { ...sdk("@modelcontextprotocol/client"), ...sdk("@modelcontextprotocol/client/stdio") };
}

const { Client, StreamableHTTPClientTransport, StdioClientTransport } = load();
const clients = new Map();
const calls = new Map();

function transportOf(ask) {
    if (ask.stdio) {
        const [command, ...args] = ask.stdio;
        return new StdioClientTransport({ command, args, stderr: "ignore", env: process.env });
    }
    return new StreamableHTTPClientTransport(new URL(ask.http), {
        sessionId: ask.session || undefined,
        requestInit: { headers: ask.headers || {} },
    });
}

async function open(ask) {
    const modes = { legacy: "legacy", auto: "auto", modern: { pin: MODERN } };
    const options = isV1 ? {} : { versionNegotiation: { mode: modes[ask.era] } };
    const client = new Client({ name: ask.name, version: "1.0" }, options);
    const transport = transportOf(ask);
    await client.connect(transport);
    clients.set(ask.client, { client, transport });
    return {
        protocol: (isV1 ? transport.protocolVersion : client.getNegotiatedProtocolVersion()) || null,
        session: transport.sessionId || null,
        pid: transport.pid || null,
        instructions: client.getInstructions() || null,
    };
}

// Listing the tools is what makes the client check results against their output schemas.
async function tools(ask) {
    return (await clients.get(ask.client).client.listTools()).tools;
}

async function call(ask) {
    const { client } = clients.get(ask.client);
    const stop = new AbortController();
    const params = { name: ask.tool, arguments: ask.arguments };
    const options = { signal: stop.signal, timeout: ask.timeout_ms };
    const progress = [];
    if (ask.progress) {
        options.onprogress = (told) => progress.push(told);
        options.resetTimeoutOnProgress = ask.resets === true;
    }
    calls.set(ask.id, stop);
    try {
        const result = isV1 ? await client.callTool(params, undefined, options) : await client.callTool(params, options);
        return {
            structured: result.structuredContent,
            text: result.content[0].text,
            is_error: result.isError === true,
            progress,
        };
    } finally {
        calls.delete(ask.id);
    }
}

async function abort(ask) {
    calls.get(ask.call)?.abort("the test gave up");
    return {};
}

// Feeds a result to the check that the client applies to what a server answers.
async function validate(ask) {
    const validator = clients.get(ask.client).client.getToolOutputValidator(ask.tool);
    const result = validator(ask.structured);
    return { valid: result.valid, message: result.errorMessage || null };
}

async function close(ask) {
    const { client } = clients.get(ask.client);
    clients.delete(ask.client);
    await client.close();
    return {};
}

const deeds = { open, tools, call, abort, validate, close };

async function answer(ask) {
    let out;
    try {
        out = { id: ask.id, ok: await deeds[ask.do](ask) };
    } catch (error) {
        out = {
            id: ask.id,
            fail: { type: error?.constructor?.name, code: error?.code ?? null, message: String(error?.message ?? error) },
        };
    }
    process.stdout.write(JSON.stringify(out) + "\n");
}

readline.createInterface({ input: process.stdin }).on("line", (line) => answer(JSON.parse(line)));
process.stdin.on("end", () => process.exit(0));
