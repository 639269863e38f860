#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""guard_cli.py SNOWMUX: `snowmux guard` answers each line, in order, whatever came before."""
import json
import subprocess
import sys

SNOWMUX = sys.argv[1]
LINE_MAX = 1024 * 1024 + 64 * 1024  # LINES_LINE_MAX


def guard(text, *options):
    child = subprocess.run([SNOWMUX, "guard", *options], input=text, capture_output=True,
                           timeout=60, check=False)
    return child, [json.loads(line) for line in child.stdout.splitlines()]


def line(sql):
    return json.dumps({"sql": sql}).encode() + b"\n"


def expect(what, is_true, got):
    if not is_true:
        sys.exit(f"guard_cli: {what}: {got}")


def verdicts_are_told():
    child, answers = guard(line("select 1") + line("select 1;\n  drop table t"),
                           "--dialect", "duckdb")
    expect("allow", answers[0] == {"verdict": "allow", "class": "select"}, answers)
    expect("refuse", answers[1] == {"verdict": "refuse", "class": "multiple",
                                    "reason": "a second statement", "line": 2, "column": 3},
           answers)
    expect("status", child.returncode == 0, child)


def bad_lines_are_answered_and_the_others_too():
    text = (b"nonsense\n" + line("select 1") + b'{"sql": 1}\n' + b'["sql"]\n' + b"\n"
            + line("x" * LINE_MAX) + b'{"sql": "\xff"}\n' + b'{"sql": "select 2"}')
    child, answers = guard(text, "--dialect", "sqlite")
    kinds = [answer["verdict"] for answer in answers]
    expect("kinds", kinds == ["error", "allow", "error", "error", "error", "error", "error",
                              "allow"], answers)
    lines = [answer.get("input_line") for answer in answers]
    expect("lines", lines == [1, None, 3, 4, 5, 6, 7, None], answers)
    expect("reasons", all(answer["reason"] for answer in answers if "reason" in answer), answers)
    expect("status", child.returncode == 1, child)


def many_lines_come_back_in_order():
    count = 20000
    text = b"".join(line(f"select {i}" if i % 3 else f"{'-' * (i % 60)}\ndrop table t{i}")
                    for i in range(count))
    child, answers = guard(text, "--dialect", "postgresql")
    expect("count", len(answers) == count and child.returncode == 0, len(answers))
    for i, answer in enumerate(answers):
        expect(f"line {i}", (answer["verdict"] == "allow") == bool(i % 3), answer)


def answers_do_not_wait_for_the_end():
    with subprocess.Popen([SNOWMUX, "guard", "--dialect", "snowflake"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as child:
        for sql, verdict in (("select 1", "allow"), ("call p()", "refuse")):
            child.stdin.write(line(sql))
            child.stdin.flush()
            answer = json.loads(child.stdout.readline())
            expect("one by one", answer["verdict"] == verdict, answer)
        child.stdin.close()
        expect("status", child.wait(60) == 0, child.returncode)


def policies_differ():
    text = line("create temp table x (a int)") + line("insert into t values (1)")
    for policy, verdicts in (("read_only", ["refuse", "refuse"]),
                             ("session_state", ["allow", "refuse"]),
                             ("read_write", ["allow", "allow"])):
        _, answers = guard(text, "--dialect", "duckdb", "--policy", policy)
        expect(policy, [answer["verdict"] for answer in answers] == verdicts, answers)


def wrong_options_say_what_is_allowed():
    for options, words in (((), b"snowflake"), (("--dialect", "oracle"), b"postgresql"),
                           (("--dialect", "duckdb", "--policy", "all"), b"session_state")):
        child, _ = guard(line("select 1"), *options)
        expect(str(options), child.returncode == 2 and words in child.stderr
               and not child.stdout, child)


verdicts_are_told()
bad_lines_are_answered_and_the_others_too()
many_lines_come_back_in_order()
answers_do_not_wait_for_the_end()
policies_differ()
wrong_options_say_what_is_allowed()
