#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A core with a fault is found by its simulator, which tells it as a short story: the story
# barks at the faulty core in the same way, and not at the true one.
# usage: shrink_test.sh core|oracle SIM_BROKEN STORY_BROKEN SIM STORY
#        shrink_test.sh stories SIM DIRECTORY: no oracle barks at what is known to be right
set -euo pipefail

events_max=12

fail() { echo "shrink_test: $*" >&2; exit 1; }

if [ "$1" = stories ]; then
    for story in "$3"/*.story; do
        said=$("$2" --story "$story" 2>&1) || [[ $said == *"the oracles know "* ]] || fail "$said"
    done
    exit
fi

barks=$1 sim_broken=$2 story_broken=$3 sim=$4 story=$5
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

if "$sim_broken" --seeds 50 --out "$dir" >"$dir/log" 2>&1; then
    fail "no seed fails"
fi
cat "$dir/log"
stories=("$dir"/shrunk-*.story)
[ -f "${stories[0]}" ] || fail "no story was written"
shrunk=${stories[0]}
events=$(grep -cE '^ *[0-9]+[a-z]+ ' "$shrunk")
[ "$events" -le $events_max ] || fail "$events events are more than $events_max"

# The command that replays the seed does.
replay=$(sed -nE 's/^seed .*shortest failing prefix.*replay: build\/tests\/sim //p' "$dir/log")
[ -n "$replay" ] || fail "no command replays the seed"
what=$(sed -nE 's/^# Here (event=.*)/\1/p' "$shrunk")
[ -n "$what" ] || fail "the story does not say what barked"
# shellcheck disable=SC2086
if "$sim_broken" $replay >"$dir/said" 2>&1 || ! grep -qF "$what" "$dir/said"; then
    fail "'$replay' does not fail in the same way: $(cat "$dir/said")"
fi

# The story barks at the faulty core: by itself, or under the oracles.
case $barks in
core) replay=("$story_broken" "$shrunk") ;;
oracle) replay=("$sim_broken" --story "$shrunk") ;;
esac
if "${replay[@]}" >"$dir/said" 2>&1 || ! grep -qF "$what" "$dir/said"; then
    fail "${replay[*]} does not bark: $(cat "$dir/said")"
fi
grep -qE "replay: build/tests/(story|sim --story) $shrunk" "$dir/log" ||
    fail "no command replays the story"

# The true one may answer otherwise, but nothing barks.
"$sim" --story "$shrunk" || fail "the oracles bark at the true core"
"$story" "$shrunk" >"$dir/said" 2>&1 || true
cat "$dir/said"
grep -q '^story: 1 stories' "$dir/said" || fail "the story does not end at the true core"
