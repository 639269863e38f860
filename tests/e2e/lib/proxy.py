# SPDX-License-Identifier: Apache-2.0
"""A proxy on loopback that fails on command, before fakesnow (HTTP) or PostgreSQL (bytes)."""
import gzip
import json
import re
import socket
import struct
import threading

from lib.port import bound_socket

METHODS = (b"GET ", b"POST", b"PUT ", b"HEAD", b"DELE", b"PATC", b"OPTI")
LOGIN = "/session/v1/login-request"
CHUNK = 1 << 16


class Request:
    """One HTTP request; .text is what a pattern is searched in: method, path, and the body on lines of its own."""

    def __init__(self, head, body):
        self.raw = head + body
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.path = lines[0].split(" ")[:2]
        self.headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in lines[1:])}
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        self.body = body.decode("utf-8", "replace")
        self.text = "%s %s\n%s" % (self.method, self.path, self.body)


class Fault:
    """What happens to the next @count requests that @match is found in: an answer of ours, or a cut."""

    def __init__(self, answer, match, count):
        self.answer = answer
        self.match = re.compile(match, re.IGNORECASE | re.DOTALL)
        self.left = count


class Link:
    """One connection through the proxy: a thread for each direction."""

    def __init__(self, proxy, client):
        self.proxy = proxy
        self.client = client
        self.server = None
        self.is_cut = False
        self.is_open = True

    def run(self):
        """The client's side; it connects to the server once the proxy lets bytes through."""
        try:
            data = self.client.recv(CHUNK)
            self.proxy.pass_gate(self)
            self.server = socket.create_connection(("127.0.0.1", self.proxy.target_port))
            self.server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._answers, daemon=True).start()
            if data.startswith(METHODS):
                self._requests(data)
            else:
                self._bytes(data)
        except (OSError, ValueError):
            pass
        finally:
            self.end()

    def _bytes(self, data):
        while data:
            self.proxy.pass_gate(self)
            self.server.sendall(data)
            data = self.client.recv(CHUNK)

    def _requests(self, data):
        while data:
            while b"\r\n\r\n" not in data:
                data = self._more(data)
            head, _, data = data.partition(b"\r\n\r\n")
            found = re.search(rb"\r\ncontent-length:\s*(\d+)", head, re.IGNORECASE)
            size = int(found.group(1)) if found else 0
            while len(data) < size:
                data = self._more(data)
            request, data = Request(head + b"\r\n\r\n", data[:size]), data[size:]
            self._forward(request)
            data = data or self.client.recv(CHUNK)

    def _more(self, data):
        more = self.client.recv(CHUNK)
        if not more:
            raise ValueError("the client closed the connection within a request")
        return data + more

    def _forward(self, request):
        fault = self.proxy.note(request)
        self.proxy.pass_gate(self)
        if fault and fault.answer:
            self.client.sendall(fault.answer)
            return
        self.is_cut = fault is not None
        self.server.sendall(request.raw)

    def _answers(self):
        try:
            while data := self.server.recv(CHUNK):
                self.proxy.pass_gate(self)
                if self.is_cut or self.proxy.take_cut():
                    self.client.sendall(self._half(data))
                    break
                self.client.sendall(data)
        except OSError:
            pass
        finally:
            self.end()

    def _half(self, data):
        """Of an HTTP answer the head and half of the body, else half of what came."""
        if not data.startswith(b"HTTP/"):
            return data[:len(data) // 2]
        while b"\r\n\r\n" not in data:
            data += self.server.recv(CHUNK)
        head = data.index(b"\r\n\r\n") + 4
        size = int(re.search(rb"content-length:\s*(\d+)", data[:head], re.IGNORECASE).group(1))
        while len(data) < head + size // 2:
            data += self.server.recv(CHUNK)
        return data[:head + size // 2]

    def end(self, reset=False):
        """Both sides; with @reset the client is told so rudely."""
        if not self.is_open:
            return
        self.is_open = False
        if reset:
            self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # Closing alone would not wake the other thread; a shutdown for writing would say goodbye.
        shut(self.client, socket.SHUT_RD if reset else socket.SHUT_RDWR)
        shut(self.server)
        for side in (self.client, self.server):
            if side:
                side.close()
        self.proxy.forget(self)


def shut(side, how=socket.SHUT_RDWR):
    """Wakes whoever reads from it."""
    try:
        if side:
            side.shutdown(how)
    except OSError:
        pass


class Proxy:
    """Counts .connections (ever accepted) and .logins; .requests are those seen so far."""

    def __init__(self, target_port):
        self.target_port = target_port
        self.changed = threading.Condition()
        self.mode = "pass"
        self.delay_s = 0
        self.faults = []
        self.cuts = 0
        self.links = set()
        self.connections = 0
        self.requests = []
        self.listener = bound_socket()
        self.port = self.listener.getsockname()[1]
        self._listen()

    def _listen(self):
        self.listener.listen(128)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link = Link(self, client)
            with self.changed:
                self.connections += 1
                self.links.add(link)
                mode = self.mode
            if mode == "reset":
                link.end(reset=True)
            else:
                threading.Thread(target=link.run, daemon=True).start()

    # What tests ask

    @property
    def open(self):
        """Connections open now."""
        with self.changed:
            return len(self.links)

    @property
    def logins(self):
        return self.count(LOGIN)

    def count(self, word):
        """Requests with @word in method, path or body."""
        with self.changed:
            return sum(word in request.text for request in self.requests)

    # Faults

    def _set(self, mode):
        with self.changed:
            old, self.mode = self.mode, mode
            self.changed.notify_all()
        if mode == "refuse" and old != "refuse":
            shut(self.listener)
        elif old == "refuse" and mode != "refuse":
            self._listen()

    def stall(self):
        """Connections are accepted, and no byte goes through in any direction, until resume()."""
        self._set("stall")

    def refuse(self):
        """New connections are refused; open ones are not touched."""
        self._set("refuse")

    def reset(self):
        """Open connections are reset, and each new one at once."""
        self._set("reset")
        self.drop(reset=True)

    def delay(self, seconds):
        """Of each request and each piece of an answer."""
        self.delay_s = seconds

    def resume(self):
        """Everything as it should be; what waits goes on."""
        self.delay_s = 0
        with self.changed:
            self.faults, self.cuts = [], 0
        self._set("pass")

    def drop(self, reset=False):
        """All open connections, once; how many there were."""
        with self.changed:
            links = list(self.links)
        for link in links:
            link.end(reset)
        return len(links)

    def cut(self, match=None, count=1):
        """The answer ends in its middle and so does the connection; without @match the next piece of any."""
        with self.changed:
            if match is None:
                self.cuts += count
            else:
                self.faults.append(Fault(None, match, count))

    def answer(self, code, message="as the test wanted", match="", count=1, sqlstate="08001"):
        """Snowflake's error @code, without asking the server."""
        self._fault(200, "OK", {"data": {"errorCode": code, "sqlState": sqlstate}, "code": code, "message": message,
                                "success": False, "headers": None}, match, count)

    def http_error(self, status=500, match="", count=1):
        self._fault(status, "As the test wanted", {}, match, count)

    def _fault(self, status, reason, answer, match, count):
        body = json.dumps(answer).encode()
        head = "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (status, reason, len(body))
        with self.changed:
            self.faults.append(Fault(head.encode() + body, match, count))

    # For links

    def note(self, request):
        """Remembers it, and gives the fault that it gets, if any."""
        with self.changed:
            self.requests.append(request)
            fault = next((one for one in self.faults if one.left and one.match.search(request.text)), None)
            if fault:
                fault.left -= 1
            return fault

    def take_cut(self):
        with self.changed:
            if not self.cuts:
                return False
            self.cuts -= 1
            return True

    def pass_gate(self, link):
        """Returns when bytes may go through."""
        with self.changed:
            if self.delay_s:
                self.changed.wait_for(lambda: not link.is_open or not self.delay_s, self.delay_s)
            self.changed.wait_for(lambda: not link.is_open or self.mode != "stall")
        if not link.is_open:
            raise OSError("the link has ended")

    def forget(self, link):
        with self.changed:
            self.links.discard(link)
            self.changed.notify_all()

    def close(self):
        self._set("pass")
        shut(self.listener)
        self.listener.close()
        self.drop()
