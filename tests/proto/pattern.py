# SPDX-License-Identifier: Apache-2.0
"""What a JSON text must look like. A pattern is JSON with a few more words (see run.py)."""
import json
import re

TOKEN = re.compile(r"""\s*(?:
    (?P<string>"(?:[^"\\]|\\.)*") |
    (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?) |
    (?P<word>true|false|null|\.\.\.|\*|-|\$[a-z_0-9]+|/(?:[^/\\]|\\.)*/) |
    (?P<mark>[{}\[\],:]))""", re.X)


class Word(str):
    """* or - or ... or $name or /expression/, as it is written."""


class Mismatch(Exception):
    pass


def tokens(text):
    at = 0
    text = text.rstrip()
    while at < len(text):
        m = TOKEN.match(text, at)
        if not m:
            raise ValueError(f"not understood: {text[at:at + 40]}")
        yield m.lastgroup, m.group(m.lastgroup)
        at = m.end()
    yield "end", ""


class Reader:
    def __init__(self, text):
        self.rest = tokens(text)
        self.kind, self.text = next(self.rest)

    def take(self):
        was = self.kind, self.text
        if self.kind != "end":
            self.kind, self.text = next(self.rest)
        return was

    def is_mark(self, mark):
        if self.kind == "mark" and self.text == mark:
            self.take()
            return True
        return False

    def need(self, mark):
        if not self.is_mark(mark):
            raise ValueError(f"{mark} expected at {self.text!r}")

    def value(self):
        kind, text = self.take()
        if kind in ("string", "number"):
            return json.loads(text)
        if kind == "word":
            return {"true": True, "false": False, "null": None}.get(text, Word(text))
        if text == "{":
            return self.members()
        if text == "[":
            return self.elements()
        raise ValueError(f"a value expected at {text!r}")

    def members(self):
        members = {}
        while not self.is_mark("}"):
            if members:
                self.need(",")
            kind, text = self.take()
            if text == "...":
                members[Word("...")] = Word("*")
                continue
            if kind != "string":
                raise ValueError(f"a key expected at {text!r}")
            self.need(":")
            members[json.loads(text)] = self.value()
        return members

    def elements(self):
        elements = []
        while not self.is_mark("]"):
            if elements:
                self.need(",")
            elements.append(self.value())
        return elements


def parse(text):
    reader = Reader(text)
    value = reader.value()
    if reader.kind != "end":
        raise ValueError(f"more than one value, at {reader.text!r}")
    return value


def no_twins(pairs):
    if len(dict(pairs)) != len(pairs):
        raise Mismatch("a key comes twice: " + ", ".join(key for key, _ in pairs))
    return dict(pairs)


def read(text):
    """JSON as it came from the daemon."""
    try:
        return json.loads(text, object_pairs_hook=no_twins)
    except ValueError as e:
        raise Mismatch(f"no JSON: {e}") from e


def match_word(word, actual, bound, where):
    if word == "*":
        return
    if word.startswith("$"):
        if bound.setdefault(word[1:], actual) != actual:
            raise Mismatch(f"{where} is {actual!r}, not {word} {bound[word[1:]]!r}")
        return
    if word.startswith("/"):
        if not isinstance(actual, str) or not re.fullmatch(word[1:-1], actual, re.S):
            raise Mismatch(f"{where} is {actual!r}, not {word}")
        return
    raise Mismatch(f"{where} is {actual!r}, and {word} stands in the wrong place")


def match_members(expected, actual, bound, where):
    is_open = Word("...") in expected
    for key, value in expected.items():
        if isinstance(key, Word):
            continue
        if isinstance(value, Word) and value == "-":
            if key in actual:
                raise Mismatch(f"{where}.{key} is there: {actual[key]!r}")
        elif key not in actual:
            raise Mismatch(f"{where}.{key} is absent")
        else:
            match(value, actual[key], bound, f"{where}.{key}")
    for key in actual:
        if key not in expected and not is_open:
            raise Mismatch(f"{where}.{key} is not expected: {actual[key]!r}")


def match(expected, actual, bound, where="$"):
    """Raises Mismatch. @bound: the variables, which this may add to."""
    if isinstance(expected, Word):
        match_word(expected, actual, bound, where)
    elif isinstance(expected, dict) and isinstance(actual, dict):
        match_members(expected, actual, bound, where)
    elif isinstance(expected, list) and isinstance(actual, list):
        is_open = bool(expected) and isinstance(expected[-1], Word) and expected[-1] == "..."
        least = len(expected) - is_open
        if len(actual) < least or (len(actual) > least and not is_open):
            raise Mismatch(f"{where} has {len(actual)} elements, not {least}")
        for i in range(least):
            match(expected[i], actual[i], bound, f"{where}[{i}]")
    elif type(expected) is not type(actual) or expected != actual:
        raise Mismatch(f"{where} is {actual!r}, not {expected!r}")


def merge(expected, actual, bound):
    """The pattern that @actual matches and that keeps what it can of @expected."""
    try:
        match(expected, actual, dict(bound))
        return expected
    except Mismatch:
        pass
    if isinstance(expected, dict) and isinstance(actual, dict):
        merged = {key: merge(expected.get(key, value), value, bound)
                  for key, value in actual.items()
                  if key in expected or Word("...") not in expected}
        if Word("...") in expected:
            merged[Word("...")] = Word("*")
        return merged
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        return [merge(e, a, bound) for e, a in zip(expected, actual)]
    return actual


def pieces(value):
    if isinstance(value, dict):
        yield "{"
        for i, (key, inner) in enumerate(value.items()):
            comma = "," if i + 1 < len(value) else ""
            if isinstance(key, Word):
                yield key + comma
                continue
            yield json.dumps(key, ensure_ascii=False) + ":"
            yield from pieces(inner)
            yield comma
        yield "}"
    elif isinstance(value, list):
        yield "["
        for i, inner in enumerate(value):
            yield from pieces(inner)
            yield "," if i + 1 < len(value) else ""
        yield "]"
    else:
        yield str(value) if isinstance(value, Word) else json.dumps(value, ensure_ascii=False)


def lines(value, width=96):
    """@value as the lines of a file."""
    line = ""
    for piece in pieces(value):
        if line and len(line) + len(piece) > width and piece not in ",}]":
            yield line
            line = ""
        line += piece
    yield line
