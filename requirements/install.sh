#!/bin/sh
# Lays the development environment into .venv from requirements/dev.txt, with
# nothing but a Python and its bundled pip. `make` runs it when the lock changed.
# PYTHON names the interpreter; without it the first one that is new enough is taken.
set -eu
cd "$(dirname "$0")/.."

# The environment is .venv's alone, whatever the user's shell and pip.conf say.
unset PYTHONHOME PYTHONPATH PIP_TARGET PIP_PREFIX
export PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

step() { printf '→ %s\n' "$*" >&2; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }
works() { "$1" -c "$2" >/dev/null 2>&1; }

is_new_enough='import sys; sys.exit(sys.version_info < (3, 11))'

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        works "$PYTHON" '' || fail "PYTHON=$PYTHON does not run; give the path of a Python 3.11 or newer: make PYTHON=/path/to/python3"
        works "$PYTHON" "$is_new_enough" || fail "PYTHON=$PYTHON is $("$PYTHON" --version 2>&1), and 3.11 or newer is needed: make PYTHON=/path/to/python3"
        printf '%s\n' "$PYTHON"
        return
    fi
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        if works "$candidate" "$is_new_enough"; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    fail "no Python 3.11 or newer on PATH; install one (Debian, Ubuntu: apt install python3 python3-venv) or name it: make PYTHON=/path/to/python3"
}

if ! works .venv/bin/python "$is_new_enough; import pip"; then
    python=$(find_python)
    works "$python" 'import ensurepip, venv' ||
        fail "$python lacks the modules venv and ensurepip; install them (Debian, Ubuntu: apt install python3-venv) or name another Python: make PYTHON=/path/to/python3"
    step "creating .venv with $("$python" --version 2>&1)"
    "$python" -m venv --clear .venv
fi

step "installing $(grep -c '==' requirements/dev.txt) locked packages into .venv (about half a minute)"
.venv/bin/python -m pip install --quiet --retries 2 --progress-bar off \
    --only-binary :all: --require-hashes --requirement requirements/dev.txt ||
    fail "the packages of requirements/dev.txt could not be installed, see pip's message above; it needs a package registry within reach (behind a proxy set HTTPS_PROXY, for a mirror PIP_INDEX_URL), then run make again"

step "installing the operator itself, editable"
.venv/bin/python -m pip install --quiet --no-index --no-deps --no-build-isolation --editable . ||
    fail "the project itself could not be installed into .venv, see pip's message above"
