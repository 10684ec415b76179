#!/bin/sh
# Makes what the image holds beside its base: the locked packages and the operator, ready to be
# imported from one folder. The Dockerfile runs this, and so does tests/cluster/test_image.py.
#
#   build.sh wheels WHEELS            download every locked wheel for $TARGETARCH (needs a package registry)
#   build.sh lay WHEELS FOLDER        lay them and the operator into an empty folder (needs no network)
#
# PYTHON names the interpreter that builds; the image's own must be of the same minor version.
# TARGETARCH is amd64 or arm64, as BuildKit names them: nothing is compiled, so that a machine of
# either kind makes both.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
python=${PYTHON:-python3}
# Where the image keeps the folder: what Python remembers of a file's place must not be where it was built.
place=/opt/aisearch-operator

# What is built is the same whatever the user's shell and pip.conf say; PIP_INDEX_URL may name a mirror.
unset PYTHONHOME PYTHONPATH PIP_TARGET PIP_PREFIX
export PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore
export PYTHONDONTWRITEBYTECODE=1
# Times in a wheel's archive; 1980 is the first year that a zip file knows.
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-315532800}"

fail() { printf 'error: %s\n' "$*" >&2; exit 1; }
usage() { fail "usage: TARGETARCH=amd64|arm64 $0 wheels WHEELS | lay WHEELS FOLDER"; }

case ${TARGETARCH:-} in
    amd64) machine=x86_64 ;;
    arm64) machine=aarch64 ;;
    *) fail "TARGETARCH is amd64 or arm64, not '${TARGETARCH:-}'" ;;
esac
# All that a glibc of 2.28 or newer can load: the base image's is newer.
platforms="--platform manylinux_2_28_$machine --platform manylinux_2_17_$machine --platform manylinux2014_$machine"

download() {
    mkdir -p "$1"
    for lock in run build; do
        # shellcheck disable=SC2086  # $platforms is several arguments
        "$python" -m pip download --quiet --no-deps --only-binary :all: --require-hashes $platforms \
            --requirement "$root/requirements/$lock.txt" --dest "$1"
    done
}

lay() {
    wheels=$1 folder=$2
    mkdir -p "$folder"
    [ -z "$(ls -A "$folder")" ] || fail "$folder is not empty"
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT

    "$python" -m pip install --quiet --no-index --find-links "$wheels" --no-deps --no-compile --require-hashes \
        --requirement "$root/requirements/build.txt" --target "$work/tools"
    (cd "$root" && PYTHONPATH="$work/tools" "$python" -m hatchling build --target wheel --directory "$work/operator" >"$work/log" 2>&1) ||
        { cat "$work/log" >&2; fail "the operator's wheel was not built"; }

    # shellcheck disable=SC2086
    "$python" -m pip install --quiet --no-index --find-links "$wheels" --no-deps --no-compile --require-hashes \
        --only-binary :all: $platforms --requirement "$root/requirements/run.txt" --target "$folder"
    rm -rf "${folder:?}/bin"  # scripts that name the building interpreter
    "$python" -m pip install --quiet --no-index --find-links "$work/operator" --no-deps --no-compile \
        --target "$folder" aisearch-operator
    rm -rf "${folder:?}/bin"
    sed -i '/^\.\.\/\.\.\/bin\//d' "$folder"/*.dist-info/RECORD  # their digests, which the interpreter's path is in

    # On a read-only file system nobody compiles later. By hash and unchecked: no time of this build gets in, and no
    # source is looked at.
    "$python" -m compileall -q --invalidation-mode unchecked-hash -s "$folder" -p "$place" "$folder"
    chmod -R a+rX,go-w "$folder"
}

case "$#:${1:-}" in
    2:wheels) download "$2" ;;
    3:lay) lay "$2" "$3" ;;
    *) usage ;;
esac
