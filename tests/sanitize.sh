#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds everything into build-KIND/ with sanitizers, runs the tests there, and counts as one more
# test that no process left a report: a worker's end is not always its test's failure.
# usage: sanitize.sh asan|tsan [build | ARGUMENTS of meson test]; "build" runs no test.
# The last line is "N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")/.."
kind=${1:-}
deps=$(realpath "${SNOWMUX_DEPS:-.deps}")
build=build-$kind
reports=$PWD/$build/reports

case $kind in
asan) sanitize=address,undefined ;;
tsan) sanitize=thread ;;
*) echo "usage: $0 asan|tsan [build | ARGUMENTS of meson test]" >&2; exit 2 ;;
esac
shift

# quiet LOG COMMAND...: shows the end of the output only when the command fails.
quiet() {
    local log=$1
    shift
    "$@" >"$log" 2>&1 && return
    tail -n 40 "$log"
    echo "sanitize: '$*' failed; all of its output is in $log"
    echo "0 passed, 1 failed"
    exit 1
}

# The shadow memory of gcc 12 has no place when the kernel moves mappings by more than 28 bits;
# some containers may not ask for fixed ones.
fixed=()
if setarch -R true 2>/dev/null; then
    fixed=(setarch -R)
elif [ "$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 28)" -gt 28 ]; then
    echo "sanitize: $kind left out: vm.mmap_rnd_bits is over 28, and mappings may not be fixed"
    echo "0 passed, 0 failed"
    exit
fi

# Warnings are judged in build/, where no instrumented code misleads them.
options=(-Ddeps="$deps" -Db_sanitize=$sanitize -Doptimization=1 -Ddebug=true -Dwerror=false
    -Dc_args=-fno-sanitize-recover=all -Dcpp_args=-fno-sanitize-recover=all)
if [ ! -f "$build/build.ninja" ] || [ "$(cat "$build/options")" != "${options[*]}" ]; then
    rm -rf "$build"
    mkdir "$build"
    quiet "$build/configure.log" meson setup "$build" "${options[@]}"
    echo "${options[*]}" >"$build/options"
fi
quiet "$build/compile.log" ninja -C "$build"
[ "${1:-}" != build ] || exit 0

rm -rf "$reports"
mkdir "$reports"
common=halt_on_error=1:log_path=$reports/report
export ASAN_OPTIONS=$common:abort_on_error=1:detect_stack_use_after_return=1
export LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp:print_suppressions=0
export UBSAN_OPTIONS=$common:print_stacktrace=1
export TSAN_OPTIONS=$common:second_deadlock_stack=1:suppressions=$PWD/tests/tsan.supp
"${fixed[@]}" tests/suite.sh "$build" "$@" | tee "$build/suite.log" | sed '$d'
read -r passed _ failed _ < <(tail -n 1 "$build/suite.log")

# The daemon itself, with real clients. Its workers are the plain ones: DuckDB comes without the
# sanitizer's marks, and the worker's own tests run above, with the scripted driver.
if [ "$kind" = tsan ] && [ -x build/snowmux-worker ]; then
    mkdir -p "$build/daemon"
    cp "$build/snowmux" build/snowmux-worker build/demo-load "$build/daemon/"
    for name in eight_clients cancel restart worker_death; do
        if SNOWMUX_BUILD=$PWD/$build/daemon SNOWMUX_DEPS=$deps SNOWMUX_SOURCE=$PWD \
            SNOWMUX_FAKE_DRIVER=$PWD/build/src/worker/libsnowmux_fake_driver.so SNOWMUX_SANITIZED=1 \
            PYTHONDONTWRITEBYTECODE=1 "${fixed[@]}" python3 "tests/e2e/$name.py" \
            >"$build/daemon/$name.log" 2>&1; then
            passed=$((passed + 1))
            echo "$name with a daemon under tsan: OK"
        else
            failed=$((failed + 1))
            tail -n 30 "$build/daemon/$name.log"
        fi
    done
fi
if [ "$passed" = 0 ] || [ -n "$(ls "$reports")" ]; then
    failed=$((failed + 1))
    head -n 30 "$reports"/* 2>/dev/null
    echo "sanitize: $passed tests passed; $(ls "$reports" | wc -l) reports in $build/reports"
else
    passed=$((passed + 1))
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
