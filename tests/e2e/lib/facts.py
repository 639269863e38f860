# SPDX-License-Identifier: Apache-2.0
"""What the demonstration databases must answer, worked out from the published files without them."""
import json
import os
import subprocess

from lib.client import DEPS


def exact(text):
    """JSON with numbers as they are written."""
    return json.loads(text, parse_float=str, parse_int=str)


def load(source):
    """SQL to rows, numbers as texts."""
    command = [os.path.join(DEPS, "venv", "bin", "python"), os.path.join(source, "tools/demo/facts.py"),
               os.path.join(DEPS, "data")]
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return {fact["sql"]: fact["rows"] for fact in map(exact, lines)}


def summaries(facts):
    """DATABASE.SCHEMA to the rows of its table `summary`, which is another in each."""
    head, tail = "SELECT metric, value FROM ", ".summary ORDER BY metric"
    return {sql[len(head):-len(tail)]: rows for sql, rows in facts.items()
            if sql.startswith(head) and sql.endswith(tail)}
