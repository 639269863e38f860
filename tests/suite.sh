#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the tests of one build directory and ends with a line "N passed, N failed".
# usage: suite.sh BUILD [ARGUMENTS of meson test]
set -uo pipefail
cd "$(dirname "$0")/.."
build=$1
shift
log=$build/check.log
meson test -C "$build" --no-rebuild --print-errorlogs "$@" 2>&1 | tee "$log"
count() { awk -v key="$1" -F: 'index($0, key ":") == 1 { gsub(/ /, "", $2); print $2 }' "$log" | tail -n1; }
passed=$(count Ok) failed=$(count Fail) timeout=$(count Timeout) unexpected=$(count "Unexpected Pass")
failed=$((${failed:-0} + ${timeout:-0} + ${unexpected:-0}))
echo "${passed:-0} passed, $failed failed"
[ "$failed" = 0 ] && [ "${passed:-0}" -gt 0 ]
