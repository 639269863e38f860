#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes BUILD/demo/travel.duckdb and nature.duckdb where they are missing or out of date.
# Needs BUILD/demo-load and the fetched data. usage: build.sh [BUILD], "build" by default
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=$(realpath -m "${1:-$root/build}")
deps=$(realpath -m "${SNOWMUX_DEPS:-$root/.deps}")
out=$build/demo

die() { echo "demo: $*" >&2; exit 1; }

stamp_of() { # NAME
    cat "$deps/data/.done" "$here/load.c" "$here/$1.sql" | sha256sum
}

is_fresh() { # NAME
    [ -f "$out/$1.duckdb" ] && [ -f "$out/$1.stamp" ] && [ "$(stamp_of "$1")" = "$(<"$out/$1.stamp")" ]
}

# The stamp goes first and comes last: it never vouches for another file.
make_one() { # NAME
    rm -f "$out/$1.stamp"
    "$build/demo-load" "$deps/lib/libduckdb.so" "$deps/data" "$here/$1.sql" "$out/$1.duckdb" ||
        die "$out/$1.duckdb could not be made"
    stamp_of "$1" >"$out/$1.tmp"
    mv "$out/$1.tmp" "$out/$1.stamp"
}

[ -f "$deps/data/.done" ] || die "there is no data in $deps/data; run tools/setup.sh"
[ -x "$build/demo-load" ] || die "there is no $build/demo-load; run 'make build'"
is_fresh travel && is_fresh nature && exit
mkdir -p "$out"
exec 9>"$out/lock"
flock 9
jobs=()
for name in travel nature; do
    is_fresh "$name" && continue
    [ ${#jobs[@]} -gt 0 ] || echo "==> building the demonstration databases (3 million flights)"
    make_one "$name" &
    jobs+=($!)
done
for job in "${jobs[@]}"; do
    wait "$job" || exit 1
done
