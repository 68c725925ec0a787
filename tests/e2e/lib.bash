# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by every end-to-end test: a folder of its own, a fleet of its own,
# agents on free ports, and nothing left behind.
set -uo pipefail

# shellcheck disable=SC2034 # for the tests
hosts=$MIG_SOURCE/tests/hosts
# shellcheck disable=SC2034
icelake=$hosts/intel-icelake-6.1.json
# shellcheck disable=SC2034
cascadelake=$hosts/intel-cascadelake-6.1.json
# shellcheck disable=SC2034
milan=$hosts/amd-milan-6.1.json
export PATH=$MIG_BUILD/bin:$PATH
# Downloads are kept where this user keeps them ...
MIG_CACHE=$("$MIG_SOURCE/deploy/cache-folder")
export MIG_CACHE
# ... but nothing of the machine's own configuration is used.
export HOME=/nonexistent XDG_CONFIG_HOME='' MIG_CONFIG=/dev/null
unset COLUMNS NO_COLOR

dir=$(mktemp -d "${TMPDIR:-/tmp}/mig-e2e.XXXXXX")
pki=$dir/pki
pids=()

finish() {
    local pid
    for pid in "${pids[@]}"; do
        kill "$pid" 2>/dev/null
    done
    for pid in "${pids[@]}"; do
        wait "$pid" 2>/dev/null
    done
    rm -rf "$dir"
}
trap finish EXIT

fail() {
    echo "FAIL: $*"
    [ ! -s "$dir/out" ] || { echo "-- stdout"; head -n 60 "$dir/out"; }
    [ ! -s "$dir/err" ] || { echo "-- stderr"; head -n 20 "$dir/err"; }
    exit 1
}

requires() { # PROGRAM...
    local program
    for program in "$@"; do
        command -v "$program" >/dev/null || {
            echo "SKIP: $program is not installed"
            exit 77
        }
    done
}

# A fleet: authority, two agents, one operator.
make_fleet() {
    migctl pki init "$pki" >/dev/null || fail "pki init"
    issue agent alpha
    issue agent beta
    issue operator olga
}

issue() { # ROLE NAME [options]
    migctl pki issue "$pki" "$1" "$2" --dns localhost --ip 127.0.0.1 "${@:3}" >/dev/null ||
        fail "pki issue $*"
}

# Options of the one who asks.
as() { # NAME
    printf -- '--ca %s/ca-cert.pem --cert %s/%s-cert.pem --key %s/%s-key.pem' \
        "$pki" "$pki" "$1" "$pki" "$1"
}

# Start COMMAND in the background with its log in NAME.log; sets $where to the
# address that it reports.
start() { # NAME COMMAND...
    local name=$1 try
    shift
    : >"$dir/$name.log" # the last start of that name wrote an address too
    "$@" >"$dir/$name.log" 2>&1 &
    pids+=($!)
    for try in $(seq 200); do
        where=$(sed -n 's/.*listening on //p' "$dir/$name.log" 2>/dev/null | head -n 1)
        [ -z "$where" ] || return 0
        kill -0 "${pids[-1]}" 2>/dev/null || break
        sleep 0.05
    done
    cat "$dir/$name.log"
    fail "$name does not listen (try $try)"
}

# An agent that replays FILE under NAME's certificate.
start_agent() { # NAME FILE [options]
    # shellcheck disable=SC2046
    start "$1" mig-agentd --config /dev/null $(as "$1") --listen 127.0.0.1:0 --replay "$2" "${@:3}"
}

# A puppet (tests/tools) that gives FILE as live evidence of NAME.
start_puppet() { # NAME FILE [what it answers for others]
    start "$1" "$MIG_BUILD/tests/puppet" "$pki/ca-cert.pem" "$pki/$1-cert.pem" "$pki/$1-key.pem" \
        "$2" "${@:3}"
}

# Run COMMAND and insist on its exit status; output goes to out and err.
expect() { # STATUS COMMAND...
    local wanted=$1 got
    shift
    "$@" >"$dir/out" 2>"$dir/err"
    got=$?
    [ "$got" = "$wanted" ] || fail "$*: expected status $wanted, got $got"
}

says() { # TEXT...
    local text
    for text in "$@"; do
        cat "$dir/out" "$dir/err" | tr -s ' \n' ' ' | grep -qF -- "$text" ||
            fail "expected '$text'"
    done
}

says_not() {
    cat "$dir/out" "$dir/err" | tr -s ' \n' ' ' | grep -qF -- "$1" && fail "did not expect '$1'"
    return 0
}

# The answer that jq FILTER gives for the last JSON output.
json() { # FILTER EXPECTED
    local got
    got=$(jq -c "$1" "$dir/out") || fail "no JSON"
    [ "$got" = "$2" ] || fail "$1: expected $2, got $got"
}

# The last JSON output keeps the contract of its kind.
valid() { # SCHEMA
    command -v python3 >/dev/null && python3 -c 'import jsonschema' 2>/dev/null || return 0
    python3 - "$MIG_SOURCE/negotiator/cli/schema/$1.json" "$dir/out" <<'PYTHON' ||
import json, sys
import jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
jsonschema.Draft202012Validator(schema).validate(json.load(open(sys.argv[2])))
PYTHON
        fail "$1: schema"
}
