#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A guest that QEMU emulates is judged by what the destination's own QEMU shows,
# not by the hosts' KVM: recorded, agreed upon, and refused by the register.
# shellcheck source=tests/e2e/lib.bash
. "$MIG_SOURCE/tests/e2e/lib.bash"
requires jq qemu-system-x86_64
cd "$dir" || exit 1
# shellcheck source=tests/e2e/move.bash
. "$MIG_SOURCE/tests/e2e/move.bash"
make_fleet
issue agent gamma
issue hook hugo
# Nothing is tolerated, and the word against proofs does not make an emulated
# guest a yes.
printf 'prove = off\n' >policy.conf

start_host alpha --prove-timeout 60s
start_host beta --prove-timeout 60s
start_host gamma --prove-timeout 60s --qemu "$dir/no-such-qemu"
hook() { # HOST VERB [arguments]
    # shellcheck disable=SC2046
    mig-hook "$2" $(as hugo) --agent "${sock[$1]}" --timeout 60s "${@:3}"
}

# A guest that waits with QMP on ./qmp.
boot() { # OPTIONS...
    rm -f qmp
    qemu-system-x86_64 -display none -nodefaults -S -m 64 -accel tcg \
        -qmp unix:qmp,server=on,wait=off "$@" 2>guest.log &
    guest=$!
    pids+=("$guest")
    for _ in $(seq 400); do
        [ ! -S qmp ] || return 0
        sleep 0.05
    done
    fail "guest $*"
}
halt() {
    kill "$guest" 2>/dev/null
    wait "$guest" 2>/dev/null
}

number=0
record=$MIG_BUILD/tests/record_qemu
while read -r machine smp cpu; do
    number=$((number + 1))
    boot -machine "$machine" -smp "$smp" -cpu "$cpu" -name "web$number"
    # shellcheck disable=SC2046
    expect 0 migctl contract record $(as hugo) --agent "${sock[alpha]}" --qemu qmp
    expect 0 hook alpha agree "web$number" "${at[beta]}" -o "web$number.agreement"
    says "web$number instance" "from alpha to beta"
    halt
    # The arguments for it start a QEMU that shows the same.
    # shellcheck disable=SC2046
    migctl contract show $(as olga) --agent "${sock[alpha]}" "web$number" -o json >"web$number.json" ||
        fail "show"
    expect 0 migctl contract export --qemu --allow-unsigned "web$number.json"
    mapfile -t arguments <out
    boot "${arguments[@]}" -incoming defer
    expect 0 "$record" incoming qmp --contract "web$number.json"
    halt
done <<'GUESTS'
q35 2 qemu64
pc 1 max
q35 1 Nehalem,+aes
q35 4,sockets=1,cores=2,threads=2 EPYC
GUESTS

# Without the model's name QEMU's empty one serves, as far as arguments reach.
jq 'del(.shown.facts["qemu.cpu.type"])' web4.json >nameless.json
expect 0 migctl contract export --qemu --allow-unsigned -o json nameless.json
valid qemu-arguments
cp out nameless.arguments
mapfile -t arguments < <(jq -r '.arguments[]' nameless.arguments)
boot "${arguments[@]}" -incoming defer
expect 1 "$record" incoming qmp --contract nameless.json
halt
cut -d: -f1 out | sort -u >differences
jq -r '.unexpressed[]' nameless.arguments | sed 's, .*,,; s,/[0-9]*$,,' | sort -u >unexpressed
[ -z "$(comm -23 differences unexpressed)" ] || fail "more differs: $(comm -23 differences unexpressed)"
expect 2 migctl contract export --allow-unsigned web4.json
says "expected --qemu"
expect 2 migctl contract export --qemu --qemu-version new --allow-unsigned web4.json
says "expected a version"

# Asked by an operator, with the reason first where no proof can come.
# shellcheck disable=SC2046
expect 0 migctl contract check -v $(as olga) --agent "${sock[alpha]}" --no-prove --timeout 60s web4 \
    "${at[beta]}"
says "compatible" "proved that it shows this emulated guest what it was shown"
# shellcheck disable=SC2046
migctl snapshot get $(as olga) "${at[beta]}" >beta.snapshot || fail "snapshot"
# shellcheck disable=SC2046
expect 4 migctl contract check $(as olga) --allow-unsigned web4.json beta.snapshot
says "unknown" "vmm/emulated" "only a proof by that of beta can tell"

# One bit that QEMU does not show with that model is named; so is what is missing.
changed() { # VM jq-FILTER
    jq ".vm = \"$1\" | $2" web4.json >"$1.json"
    # shellcheck disable=SC2046
    expect 0 migctl contract record $(as hugo) --agent "${sock[alpha]}" --from "$1.json"
}
changed bit '.shown.registers["x86/cpuid/80000005.0/ecx"] = "0x1"'
expect 4 hook alpha agree bit "${at[beta]}"
says "verdict 'incompatible'" "proof/x86/cpuid/80000005.0/ecx" "a guest on beta was to see 0x1 and sees 0x"
changed msr '.shown.registers["x86/msr/345"] = "0x2000"'
expect 4 hook alpha agree msr "${at[beta]}"
says "verdict 'incompatible'" "proof/x86/msr/345" "was to see 0x2000 and sees 0x0"
changed old '.shown.facts["vmm.machine-type"].value = "pc-q35-99.0"'
expect 4 hook alpha agree old "${at[beta]}"
says "verdict 'unknown'" "has no machine type pc-q35-99.0"
changed new '.shown.facts["qemu.cpu.type"].value = "Moonlake-x86_64-cpu"'
expect 4 hook alpha agree new "${at[beta]}"
says "verdict 'unknown'" "has no CPU model Moonlake-x86_64-cpu"
expect 4 hook alpha agree web4 "${at[gamma]}"
says "verdict 'unknown'" "no-such-qemu: No such file or directory"

# Read back: a QEMU that waits for the guest shows what it was shown, or each
# difference is named.
uuid=1b4e28ba-2fa1-11d2-883f-0016d3cca427
boot -machine q35 -smp 2 -cpu Nehalem,+aes -uuid $uuid
expect 0 "$record" qmp qmp
cp out here.json
expect 4 "$record" incoming qmp --contract here.json
says "expected inmigrate"
halt
boot -machine q35 -smp 2 -cpu Nehalem,+aes -uuid $uuid -incoming defer
expect 0 "$record" incoming qmp --contract here.json
[ ! -s out ] || fail "differences where there are none"
expect 4 "$record" qmp qmp
says "has not arrived"
halt
boot -machine q35 -smp 1 -cpu Nehalem,-popcnt,stepping=4 -uuid ${uuid%7}8 -incoming defer
expect 1 "$record" incoming qmp --contract here.json
says "guest/vcpus: the guest has 2, the QEMU that waits for it 1" "guest/uuid: that of the guest is $uuid" \
    "x86/cpuid/1.0/ecx: the guest was shown 0x" "x86/cpuid/1.0/eax: the guest was shown 0x106a3, the QEMU that waits for it shows 0x106a4"
cut -d: -f1 out | sort >differences
printf '%s\n' guest/cores guest/uuid guest/vcpus x86/cpuid/1.0/eax x86/cpuid/1.0/ecx \
    x86/cpuid/80000001.0/eax | sort >expected
diff expected differences >err || fail "other differences"
halt
boot -machine pc -smp 2 -cpu Nehalem,+aes -uuid $uuid -incoming defer
expect 1 "$record" incoming qmp --contract here.json
says "vmm/machine-type: that of the guest is pc-q35-"
halt
