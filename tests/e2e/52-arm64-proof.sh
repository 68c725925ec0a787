#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Register sets are tried on the KVM of emulated arm64 hosts: what two hosts have
# in common holds on both, and every other answer of KVM is named, register by
# register.
# shellcheck source-path=SCRIPTDIR source=lib.bash
source "$(dirname "$0")/lib.bash"
# shellcheck source=arm64.bash
source "$(dirname "$0")/arm64.bash"
kernel linux-image-6.12-cloud-arm64

weaker=("$max,sve-max-vq=2" --append "arm64.nobti arm64.nolva")
emulate alpha "$kernel" "$max" "/bin/mig-agentd snapshot --json" &
alpha=$!
emulate beta "$kernel" "${weaker[@]}" "/bin/mig-agentd snapshot --json" &
emulated beta $!
emulated alpha $alpha

# What migctl finds the two have in common, as a guest that booted on it.
mkdir "$dir/sets"
jq . "$dir/alpha/1" >"$dir/sets/alpha"
jq . "$dir/beta/1" >"$dir/sets/beta"
expect 0 migctl baseline --allow-unsigned -o json "$dir/sets/alpha" "$dir/sets/beta"
json '.verdict' '"compatible-on-profile"'
json '.profile.limits["sve-vl"]' '[128,256]'
jq '{apiVersion: "migctl/v1", kind: "Snapshot", arch: "arm64", stamp: {host: "guest"},
     groups: {"kvm-view": {coverage: "full"}, idreg: {coverage: "partial"}, arm64: {coverage: "partial"}},
     registers: (.profile.registers + {"host/sve-vqs": "0x3"})}' "$dir/out" >"$dir/sets/common"

change() { # NAME JQ-FILTER: a set that differs from the common one
    jq "$2" "$dir/sets/common" >"$dir/sets/$1" || fail "$1"
}
change lowered '.registers["arm64/ID_AA64ISAR0_EL1"] = "0x21111110212120"' # without TLB and RNDR
change raised '.registers["arm64/ID_AA64ISAR0_EL1"] = "0x1221111110212121"'
change unknown '.registers["arm64/603000000014000f"] = "0x1"'
change ignored '.registers["arm64/SMCCC_ARCH_WORKAROUND_1"] = "0x0"'
change clock '.registers["host/cntfrq-hz"] = "0x16e3600"'
change holes '.registers["host/sve-vqs"] = "0x2"'
change counters '.registers += {"host/pmu-counters": "0x2"}'
change cache '.registers["arm64/CCSIDR_L1D"] = "0x701fe01a"' # as a CPU tells it
change shortline '.registers["arm64/CCSIDR_L1D"] = "0x1"'
change mte '.registers["arm64/ID_AA64PFR1_EL1"] = "0x320"'
change nosve '.registers["arm64/ID_AA64PFR0_EL1"] = "0x1101001021110222" | .registers["arm64/ID_AA64ZFR0_EL1"] = "0x0"'

all=
files=()
for path in "$dir"/sets/*; do
    files+=(--file "/sets/${path##*/}=$path")
    all+=" /sets/${path##*/}"
done
try() { # HOST CPU [options] COMMAND...
    emulate "$1" "$kernel" "$2" "${files[@]}" "${@:3}"
}
try proof.alpha "$max" "/bin/prove_arm64 prove$all" "/bin/prove_arm64 late /sets/common" \
    "/bin/prove_arm64 capture /sets/common" "/bin/prove_arm64 stuck" &
alpha=$!
try proof.beta "${weaker[@]}" "/bin/prove_arm64 prove$all" "/bin/prove_arm64 capture /sets/common" &
emulated proof.beta $!
emulated proof.alpha $alpha
try proof.no32bit "$max" --append arm64.no32bit_el0 "/bin/prove_arm64 prove /sets/common" &
no32bit=$!
try proof.nosve "$max" --append arm64.nosve "/bin/prove_arm64 prove /sets/nosve /sets/common" &
emulated proof.nosve $!
emulated proof.no32bit $no32bit
try proof.mte "$max" --machine mte=on "/bin/prove_arm64 prove /sets/mte /sets/common" &
mte=$!
try proof.gicv2 "$max" --machine gic-version=2 "/bin/prove_arm64 prove /sets/common" &
emulated proof.gicv2 $!
emulated proof.mte $mte

# The answers of HOST about SET are these lines and no others.
answers() { # HOST SET LINE...
    local host=$1 set=$2
    shift 2
    grep "^$set " "$dir/proof.$host/1" | cut -d ' ' -f 2- >"$dir/out"
    printf '%s\n' "$@" | cmp -s - "$dir/out" || fail "$set on $host: expected: $(printf '\n%s' "$@")"
}

for host in alpha beta; do
    answers $host common "held open 0 ran=1 compared=62"
    answers $host lowered "held open 0 ran=1 compared=62"
    answers $host counters "held open 0 ran=1 compared=63"
    answers $host cache "held open 0 ran=1 compared=62"
    answers $host nosve "held open 0 ran=1 compared=61"
    answers $host beta "held open 0 ran=1 compared=86"
    # Accepted nowhere: EINVAL, ENOENT; accepted and not kept; seen by nobody but a guest.
    answers $host raised "contradicted open 0 ran=1 compared=62" \
        "mismatch idreg arm64/ID_AA64ISAR0_EL1 EINVAL 0x1221111110212121 0x1221111110212120"
    answers $host shortline "contradicted open 0 ran=1 compared=62" \
        "mismatch cache arm64/CCSIDR_L1D EINVAL 0x1 0x2"
    answers $host unknown "contradicted open 0 ran=1 compared=63" \
        "mismatch firmware arm64/603000000014000f ENOENT 0x1 -"
    answers $host ignored "contradicted open 0 ran=1 compared=62" \
        "mismatch read-back arm64/SMCCC_ARCH_WORKAROUND_1 0 0x0 0x2"
    answers $host clock "contradicted open 0 ran=1 compared=63" \
        "mismatch guest host/cntfrq-hz 0 0x16e3600 0x3b9aca0"
done
answers alpha holes "contradicted open 0 ran=1 compared=62" \
    "mismatch vector-lengths host/sve-vqs EINVAL 0x2 0xffff"

# All that the stronger one has, on itself and on the weaker one.
answers alpha alpha "held open 0 ran=1 compared=86"
answers beta alpha "contradicted open 0 ran=1 compared=86" \
    "mismatch idreg arm64/ID_AA64PFR1_EL1 EINVAL 0x21 0x20" \
    "mismatch idreg arm64/ID_AA64MMFR0_EL1 EINVAL 0x32310201126 0x32300201125" \
    "mismatch idreg arm64/ID_AA64MMFR2_EL1 EINVAL 0x1021011010011011 0x1021011010001011" \
    "mismatch vector-lengths host/sve-vqs EINVAL 0xffff 0x3" \
    "mismatch open host/ipa-bits EINVAL 0x34 0x30"

# Registers of 32-bit code where there is none: taken, and not kept.
grep -q '^common contradicted .* ran=1 ' "$dir/proof.no32bit/1" || fail "no32bit: no answer"
grep -c '^common mismatch read-back arm64/\(ID_\(PFR\|MMFR\|ISAR\)\|MVFR\)[0-9]_EL1 0 0x[0-9a-f]* 0x0$' \
    "$dir/proof.no32bit/1" >"$dir/out"
says 19
grep -v ' read-back ' "$dir/proof.no32bit/1" >"$dir/out"
says "common mismatch idreg arm64/ID_AA64PFR0_EL1 EINVAL 0x1101001121110222 0x1101001121110221"
[ "$(wc -l <"$dir/out")" = 2 ] || fail "no32bit: more than that"

# A feature that the host refuses is told, and the rest is tried without it.
answers nosve nosve "held open 0 ran=1 compared=61"
grep '^common ' "$dir/proof.nosve/1" | cut -d ' ' -f 2- >"$dir/out"
says "contradicted open 0 ran=1 compared=62" "mismatch vcpu-init host/vcpu-features EINVAL 0x7c 0x6c" \
    "mismatch idreg arm64/ID_AA64PFR0_EL1 EINVAL" "mismatch idreg arm64/ID_AA64ZFR0_EL1 EINVAL"

# A capability of the VM, on a host that has it and on one that has not.
answers mte mte "held open 0 ran=1 compared=62"
answers mte common "held open 0 ran=1 compared=62"
answers alpha mte "contradicted open 0 ran=1 compared=62" \
    "mismatch capability arm64/ID_AA64PFR1_EL1 EINVAL 0x320 -" \
    "mismatch idreg arm64/ID_AA64PFR1_EL1 EINVAL 0x320 0x21"

# Another interrupt controller, and the fields that tell of it.
answers gicv2 common "contradicted open 0 ran=1 compared=62" \
    "mismatch idreg arm64/ID_PFR1_EL1 EINVAL 0x10011001 0x11001" \
    "mismatch idreg arm64/ID_AA64PFR0_EL1 EINVAL 0x1101001121110222 0x1101001120110222" \
    "mismatch open host/gic-types ENODEV 0x2 0x1"

# Too late: each register that would change, and no other.
awk '$2 == "mismatch" && $3 == "idreg" {print $4, $5}' "$dir/proof.alpha/2" >"$dir/out"
says "arm64/ID_AA64PFR1_EL1 EBUSY" "arm64/ID_AA64MMFR2_EL1 EBUSY"
! grep -qv ' EBUSY$' "$dir/out" || fail "after the first run KVM says otherwise than EBUSY"
! grep -q 'MIDR_EL1\|ISAR0' "$dir/out" || fail "a register that stays is refused"

# A vCPU that was shown the common set tells it, alike on both.
cmp "$dir/proof.alpha/3" "$dir/proof.beta/2" || fail "captures of one guest on two hosts differ"
cp "$dir/proof.alpha/3" "$dir/out"
valid snapshot
json '[.registers["host/sve-vqs"], .registers["host/vcpu-features"]]' '["0x3","0x7c"]'
jq -s -e '.[0].registers as $shown | .[1].registers as $captured |
    [$shown | to_entries[] | select(.value != null and $captured[.key] != .value)] == []' \
    "$dir/sets/common" "$dir/out" >/dev/null || fail "the capture is not what was shown"

# Its own limit ends a guest that never ends.
cp "$dir/proof.alpha/4" "$dir/out"
says "stuck ETIMEDOUT"
