#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A running guest of QEMU moves between two hosts through the gates: it counts
# on and sees the same CPUID; what is not agreed on stops before memory.
# shellcheck source=tests/e2e/lib.bash
. "$MIG_SOURCE/tests/e2e/lib.bash"
requires jq
cd "$dir" || exit 1
# shellcheck source=tests/e2e/move.bash
. "$MIG_SOURCE/tests/e2e/move.bash"
requires_kvm
# shellcheck source=tests/e2e/qemu.bash
. "$MIG_SOURCE/tests/e2e/qemu.bash"
make_fleet
issue hook hugo
uuid=11111111-2222-4333-8444-555555555555

echo 'prove = off' >policy.conf
start_host alpha
start_host beta

record() { # NAME: the contract of its guest, kept by alpha
    # shellcheck disable=SC2046
    migctl contract record $(as hugo) --agent "${sock[alpha]}" --qemu "$1.qmp" >/dev/null ||
        fail "record $1"
}
receive() { # NAME [options]: a gate before it; sets $gate and $receiver
    # shellcheck disable=SC2046
    start "$1-gate" mig-hook qemu receive $(as hugo) --agent "${sock[beta]}" --qmp "$1.gate" \
        --listen 127.0.0.1:0 --peer hugo "${@:2}"
    gate=hugo@$where receiver=${pids[-1]}
}
read -ra hugo <<<"$(as hugo)"
sends() { # [options]: the words of the sending gate
    words=(mig-hook qemu send "${hugo[@]}" --agent "${sock[alpha]}" --qmp source.gate --gate "$gate" \
        "$@" "$uuid" "${at[beta]}")
}
# shellcheck disable=SC2120
send() { # [options]
    sends "$@"
    "${words[@]}"
}
standing() { # HOST
    contracts "$1" |
        jq -r '.contracts[] | select(.vm == "'$uuid'") | .state'
}

cpu=(-machine pc-q35-7.2 -cpu "Nehalem,vendor=GenuineIntel" -uuid "$uuid")
ready() { # [arguments of the source]: a fresh pair, with a gate before the target
    stop_qemu source
    stop_qemu target
    start_qemu source "${@:-${cpu[@]}}"
    record source
    start_qemu target "${cpu[@]}" -incoming defer -S
    receive target
    counts source
}
# The guest goes on at the target and nowhere else.
arrived() {
    wait "$receiver" || fail "receive"
    counts target
    [ "$(state source)" = postmigrate ] || fail "the source is $(state source)"
    [ "$(standing alpha)" = retired ] || fail "alpha's contract is $(standing alpha)"
    [ "$(standing beta)" = active ] || fail "beta's contract is $(standing beta)"
}
# It goes on at the source, no target stays half open, and the contract is alpha's.
stayed() {
    [ "$(state source)" = running ] || fail "the source is $(state source)"
    counts source
    for _ in $(seq 100); do
        runs target || break
        sleep 0.05
    done
    ! runs target || [ "$(state target)" = inmigrate ] || fail "the target is $(state target)"
    # A gate that approved nothing waits for the next one, the others have ended.
    runs target || wait "$receiver"
    [ "$(standing alpha)" = active ] || fail "alpha's contract is $(standing alpha)"
}

# The move.
ready
seen=$(sees source) counted=$(count source)
# shellcheck disable=SC2119
send >out 2>err || fail "send"
says "$uuid may move from alpha to beta" "$uuid runs on beta now"
arrived
[ "$(sees target)" = "$seen" ] || fail "the guest sees $(sees target), and saw $seen"
[ "$(count target)" -ge "$counted" ] || fail "the guest did not go on"

# By a command that QEMU starts, and by a socket that QEMU comes to.
capabilities() { # NAME...: on at the source
    qmp source migrate-set-capabilities "$(printf '%s\n' "$@" |
        jq -Rn '{capabilities: [inputs | {capability: ., state: true}]}')" >/dev/null
}
needed=(return-path pause-before-switchover validate-uuid)
ready
capabilities "${needed[@]}"
# shellcheck disable=SC2046
cat >send.sh <<SEND
#!/bin/sh
exec mig-hook qemu send $(as hugo) --agent ${sock[alpha]} --qmp $dir/source.gate \
    --gate $gate --stream - $uuid ${at[beta]} 2>$dir/exec.log
SEND
chmod +x send.sh
qmp source migrate "{\"uri\": \"exec:$dir/send.sh\"}" >/dev/null
arrived
ready
sends --stream "unix:$dir/stream"
start stream "${words[@]}"
sender=${pids[-1]}
capabilities "${needed[@]}"
qmp source migrate "{\"uri\": \"unix:$dir/stream\"}" >/dev/null
wait "$sender" || fail "send over a socket"
arrived
ready
qmp source migrate-set-capabilities '{"capabilities": [{"capability": "multifd", "state": true}]}' >/dev/null
expect 4 send
says "multifd is on, and the gate carries one channel"
stayed
expect 2 send --stream 192.0.2.1:1
says "expected -, unix:/PATH or a loopback address"

# Another guest, another machine: stopped before memory, and the guest that was
# agreed on goes on.
ready -machine pc-q35-7.2 -cpu Nehalem -uuid 99999999-2222-4333-8444-555555555555
expect 4 send
says "wrong VM: UUID 99999999-2222-4333-8444-555555555555, expected $uuid"
stayed

ready -machine pc-i440fx-7.2 -cpu "Nehalem,vendor=GenuineIntel" -uuid $uuid
expect 4 send
says "machine"
stayed

# Strangers cost a gate nothing.
ready
port=${gate##*:}
exec 9<>"/dev/tcp/127.0.0.1/$port" && echo hello >&9
exec 9>&-
read -ra olga <<<"$(as olga)"
expect 4 mig-hook qemu send "${olga[@]}" --agent "${sock[alpha]}" --qmp source.gate --gate "$gate" \
    "$uuid" "${at[beta]}"
# shellcheck disable=SC2119
send >out 2>err || fail "send after strangers"
arrived

# The disaster that QEMU passes silently: a target that shows another CPU.
ready -machine pc-q35-7.2 -cpu max -uuid $uuid
expect 4 send
says "the waiting QEMU would not show the guest its CPU" "export --qemu"
stayed

# What breaks on the way.  At 40 kB a second even an empty guest takes seconds.
slow() {
    ready
    qmp source migrate-set-parameters '{"max-bandwidth": 40000}' >/dev/null
    sends
    "${words[@]}" >out 2>err &
    sender=$!
    for _ in $(seq 200); do
        [ "$(qmp source query-migrate | jq -r .status)" = active ] && return 0
        sleep 0.02
    done
    fail "no memory moves"
}
fast() { qmp source migrate-set-parameters '{"max-bandwidth": 1000000000}' >/dev/null; }
failed() { # STATUS... of the sender: which one, may be a matter of who heard it first
    local got
    wait "$sender"
    got=$?
    [[ " $* " = *" $got "* ]] || fail "sender: expected status $*, got $got"
}
slow
kill -9 "$receiver"
failed 4 5
stayed
slow
kill -9 "$sender"
failed 137
stayed
slow
kill -9 "${qemu[target]}"
failed 4 5
stayed
slow # the source's QEMU dies: nothing is left to go on, and no target stays
kill -9 "${qemu[source]}"
failed 4 5
wait "$receiver"
wait "${qemu[target]}"
slow # the destination's agent: the second check can not be made
kill -9 "${agent[beta]}"
fast
failed 4
says "before the guest stopped for good: beta"
stayed
start_host beta
# All of it again, after all that.
ready
# shellcheck disable=SC2119
send >out 2>err || fail "send after all"
arrived
