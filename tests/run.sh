#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What `make check` runs once build/ is there: all tests, then all but the end-to-end ones with
# each kind of sanitizer. Ends with the sum, "N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")/.."
passed=0
failed=0

# part NAME COMMAND...: its last line is a count; shown with the time it took.
part() {
    local name=$1 ok bad
    shift
    echo "==> $name"
    SECONDS=0
    "$@" | tee "build/$name.log" | sed '$d'
    read -r ok _ bad _ < <(tail -n 1 "build/$name.log")
    echo "==> $name: $ok passed, $bad failed in $SECONDS s"
    passed=$((passed + ok))
    failed=$((failed + bad))
}

part plain tests/suite.sh build
part asan tests/sanitize.sh asan --no-suite e2e
part tsan tests/sanitize.sh tsan --no-suite e2e
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
