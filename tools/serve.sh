#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Serves the demonstration databases; further arguments go to snowmux.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/demo/build.sh
[ -x build/snowmux ] || { echo "serve: there is no build/snowmux; run 'make build'" >&2; exit 1; }
exec build/snowmux serve --duckdb build/demo/travel.duckdb build/demo/nature.duckdb "$@"
