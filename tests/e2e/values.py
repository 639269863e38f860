# SPDX-License-Identifier: Apache-2.0
"""Random values of PostgreSQL's common types, alone and in arrays, are what the server's own text
of the same values says. VALUES_SEED plays one seed again."""
import json
import os
import random
import struct

from lib.case import main
from lib.engine import ENGINES, EngineCase

COUNT = 150
SEED = int(os.environ.get("VALUES_SEED") or random.SystemRandom().randrange(1 << 32))
ALPHABET = "aZ09 ,{}\\\"'\n\t%_äß€😀\u0001\u2028"


def quoted(text):
    return "'%s'" % text.replace("'", "''")


def integer(bits):
    top = 1 << (bits - 1)
    return lambda r: str(r.choice([0, 1, -1, top - 1, -top, r.randrange(-top, top), r.randrange(-top, top) >> r.randrange(bits)]))


def real(digits, exponent):
    def one(r):
        number = "%de%d" % (r.randrange(-10**digits, 10**digits), r.randrange(-exponent, exponent - digits))
        return r.choice([number, number, number, "0.1", "-0.0", "1e15", "1e16", "NaN", "Infinity", "-Infinity"])
    return one


def numeric(r):
    whole = str(r.randrange(10 ** r.randrange(1, 60)))
    part = "".join(r.choice("0123456789") for _ in range(r.randrange(0, 40)))
    number = r.choice(["", "-"]) + whole + ("." + part if part else "")
    return r.choice([number] * 8 + ["0.00", "1e-20", "100", "NaN", "Infinity", "-Infinity"])


def text(r):
    return "".join(r.choice(ALPHABET) for _ in range(r.randrange(0, 30)))


def binary(r):
    return "\\x" + r.randbytes(r.randrange(0, 20)).hex()


def date(r):
    return r.choice(["%04d-%02d-%02d" % (r.randrange(1, 10000), r.randrange(1, 13), r.randrange(1, 29))] * 8 +
                    ["1970-01-01", "1969-12-31", "2000-02-29", "1999-12-31", "infinity", "-infinity"])


def time(r):
    part = r.choice(["", ".%06d" % r.randrange(10**6), ".%03d" % r.randrange(1000), ".000001"])
    return "%02d:%02d:%02d%s" % (r.randrange(24), r.randrange(60), r.randrange(60), part)


def moment(r):
    day = date(r)
    return day if "inf" in day else day + " " + time(r)


def interval(r):
    micros = r.choice([0, r.randrange(-10**6, 10**6), r.randrange(-9 * 10**15, 9 * 10**15)])
    return "%d months %d days %d microseconds" % (r.choice([0, r.randrange(-10**6, 10**6)]), r.choice([0, r.randrange(-10**6, 10**6)]), micros)


def document(r, depth=0):
    kinds = [None, True, r.randrange(-10**18, 10**18), r.randrange(10**6) / 1000, "".join(c for c in text(r) if c != "\u0001")]
    if depth < 3:
        kinds += [[document(r, depth + 1) for _ in range(r.randrange(4))], {text(r): document(r, depth + 1) for _ in range(r.randrange(4))}]
    return r.choice(kinds)


def same(own, says):
    return str(own) == says


def same_numeric(own, says):
    """The driver has words of its own for what is no number."""
    return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(own, own) == says


def same_number(own, says):
    return repr(float(own)) == repr(float(says))


def same_single(own, says):
    """PostgreSQL writes a digit more where the shorter text is halfway to the next number."""
    return struct.pack("f", float(own)) == struct.pack("f", float(says))


def same_moment(own, says):
    return own.rstrip("Z") == says.replace(" ", "T")


def same_bool(own, says):
    return own is (says == "true")


PARTS = ("CASE WHEN {0} IS NOT NULL THEN concat('P', nullif(extract(year FROM {0})::bigint * 12 + extract(month FROM {0})::bigint, 0) || 'M',"
         " nullif(extract(day FROM {0})::bigint, 0) || 'D',"
         " 'T' || nullif(trim_scale(extract(hour FROM {0}) * 3600 + extract(minute FROM {0}) * 60 + extract(second FROM {0})), 0) || 'S') END")

# Type, a random value of it as text, what the server says of it, and how both are compared.
TYPES = {
    "int2": (integer(16), "{0}::text", same),
    "int4": (integer(32), "{0}::text", same),
    "int8": (integer(64), "{0}::text", same),
    "float4": (real(7, 35), "{0}::text", same_single),
    "float8": (real(17, 300), "{0}::text", same_number),
    "numeric": (numeric, "{0}::text", same_numeric),
    "bool": (lambda r: r.choice(["true", "false"]), "{0}::text", same_bool),
    "text": (text, "{0}::text", same),
    "bytea": (binary, "encode({0}, 'hex')", same),
    "uuid": (lambda r: r.randbytes(16).hex(), "{0}::text", same),
    "date": (date, "{0}::text", same),
    "time": (time, "{0}::text", same),
    "timestamp": (moment, "{0}::text", same_moment),
    "timestamptz": (moment, "({0} AT TIME ZONE 'UTC')::text", same_moment),
    "interval": (interval, PARTS, lambda own, says: own == (says if len(says) > 1 else "PT0S")),
    "json": (lambda r: json.dumps(document(r)), "{0}::text", same),
    "jsonb": (lambda r: json.dumps(document(r)), "{0}::text", same),
    "inet": (lambda r: "%d.%d.%d.%d/%d" % (*r.randbytes(4), r.randrange(33)), "{0}::text", lambda own, says: own == says.removesuffix("/32")),
    "macaddr": (lambda r: r.randbytes(6).hex(), "{0}::text", same),
    "pg_lsn": (lambda r: "%X/%X" % (r.randrange(1 << 32), r.randrange(1 << 32)), "{0}::text", same),
    "point": (lambda r: "(%d,%d.5)" % (r.randrange(-99, 99), r.randrange(99)), "{0}::text", same),
    "xid8": (lambda r: str(r.randrange(1 << 64)), "{0}::text", same),
    "varbit": (lambda r: "".join(r.choice("01") for _ in range(r.randrange(20))), "{0}::text", same),
}


class Values(EngineCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.engine = ENGINES["postgresql"](cls.addClassCleanup)

    def setUp(self):
        self.random = random.Random(SEED)
        self.client = self.http("python", self.serve(self.engine))  # to JavaScript -0.0 is 0

    def rows(self, sql):
        answer = self.client.sql(sql, limit=1000)
        self.assertFalse(answer.is_error, answer.text)
        rows = list(answer.rows)
        self.assertFalse(answer.data.get("cut_cells"))
        while answer.data["next"]:
            answer = self.client.call(answer.data["next"]["tool"], **answer.data["next"]["arguments"])
            rows += answer.rows
        return rows

    def check(self, kind, own, says):
        if own is None or says is None:
            self.assertEqual((own, says), (None, None), "%s, VALUES_SEED=%d" % (kind, SEED))
        elif not TYPES[kind][2](own, says):
            self.fail("%s, VALUES_SEED=%d: shown as %r, the server says %r" % (kind, SEED, own, says))

    def test_each_value_is_what_the_server_says(self):
        for kind, (make, says, _) in TYPES.items():
            values = ["NULL"] + [quoted(make(self.random)) for _ in range(COUNT)]
            rows = self.rows("SELECT v, %s FROM (SELECT unnest(ARRAY[%s]::%s[])) AS t(v)" % (says.format("v"), ", ".join(values), kind))
            self.assertEqual(len(rows), len(values))
            for own, said in rows:
                self.check(kind, own, said)

    def test_each_element_of_an_array_is_what_the_server_says(self):
        for kind, (make, says, _) in TYPES.items():
            arrays = []
            for _ in range(COUNT // 10):
                values = [self.random.choice(["NULL", quoted(make(self.random)), quoted(make(self.random))]) for _ in range(self.random.randrange(6))]
                arrays.append("(ARRAY[%s]::%s[])" % (", ".join(values), kind))
            said = "(SELECT coalesce(json_agg(%s ORDER BY n), '[]') FROM unnest(v) WITH ORDINALITY AS u(x, n))" % says.format("x")
            rows = self.rows("SELECT v, CASE WHEN v IS NOT NULL THEN %s END FROM (VALUES %s) AS t(v)" % (said, ", ".join(arrays)))
            self.assertEqual(len(rows), len(arrays))
            for own, said in rows:
                own, said = json.loads(own), json.loads(said)
                self.assertEqual(len(own), len(said), kind)
                for one, other in zip(own, said):
                    self.check(kind, one, other)

    def test_types_whose_bytes_the_driver_leaves_as_they_are_are_named_with_what_shows_them(self):
        self.rows("SELECT 1")  # the driver learns types as it begins, and only then
        self.engine.server.sql("CREATE TYPE sales.pair AS (a int, b text)")
        self.addCleanup(self.engine.server.sql, "DROP TYPE sales.pair")
        columns = "int4range(1, 10) AS years, ARRAY['a b'::tsvector] AS words, (1, 'b')::sales.pair AS pair, '(1,2)'::point AS place, n"
        answer = self.client.sql("SELECT %s FROM generate_series(1, 1000) AS g(n)" % columns, limit=1)
        self.assertEqual(answer.rows[0][3:], ["(1,2)", 1])
        self.assertEqual([column.get("opaque") for column in answer.data["columns"]], [True, True, True, None, None])
        for page in (answer, self.client.call(answer.data["next"]["tool"], **answer.data["next"]["arguments"])):
            self.assertIn("years (int4range), words (tsvector[]), pair (unnamed<oid:", page.data["notice"])
            self.assertIn("column::text", page.data["notice"])
            self.assertNotIn("place", page.data["notice"])
        cast = self.client.sql("SELECT int4range(1, 10)::text, ARRAY['a b'::tsvector]::text, (1, 'b')::sales.pair::text")
        self.check_rows(cast, [["[1,10)", "{\"'a' 'b'\"}", "(1,b)"]])
        self.assertNotIn("notice", cast.data)

    def test_a_whole_number_that_may_be_money_says_so(self):
        """The driver does not tell them apart."""
        def types(client, sql, **more):
            answer = client.sql(sql, **more)
            return [column["type"] for column in answer.data["columns"]], answer

        may_be = "BIGINT or money in its smallest unit"
        self.assertEqual(types(self.client, "SELECT big, id FROM orders")[0], ["BIGINT", "INTEGER"])
        named, answer = types(self.client, "SELECT '12.34'::MONEY AS price, 1 AS one, '12.34'::money::numeric::text")
        self.assertEqual((named, answer.rows), ([may_be, "INTEGER", "VARCHAR"], [[1234, 1, "12.34"]]))
        self.engine.server.sql("CREATE TABLE sales.prices AS SELECT n, n::int::money AS price FROM generate_series(1::bigint, 1000) AS g(n);"
                               "GRANT SELECT ON sales.prices TO tester")
        self.addCleanup(self.engine.server.sql, "DROP TABLE sales.prices")
        client = self.http("python", self.serve(self.engine))
        named, answer = types(client, "SELECT price, ARRAY[n] AS list, n::int FROM prices ORDER BY n", limit=1)
        self.assertEqual(named, [may_be, may_be + "[]", "INTEGER"])
        page = client.call(answer.data["next"]["tool"], **answer.data["next"]["arguments"])
        self.assertEqual(([column["type"] for column in page.data["columns"]], page.rows[0]), (named, [200, "[2]", 2]))

    def test_a_moment_that_the_driver_cannot_count_is_refused(self):
        told = [("'294247-01-09 23:59:59.999999'", "+294247-01-09T23:59:59.999999"), ("'infinity'", "infinity"), ("'-infinity'", "-infinity"),
                ("'4713-01-01 BC'", "-004712-01-01T00:00:00")]
        for kind, zone in (("timestamp", ""), ("timestamptz", "Z")):
            rows = self.rows("SELECT %s" % ", ".join("%s::%s" % (value, kind) for value, _ in told))
            self.assertEqual(rows, [[text if "inf" in text else text + zone for _, text in told]])
            for value in ("'294247-01-11'::%s", "'294276-12-31 23:59:59.999999'::%s", "ARRAY[NULL, '294276-01-01'::%s]"):
                error = self.check_error(self.client.sql("SELECT 1 AS one, %s AS late" % value % kind), "sql_error", True)
                self.assertIn("column 2 (late) has a timestamp after 294247-01-09", error["message"])
        self.check_rows(self.client.sql("SELECT '294276-12-31'::timestamp::text"), [["294276-12-31 00:00:00"]])

    def test_numbers_of_the_servers_own_are_numbers(self):
        answer = self.client.sql("SELECT xmin, ctid, tableoid::regclass, '42'::cid FROM orders WHERE id = 1")
        ((xmin, ctid, table, command),) = answer.rows
        says = self.engine.server.sql("SELECT xmin::text AS x, ctid::text AS c, tableoid::int AS t FROM sales.orders WHERE id = 1")[0]
        self.assertEqual((str(xmin), ctid, str(table), command), (says["x"], says["c"], str(says["t"]), 42))
        self.assertEqual([column["type"] for column in answer.data["columns"]], ["xid", "tid", "regclass", "cid"])


if __name__ == "__main__":
    main()
