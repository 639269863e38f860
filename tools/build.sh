#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Configures build/ where that is due and compiles; with "check", the tests too.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=${1:-build}
deps=${SNOWMUX_DEPS:+$(realpath "$SNOWMUX_DEPS")}

die() { echo "build: $*" >&2; exit 1; }

# quiet LOG COMMAND...: shows the end of the output only when the command fails.
quiet() {
    local log=$1
    shift
    "$@" >"$log" 2>&1 || { tail -n 40 "$log" >&2; die "'$*' failed; all of its output is in $log"; }
}

configure() {
    echo "==> configuring and compiling"
    mkdir -p build
    quiet build/configure.log meson setup build "$@" -Ddeps="$deps"
    echo "$deps" >build/deps
}

# Meson keeps what it was told and found at first: the place of the parts, and that there
# was no cmocka.
if [ ! -f build/build.ninja ]; then
    configure
elif [ ! -f build/deps ] || [ "$(<build/deps)" != "$deps" ] ||
    { [ "$mode" = check ] && ! grep -q _test.c build/build.ninja; }; then
    configure --reconfigure
fi
quiet build/compile.log ninja -C build
[ "$mode" != check ] || grep -q _test.c build/build.ninja || die "meson found no cmocka, so there are no unit tests"
