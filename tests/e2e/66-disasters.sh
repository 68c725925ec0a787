#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What QEMU does to a guest that moves onto another CPU when nobody looks, and
# that the gates refuse the same move before memory, with the reason.
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
read -ra hugo <<<"$(as hugo)"
uuid=11111111-2222-4333-8444-555555555555
echo 'prove = off' >policy.conf
start_host alpha
start_host beta

pair() { # ACCELERATOR SOURCE-CPU TARGET-CPU
    stop_qemu source
    stop_qemu target
    accel=$1
    start_qemu source -machine pc-q35-7.2 -cpu "$2" -uuid "$uuid"
    start_qemu target -machine pc-q35-7.2 -cpu "$3" -uuid "$uuid" -incoming defer -S
    counts source
}
# As an operator would without us; the source's word on how it ended is in $ended.
move_blindly() {
    rm -f blind
    qmp target migrate-incoming "{\"uri\": \"unix:$dir/blind\"}" >/dev/null
    qmp source migrate "{\"uri\": \"unix:$dir/blind\"}" >/dev/null
    for _ in $(seq 200); do
        ended=$(qmp source query-migrate | jq -r .status)
        case $ended in setup | active | device) sleep 0.05 ;; *) break ;; esac
    done
}
move_guarded() {
    migctl contract record "${hugo[@]}" --agent "${sock[alpha]}" --qemu source.gate >/dev/null ||
        fail "record"
    start gate mig-hook qemu receive "${hugo[@]}" --agent "${sock[beta]}" --qmp target.gate \
        --listen 127.0.0.1:0 --peer hugo
    expect 4 mig-hook qemu send "${hugo[@]}" --agent "${sock[alpha]}" --qmp source.gate \
        --gate "hugo@$where" "$uuid" "${at[beta]}"
    says "the waiting QEMU would not show the guest its CPU" "x86/cpuid/"
    [ "$(state source)" = running ] || fail "the source is $(state source)"
    [ "$(state target)" = inmigrate ] || fail "the target is $(state target)"
    [ "$(qmp target query-migrate | jq -r '.ram.transferred // 0')" = 0 ] || fail "memory moved"
    counts source
    kill "${pids[-1]}"
}

# The guest's CPUID changes between two instructions, and QEMU says "completed".
pair tcg max qemu64
seen=$(sees source)
move_blindly
[ "$ended" = completed ] || fail "QEMU says $ended"
qmp target cont >/dev/null
counts target
[ "$(sees target)" != "$seen" ] || fail "the guest sees the same: no disaster to tell of"
echo "without the gates: '$seen' became '$(sees target)'"
pair tcg max qemu64
move_guarded

# With KVM the target gives up when all memory has moved.
if ! qemu-system-x86_64 -accel kvm -machine none -cpu help >/dev/null 2>&1; then
    echo "note: QEMU can not use KVM here: the disasters of KVM are not shown"
    exit 0
fi
pair kvm host,arch-capabilities=off 486
move_blindly
wait_end=100
while runs target && [ $((wait_end -= 1)) -gt 0 ]; do
    sleep 0.05
done
if runs target; then
    echo "note: with KVM the target takes it all the same"
else
    echo "without the gates, with KVM: source $ended, target '$(tail -n 1 target.err)'"
fi
pair kvm host,arch-capabilities=off 486
move_guarded
