#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The core is pure: no clock, no I/O, no allocation. Its objects may ask the linker for
# these few functions, for pure helpers of the compiler and for each other's functions.
set -eu
test $# -eq 1 || { echo "usage: $0 libcore.a" >&2; exit 2; }
allowed='memcpy|memmove|memset|memcmp|assert_fail|__stack_chk_fail'
helpers='__popcountdi2|_GLOBAL_OFFSET_TABLE_|__(asan|ubsan|tsan)_.*'
names() {
    nm "$1" --format=posix "$2" | awk 'NF > 1 { print $1 }' | sort -u
}
own=$(names --defined-only "$1")
if ! echo "$own" | grep -q '^core_'; then
    echo "$1 defines no core_* symbol: is it the right file?" >&2
    exit 1
fi
foreign=$(names --undefined-only "$1" | grep -Fvx "$own" | grep -Evx "$allowed|$helpers" || true)
if [ -n "$foreign" ]; then
    echo "the core refers to:" $foreign >&2
    exit 1
fi
