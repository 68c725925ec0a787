#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Proofs in a row, proofs whose process is killed at any moment, an agent that is
# killed during one: no process, descriptor, VM or memory stays, and the next works.
# shellcheck source-path=SCRIPTDIR source=lib.bash
source "$(dirname "$0")/lib.bash"
requires jq pgrep
if ! [ -r /dev/kvm ] || ! [ -w /dev/kvm ]; then
    echo "SKIP: /dev/kvm can not be used here: proofs are NOT tried"
    exit 77
fi
make_fleet
read -ra me <<<"$(as olga)"

live() { # [options]
    # shellcheck disable=SC2046
    start alpha mig-agentd --config /dev/null $(as alpha) --listen 127.0.0.1:0 "$@"
    agent=${pids[-1]}
    alpha=alpha@$where
}

# Does KVM here do what it is told?  Both are answers; one must come.
prove() { # OUTPUT
    migctl negotiate "${me[@]}" -o json --timeout 20s "$alpha" "$dir/beta.sealed" >"$1" 2>/dev/null
}
answered() { # OUTPUT
    jq -e '.proofs | length == 1 and .[0].error == null and
        (.[0].outcome | . == "held" or . == "not-enforced")' "$1" >/dev/null ||
        { cp "$1" "$dir/out"; fail "no proof"; }
}
descriptors() { find "/proc/$agent/fd" -mindepth 1 | wc -l; }
resident() { awk '/^VmRSS/ {print $2}' "/proc/$agent/status"; }
# Sets $child, as soon as there is one: it lives for some milliseconds.
first_child() {
    local try
    for try in $(seq 3000); do
        read -r child _ <"/proc/$agent/task/$agent/children"
        [ -z "$child" ] || return 0
    done
    : "$try"
}
childless() {
    local try
    for try in $(seq 100); do
        pgrep -P "$agent" >/dev/null || return 0
        sleep 0.05
    done
    fail "a child stays (try $try)"
}

# The other host of the pair is this one on file, under another name.
live
# shellcheck disable=SC2046
mig-agentd snapshot --config /dev/null $(as beta) -o "$dir/beta.sealed" 2>"$dir/err" ||
    fail "no snapshot"
prove "$dir/first" # the exit status is the verdict's
answered "$dir/first"

# A thousand in a row.
for _ in $(seq 20); do
    prove "$dir/one"
done
childless
fds=$(descriptors) rss=$(resident)
for _ in $(seq 490); do
    prove "$dir/one" &
    other=$!
    prove "$dir/two"
    wait $other
done
answered "$dir/one"
answered "$dir/two"
childless
[ "$(descriptors)" = "$fds" ] || fail "descriptors: $fds became $(descriptors)"
[ "$(resident)" -le $((rss + 256)) ] || fail "memory: $rss KiB became $(resident) KiB"

# Its process dies at any moment: the asker is told, the agent goes on.
killed=0
for turn in $(seq 60); do
    prove "$dir/killed" &
    asker=$!
    first_child
    [ $((turn % 6)) = 0 ] || sleep "0.00$((turn % 6))"
    [ -z "$child" ] || ! kill -9 "$child" 2>/dev/null || killed=$((killed + 1))
    wait $asker
done
[ $killed -gt 10 ] || fail "only $killed processes were met alive"
childless
[ "$(descriptors)" = "$fds" ] || fail "descriptors: $fds became $(descriptors) by killing"
prove "$dir/one"
answered "$dir/one"

# So does the agent: nothing of it goes on.
for turn in 1 2 3 4 5 6 7 8; do
    prove "$dir/killed" &
    asker=$!
    first_child
    kill -9 "$agent"
    wait $asker
    for _ in $(seq 100); do
        if [ -z "$child" ] || ! kill -0 "$child" 2>/dev/null; then
            break
        fi
        sleep 0.02
    done
    [ -z "$child" ] || ! kill -0 "$child" 2>/dev/null || fail "turn $turn: $child outlives its agent"
    live
done
prove "$dir/one"
answered "$dir/one"

# A proof that takes too long is killed, and that is its answer.
kill "$agent"
wait "$agent" 2>/dev/null
live --prove-timeout 100ms --kvm /dev/zero
prove "$dir/one"
jq -e '.verdict == "unknown"' "$dir/one" >/dev/null || fail "a device that is no KVM proves"
