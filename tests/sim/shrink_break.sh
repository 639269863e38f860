#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A copy of a file with a fault in it; fails when the fault has no place there any more.
# usage: shrink_break.sh SED_SCRIPT FROM TO
set -eu
sed -e "$1" "$2" >"$3"
if cmp -s "$2" "$3"; then
    echo "$0: '$1' changes nothing in $2" >&2
    exit 1
fi
