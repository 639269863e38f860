#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes the demonstration databases of this build and the facts about them, then runs demo_test.
set -euo pipefail
test $# -eq 3 || { echo "usage: $0 DEMO_TEST BUILD DEPS" >&2; exit 2; }
tools=$(cd "$(dirname "$0")/../../tools/demo" && pwd)
export SNOWMUX_DEPS=$3 SNOWMUX_DEMO=$2/demo
"$tools/build.sh" "$2"
python=$SNOWMUX_DEPS/venv/bin/python
[ -x "$python" ] || python=python3
"$python" "$tools/facts.py" "$SNOWMUX_DEPS/data" >"$SNOWMUX_DEMO/facts.tmp"
mv "$SNOWMUX_DEMO/facts.tmp" "$SNOWMUX_DEMO/facts.jsonl"
SNOWMUX_SCRATCH=$(mktemp -d)
export SNOWMUX_SCRATCH
trap 'rm -rf "$SNOWMUX_SCRATCH"' EXIT
"$1"
