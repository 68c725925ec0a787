#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A guest of Cloud Hypervisor moves through two gates: what is not the guest of
# the contract stops, and whoever goes away, the guest is in one place.  The
# VMMs are peers that speak the protocol (tests/tools/chv.c), not the program.
# shellcheck source=tests/e2e/lib.bash
. "$MIG_SOURCE/tests/e2e/lib.bash"
requires jq pgrep
cd "$dir" || exit 1
# shellcheck source=tests/e2e/move.bash
. "$MIG_SOURCE/tests/e2e/move.bash"
requires_kvm
make_fleet
issue hook hugo
# The guest is made up: nobody can say more of its VM than how many vCPUs it has.
printf 'prove = off\ntolerate = guest, tsc\n' >policy.conf

guests=0
start_host alpha
start_host beta
# shellcheck disable=SC2046
migctl baseline $(as olga) -o json "${at[alpha]}" >profile.json || fail "baseline"
jq '{apiVersion: "migctl/v1", kind: "Contract", vm: "web",
    shown: {arch: "x86-64",
        groups: {cpuid: {coverage: "full"}, msr: {coverage: "full"}, tsc: {coverage: "partial"}},
        registers: ((.profile.registers | with_entries(select(.value != null))) +
            {"guest/vcpus": "0x2"}),
        unreadable: {}, facts: {"vmm.name": {value: "cloud-hypervisor"}}}}' profile.json >web.json

peer="$MIG_BUILD/tests/chv"
read -ra hugo <<<"$(as hugo)"
# A guest of alpha, a VMM that waits, and both gates before them.
ready() { # [NAME=VALUE of the receiver]
    vm=web$((++guests))
    jq ".vm = \"$vm\"" web.json >guest.json
    migctl contract record "${hugo[@]}" --agent "${sock[alpha]}" --from guest.json --instance 1 \
        >/dev/null || fail "record"
    start receiver "$peer" receive web.json "$dir/vmm" "$@"
    receiver=${pids[-1]}
    start receive mig-hook cloud-hypervisor receive "${hugo[@]}" --agent "${sock[beta]}" \
        --vmm "unix:$dir/vmm" --listen 127.0.0.1:0 --peer hugo
    gate=hugo@$where receive=${pids[-1]}
    start send mig-hook cloud-hypervisor send "${hugo[@]}" --agent "${sock[alpha]}" \
        --gate "$gate" --listen "unix:$dir/gate" "$vm" "${at[beta]}"
    send=${pids[-1]}
}
sends() { # [NAME=VALUE of the sender]
    "$peer" send web.json "$dir/gate" "$@" >sender.log 2>&1 &
    sender=$!
    pids+=("$sender")
}
# A peer is in the middle of memory; sets $child to the process that speaks.
stopped() { # PEER
    local try
    for try in $(seq 200); do
        child=$(pgrep -P "${!1}")
        [ -n "$child" ] && grep -q '^State:.T' "/proc/$child/status" && return 0
        sleep 0.05
    done
    fail "$1 does not stop (try $try): $(cat send.log receive.log)"
}
ended() { # SENDER RECEIVER: how they did, by what they were told
    wait "$sender" "$receiver" "$send" "$receive" 2>/dev/null
    [ "$(tail -n 1 sender.log) $(tail -n 1 receiver.log)" = "$1 $2" ] ||
        fail "expected $1 $2: $(tail -n 99 sender.log receiver.log send.log receive.log)"
}
status() { # GATE STATUS
    local got
    wait "${!1}" 2>/dev/null
    got=$?
    [ "$got" = "$2" ] || fail "$1: status $got, expected $2: $(cat "$1.log")"
}
tells() { # GATE TEXT...
    local text
    for text in "${@:2}"; do
        tr -s ' \n' ' ' <"$1.log" | grep -qF -- "$text" ||
            fail "$1 does not say '$text': $(cat "$1.log")"
    done
}
standing() { # HOST
    migctl contract list "${hugo[@]}" --agent "${sock[$1]}" -o json |
        jq -r '.contracts[] | select(.vm == "'"$vm"'") | .state'
}
stayed() {
    [ "$(standing alpha)" = active ] || fail "alpha's contract is $(standing alpha)"
    [ "$(standing beta)" != active ] || fail "beta's contract is active"
}
moves() {
    ready
    sends
    ended "done" "done"
    status send 0
    status receive 0
    [ "$(standing alpha)" = retired ] || fail "alpha's contract is $(standing alpha)"
    [ "$(standing beta)" = active ] || fail "beta's contract is $(standing beta)"
}

moves
tells send "$vm runs on beta now"
tells receive "Config is that of the contract" "State is that of the contract"

# What is not the guest of the contract: before memory, and after it.  The
# source's VMM hears the error, the destination's lets go.
vetoed() { # REASON [NAME=VALUE of the sender]
    ready
    sends "${@:2}"
    ended error aborted
    status send 4
    status receive 4
    tells send "$1"
    tells receive "alpha: peer refused: $1"
    stayed
}
vetoed "guest/vcpus: contract 0x2, guest 0x3" count=3
tells send ": 0 bytes of memory went by: refused"
vetoed "x86/cpuid/1.0/edx/15 (cmov): contract 0x1, guest 0x0" table=-cmov
vetoed "x86/cpuid/1.0/edx/15 (cmov): contract 0x1, guest 0x0" vcpus=-cmov
tells receive "bytes of memory went by: failed"

# What one tunnel does not carry.
vetoed "source: MemoryFd: no descriptor came with slot 0" local=1
ready
sends connections=1
ended lost aborted
status send 4
tells send "it opened another connection, and one connection is carried: connections=1"
stayed

# Whoever goes in the middle of memory.
ready stop=4
sends
stopped receiver
kill -9 "$receive"
wait "$sender"
status send 5
kill -CONT "$child"
ended error half # nobody is left to tell the receiver, whose connection closed
tells send "destination: closed the connection during Memory"
stayed
ready stop=4
sends
stopped receiver
kill -9 "$send"
wait "$sender"
kill -CONT "$child"
ended lost aborted
status receive 5
tells receive "source: closed the connection during Memory"
stayed
ready
sends stop=6
stopped sender
kill -9 "$child"
ended killed aborted
status send 4
tells send "source: closed the connection"
stayed
ready stop=4
sends
stopped receiver
kill -9 "$child"
ended error killed
status send 4
tells send "beta: peer refused: destination: closed the connection during Memory"
stayed

# The destination's agent is asked once more before State passes.
ready stop=4
sends
stopped receiver
kill -9 "${agent[beta]}"
kill -CONT "$child"
ended error aborted
status send 4
tells send "before the guest stopped for good"
[ "$(standing alpha)" = active ] || fail "alpha's contract is $(standing alpha)"
start_host beta

# No VMM waits; a wrong address; another guest of alpha.
no() { # STATUS TEXT [options]
    expect "$1" mig-hook cloud-hypervisor send "${hugo[@]}" --agent "${sock[alpha]}" \
        --gate "$gate" --listen "unix:$dir/gate" "${@:3}" "${at[beta]}"
    says "$2"
}
rm -f vmm
start receive mig-hook cloud-hypervisor receive "${hugo[@]}" --agent "${sock[beta]}" \
    --vmm "unix:$dir/vmm" --listen 127.0.0.1:0 --peer hugo
gate=hugo@$where receive=${pids[-1]}
no 4 "no contract of 'other' is stored" other
no 5 "beta: peer refused: no VMM waits in receive-migration: unix:$dir/vmm: No such file" "$vm"
kill -0 "$receive" || fail "the gate did not wait for the next one"
stayed
expect 2 mig-hook cloud-hypervisor send "${hugo[@]}" --gate "$gate" --listen 192.0.2.1:1 web beta
says "--listen 192.0.2.1:1: expected unix:/PATH or a loopback address"

# And after all that it moves.
moves
