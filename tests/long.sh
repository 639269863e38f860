#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What takes too long for every change. Writes what ran, and how it went, to docs/check-long.md.
# usage: long.sh [PART...], all parts if none is named:
#   suite  every test in build/
#   asan   every test with the address and the undefined behaviour sanitizer
#   tsan   every test with the thread sanitizer
#   e2e    the end-to-end tests REPEAT times (5)
#   kill   kill -9 of daemon and workers under load, KILL_ROUNDS times (200)
#   mutate the core broken on purpose, each time some oracle must bark
#   sim    the simulator from seeds 1 to SEEDS (20000)
#   day    a day of 10,000 clients, from seeds 1 to DAYS (10)
#   fuzz   each fuzzer with the first two sanitizers, RUNS inputs (2000000) from seed SEED (today's date)
set -uo pipefail
cd "$(dirname "$0")/.."
all=(suite asan tsan e2e kill mutate sim day fuzz)
parts=("${@:-${all[@]}}")
repeat=${REPEAT:-5} seeds=${SEEDS:-20000} runs=${RUNS:-2000000} seed=${SEED:-$(date -u +%Y%m%d)}
page=docs/check-long.md
out=$PWD/build/long
began=$(date -u +'%Y-%m-%d %H:%M UTC')
commit=$(git rev-parse --short=12 HEAD)
git diff --quiet HEAD -- . ":!$page" || commit+=", with changes that are not committed"

for part in "${parts[@]}"; do
    [[ " ${all[*]} " == *" $part "* ]] || { echo "long: no part '$part'; allowed are: ${all[*]}" >&2; exit 2; }
done

wanted() { [[ " ${parts[*]} " == *" $1 "* ]]; }

# job NAME COMMAND...: leaves its output, what it took and its status in $out.
job() {
    local name=$1 status=0
    shift
    SECONDS=0
    "$@" >"$out/$name.log" 2>&1 || status=$?
    echo "$SECONDS" >"$out/$name.seconds"
    echo "$status" >"$out/$name.status"
    echo "==> $name: $(tail -n 1 "$out/$name.log") ($SECONDS s)"
}

# fuzzer NAME: an input that ends it is left in build-asan/.
fuzzer() (
    cd build-asan && "tests/fuzz/fuzz_$1" --runs "$runs" --seed "$seed" "../tests/fuzz/corpus/$1"
)

# Ends with the last day's line, or with the first that fails.
days() {
    local i
    for i in $(seq "${DAYS:-10}"); do
        build/tests/sim_day --seed "$i" || return 1
    done
}

fuzzers() { ls tests/fuzz/corpus; }

# row NAME WHAT: of the table. A result is the line that begins with the name, or the last one.
row() {
    local result="not asked for" seconds=""
    ! wanted "${1%%_*}" || result="did not run to its end"
    if [ -f "$out/$1.status" ]; then
        result=$({ grep -m 1 "^$1: " "$out/$1.log" || tail -n 1 "$out/$1.log"; } | tr '|' ' ')
        [ "$(<"$out/$1.status")" = 0 ] || result="**failed**: $result"
        seconds=$(<"$out/$1.seconds")
    fi
    echo "| $2 | $result | $seconds |"
}

write_page() {
    local name
    echo "# The last long check"
    echo
    echo "Written by \`make check-long\`; \`tests/long.sh\` says what its parts are."
    echo
    echo "- began: $began"
    echo "- commit: $commit"
    echo "- machine: $(nproc) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)," \
        "$(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo);" \
        "$(uname -sr); $(cc --version | head -n 1)"
    echo "- load when it ended: $(cut -d' ' -f1-3 /proc/loadavg), over 1, 5 and 15 minutes"
    echo
    echo "| Part | Result | Seconds |"
    echo "|---|---|---|"
    row suite "every test"
    row asan "every test, address and undefined behaviour sanitizers"
    row tsan "every test, thread sanitizer"
    row e2e "the end-to-end tests $repeat times"
    row kill "kill -9 of daemon and workers under load"
    row sim "the simulator, $seeds seeds"
    row day "days of 10,000 clients; the last one's restarts"
    row mutate "the core broken on purpose"
    for name in $(fuzzers); do
        row "fuzz_$name" "\`fuzz_$name\`, $runs inputs, address and undefined behaviour sanitizers"
    done
}

mkdir -p "$out"
rm -f "$out"/*
export -f job fuzzer days
export out runs seed
# Also of a run that was ended early.
trap 'write_page >"$page"; cat "$page"' EXIT
! wanted suite || job suite tests/suite.sh build
! wanted asan || job asan tests/sanitize.sh asan
! wanted tsan || job tsan tests/sanitize.sh tsan
! wanted kill || KILL_ROUNDS=${KILL_ROUNDS:-200} job kill tests/suite.sh build --timeout-multiplier 4 kill_loop
! wanted e2e || job e2e tests/suite.sh build --suite e2e --repeat "$repeat"
! wanted mutate || job mutate tests/mutate/run
{
    ! wanted sim || echo "sim build/tests/sim --seeds $seeds"
    ! wanted day || echo "day days"
    if wanted fuzz; then
        tests/sanitize.sh asan build >&2 || echo "build_asan false"
        fuzzers | sed 's/.*/fuzz_& fuzzer &/'
    fi
} | xargs -r -P "$(nproc)" -L 1 bash -c 'job "$@"' job
! cat "$out"/*.status | grep -qvx 0
