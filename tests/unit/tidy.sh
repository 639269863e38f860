#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What reviewers would otherwise have to look for. Prints one line a fault; silent when tidy.
# usage: tidy.sh SOURCE DEPS; CC and PKG_CONFIG are honoured
set -euo pipefail

# The ladder of rooms: what each may include, rooms first, then libraries. The table of rooms
# in ARCHITECTURE.md says the same, and is compared with this one.
ladder='
base
core     base
wire     base
sql      base
net      base | uv llhttp
config   base | toml++
store    base | uv sqlite3 pthread
results  base | uv
backend  base wire sql config | uv
mcp      base net | uv yyjson openssl
tools    base sql | yyjson
bridge   base config | yyjson
daemon   base core wire sql net config store results backend mcp tools | uv yyjson
cli      base sql config backend bridge daemon | yyjson
worker   base wire | adbc nanoarrow openssl pthread
'
function_lines_max=70
file_lines_max=600

test $# -eq 2 || { echo "usage: $0 SOURCE DEPS" >&2; exit 2; }
cd "$1"
deps=$2

files() { # PATTERN...: of the repository, but for what others made and corpora
    local names=()
    for pattern in "$@"; do
        names+=(-o -name "$pattern")
    done
    find ./*.* ./Makefile ./LICENSE src tests tools docs bench .ci -type d \
        \( -name corpus -o -name node_modules -o -name __pycache__ \) -prune \
        -o -type f \( "${names[@]:1}" \) -print 2>/dev/null | sed 's,^\./,,' | sort -u
}
sources() { files '*.c' '*.h' '*.cpp' '*.def' '*.sh' '*.py' '*.sql' '*.js' '*.mjs' run; }

# Includes that the ladder does not have, and headers that are a room's own business.
check_ladder() {
    find src -name '*.[ch]' -o -name '*.cpp' -o -name '*.def' | sort |
        xargs grep -nE '^#include' | LADDER=$ladder awk '
        BEGIN {
            count = split(ENVIRON["LADDER"], lines, "\n")
            for (i = 1; i <= count; i++) {
                words = split(lines[i], word, /[ |]+/)
                for (j = 2; j <= words; j++) may[word[1], word[j]] = 1
                if (words > 0) known[word[1]] = 1
            }
            split("uv.h uv yyjson.h yyjson llhttp.h llhttp sqlite3.h sqlite3 openssl openssl " \
                "arrow-adbc adbc nanoarrow nanoarrow toml++ toml++ pthread.h pthread", pair, " ")
            for (i = 1; i in pair; i += 2) library[pair[i]] = pair[i + 1]
        }
        {
            split($0, at, ":"); split(at[1], path, "/"); room = path[2]
            target = $0; sub(/^[^<"]*[<"]/, "", target); sub(/[>"].*/, "", target)
            first = target; sub(/\/.*/, "", first)
            own = /"/
            needs = own ? first : library[first]
            if (!(room in known)) print at[1] ":" at[2] ": the ladder has no room " room
            else if (needs != "" && needs != room && !((room, needs) in may))
                print at[1] ":" at[2] ": " room " may not include " target
            else if (own && needs != room && target ~ /\/(inside|state)\.h$/)
                print at[1] ":" at[2] ": " target " is for its own room"
        }'
}

# "room: what it may use", from the ladder and from the table of rooms.
check_architecture() {
    diff <(sed -E '/^$/d; s/\|//; s/ +/ /g; s/ $//' <<<"$ladder" | sort) \
        <(awk -F'|' '/^\| `src\/[a-z]+\/?` \|/ {
            gsub(/`|src\/|\//, "", $2); gsub(/[`,;.]/, "", $4); print $2 " " $4
        }' ARCHITECTURE.md | sed -E 's/ +/ /g; s/^ //; s/ $//; s/ nothing$//' | sort) |
        sed -n 's/^[<>] /ARCHITECTURE.md and the ladder differ about: /p'
}

# The moves a session may make, in the core and in ARCHITECTURE.md.
check_states() {
    diff <(tr -d '\n' <src/core/session.c | grep -oE '\[CORE_[A-Z]+\] = \{"[a-z]+",[^}]*\}' |
        sed -E 's/.*\{"([a-z]+)",/\1/; s/TO\(CORE_([A-Z]+)\)/\L\1/g; s/[|},0]//g') \
        <(sed -n '/^### Session/,/^### /p' ARCHITECTURE.md |
            sed -nE '/state/d; s/^\| ([a-z]+) \|[^|]*\|([a-z, ]*)\|$/\1 \2/p' | tr -d ,) -bB |
        sed -n 's/^[<>] /ARCHITECTURE.md and session.c differ about the moves of: /p'
}

check_sizes() {
    find src -name '*.[ch]' -o -name '*.cpp' | sort |
        xargs awk -v function_max=$function_lines_max -v file_max=$file_lines_max '
        FNR == 1 { start = 0 }
        FNR == file_max + 1 { print FILENAME ": more than " file_max " lines" }
        /^\{/ { start = FNR }
        /^\}/ {
            if (start && FNR - start + 1 > function_max)
                print FILENAME ":" start ": a function of " FNR - start + 1 " lines"
            start = 0
        }'
}

# Nothing is left for later, every source has its licence, plain dashes only.
check_texts() {
    sources | xargs grep -nwE 'TO[D]O|FIX[M]E|X[X]X' | sed 's/:[^:]*$/: unfinished/' || true
    sources | xargs awk 'FNR == 1 { found = 0 } /SPDX-License-Identifier: Apache-2.0$/ { found = 1 }
        FNR == 2 || /^$/ { if (!found) print FILENAME ": has no SPDX line"; nextfile }'
    { sources; files '*.md' 'meson*' Makefile; } | xargs grep -nF $'\u2014' | cut -d: -f1,2 |
        sed 's/$/: an em dash/' || true
}

check_headers() {
    local flags
    flags=$(${PKG_CONFIG:-pkg-config} --cflags libuv sqlite3 libcrypto)
    # shellcheck disable=SC2086
    files '*.h' | xargs -P "$(nproc)" -n 4 ${CC:-cc} -std=c17 -w -fsyntax-only -x c \
        -D_GNU_SOURCE -Isrc -Itests/unit -Itests/fuzz -Itests/sim -isystem "$deps/include" \
        -isystem "$deps/src/yyjson" -isystem "$deps/src/llhttp" -isystem "$deps/src/nanoarrow" $flags 2>&1 |
        sed -n 's/: .*error: /: does not compile alone: /p' | awk -F: '!seen[$1]++' || true
}

# `name.c` and `dir/name.c` in documents are files, `name()` is a function, links lead somewhere.
check_documents() {
    local all names document word
    all=$'\n'$(files '*')$'\n'
    names=$'\n'$(sed 's,.*/,,' <<<"$all" | sort -u)$'\n'
    while read -r document word; do
        case $word in
        *'()')
            grep -rqwE --include='*.[chp]*' "${word%()}" src tests tools ||
                echo "$document: there is no function $word"
            ;;
        *NAME* | *ROOM* | *NNNN* | *'*'* | tools/call | tools/list) ;; # methods of MCP, too
        */*)
            [[ -e $word || -e src/$word || -e ${document%/*}/$word ]] ||
                echo "$document: there is no file $word"
            ;;
        *) [[ $names == *$'\n'$word$'\n'* ]] || echo "$document: there is no file $word" ;;
        esac
    done < <(files '*.md' | while read -r document; do
        {
            grep -oE '`[a-zA-Z0-9_./*-]+\.(c|h|cpp|def|sh|py|sql|md|build|js|mjs|story)`' "$document"
            grep -oE '`(src|tests|tools|docs|bench|\.ci)/[a-zA-Z0-9_./*-]*`' "$document"
            grep -oE '`[a-z_0-9]+\(\)`' "$document"
            grep -oE '\]\([a-zA-Z0-9_./-]+(#[a-z0-9-]*)?\)' "$document" | grep -v '://'
        } | sed -E 's/^\]\(//; s/(#[a-z0-9-]*)?\)$//; s/\($/()/; s/`//g' | sort -u |
            sed "s,^,$document ,"
    done)
}

# README.md's table has the tools there are.
check_tools() {
    diff <(grep -oE '\.name = "[a-z_]+"' src/tools/tool.c | cut -d'"' -f2 | sort) \
        <(sed -n '/^## Tools/,/^## /s/^| \(`[^|]*\) |.*/\1/p' README.md | tr -d '`,' | tr ' ' '\n' | sort) |
        sed -n 's/^[<>] /README.md and tool.c differ about the tool /p'
}

faults=$(check_ladder; check_tools; check_architecture; check_states; check_sizes; check_texts; check_headers; check_documents)
[ -z "$faults" ] || { echo "$faults"; exit 1; }
