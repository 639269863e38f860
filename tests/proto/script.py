# SPDX-License-Identifier: Apache-2.0
"""Reads a file of exchanges (its form: see run.py) into steps."""
import re

HTTP_START = re.compile(r"(\d{3}\b|\?$|event\b|progress\b|comment\b|end$|closed$)")


class Step:
    """kind: send, reply, event, progress, comment, end, closed, close, wait, restart."""

    def __init__(self, kind, channel, number):
        self.kind = kind
        self.channel = channel
        self.number = number  # of its first line in the file, from 1
        self.lines = []       # without their sigils
        self.title = ""

    @property
    def is_line(self):
        return self.channel.startswith("line")

    def text(self):
        return "\n".join(self.lines)


class Script:
    def __init__(self, path):
        self.path = path
        self.lines = path.read_text().split("\n")
        self.config = ""      # of a daemon of its own
        self.needs_root = False
        self.only_whole = False
        self.lets = {}
        self.steps = []
        self.read()

    def read(self):
        title = ""
        for number, line in enumerate(self.lines, 1):
            try:
                m = re.match(r"([a-z]*[0-9]?)([<>])(?: (.*)|$)", line)
                if m:
                    self.take(number, *m.groups(default=""))
                elif line.startswith("== "):
                    title = line[3:]
                elif not line.startswith("#") and line.strip():
                    self.directive(number, line)
            except ValueError as e:
                raise SystemExit(f"{self.path}:{number}: {e}") from e
            for step in self.steps:
                step.title = step.title or title

    def directive(self, number, line):
        word, _, rest = line.partition(" ")
        if word == "let":
            name, _, text = rest.partition(" ")
            self.lets[name] = text
        elif word == "config":
            self.config += rest + "\n"
        elif line == "needs root":
            self.needs_root = True
        elif line == "only whole":
            self.only_whole = True
        elif word == "wait" or line == "restart":
            self.add(word, "", number, rest)
        else:
            raise ValueError(f"not understood: {line}")

    def add(self, kind, channel, number, text):
        step = Step(kind, channel, number)
        step.lines.append(text)
        self.steps.append(step)

    def take(self, number, channel, sigil, text):
        last = self.steps[-1] if self.steps else None
        kind = self.kind_of(channel, sigil, text)
        if kind:
            self.add(kind, channel, number, text)
            return
        wanted = ("send",) if sigil == ">" else ("reply", "event", "progress")
        if not last or last.kind not in wanted or last.channel != channel:
            raise ValueError("begins with neither a request nor a reply")
        last.lines.append(text)

    def kind_of(self, channel, sigil, text):
        """Of the step that begins here; None: it goes on."""
        if sigil == ">" and text == "close":
            return "close"
        if sigil == "<" and text == "closed":
            return "closed"
        if channel.startswith("line"):
            if text.startswith(" "):
                return None
            return "send" if sigil == ">" else "progress" if text.startswith("progress ") else "reply"
        if sigil == ">":
            return "send" if re.match(r"[A-Z]+ \S", text) else None
        m = HTTP_START.match(text)
        if not m:
            return None
        return m.group(1) if m.group(1) in ("event", "progress", "comment", "end") else "reply"


def split_head(lines):
    """The headers and the text of the body after the first line."""
    headers = []
    for i, line in enumerate(lines):
        m = re.fullmatch(r"([A-Za-z0-9-]+): ?(.*)", line)
        if not m:
            return headers, "\n".join(lines[i:])
        headers.append(m.groups())
    return headers, ""


def raw_bytes(text):
    """Of: "..." or "..."*1000, any number of them; with the escapes of Python."""
    out = b""
    for m in re.finditer(r'\s*(?:"((?:[^"\\]|\\.)*)"(?:\*(\d+))?|(\S+))', text):
        if m.group(3):
            raise ValueError(f"raw: a quoted text expected at {m.group(3)}")
        piece = m.group(1).encode().decode("unicode_escape").encode("latin-1")
        out += piece * int(m.group(2) or 1)
    return out


def substitute(text, values):
    def value(m):
        if m.group(1) not in values:
            raise ValueError(f"${m.group(1)} has no value yet")
        return str(values[m.group(1)])
    return re.sub(r"\$([a-zA-Z_0-9]+)", value, text)
