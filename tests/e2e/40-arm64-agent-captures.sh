#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The agent on arm64: Debian kernels boot on emulated processors that have EL2,
# where KVM is the real one.
# shellcheck source-path=SCRIPTDIR source=lib.bash
source "$(dirname "$0")/lib.bash"
# shellcheck source=arm64.bash
source "$(dirname "$0")/arm64.bash"

migctl pki init "$pki" >/dev/null || fail "pki init"
issue agent new
issue agent old
kernel linux-image-6.12-cloud-arm64
new=$kernel
kernel linux-image-cloud-arm64
old=$kernel

boot() { # NAME KERNEL CPU [options]
    emulate "$1" "${@:2}" --file "/ca.pem=$pki/ca-cert.pem" --file "/cert.pem=$pki/$1-cert.pem" \
        --file "/key.pem=$pki/$1-key.pem" "/bin/mig-agentd snapshot --json" \
        "/bin/mig-agentd snapshot --json" \
        "/bin/mig-agentd snapshot --ca /ca.pem --cert /cert.pem --key /key.pem" \
        "/bin/arm64_restore dump all"
}

booted() { # NAME PID
    emulated "$1" "$2"
    expect 0 migctl snapshot verify "$dir/$1/3" --ca "$pki/ca-cert.pem"
    says "good signature of agent '$1'"
    cmp "$dir/$1/1" "$dir/$1/2" || fail "two captures of one host differ"
    [ "$(stat -c %s "$dir/$1/3")" -lt 32768 ] || fail "a sealed snapshot has 32 KiB or more"
    # What the last JSON checks look at.
    cp "$dir/$1/1" "$dir/out"
    valid snapshot
    json '.arch' '"arm64"'
    json '.unreadable' '{}'
    json '[.groups[] | select(.coverage != "none" and .source == null)]' '[]'
    json '[.facts[] | select(.source == null)]' '[]'
    json '[.registers | keys[] | select(startswith("arm64/reg-list/6030000000100"))]' '[]'
    # KVM itself answers as the tables predict.
    jq -c '.facts | to_entries[] | select(.key | startswith("kvm.oracle"))' "$dir/out"
    json '.facts["kvm.oracle"].value | test("^[1-9][0-9]{2,} writes answered as predicted$")' true
    json '[.facts | keys[] | select(startswith("kvm.oracle."))]' '[]'
    json '.facts["kvm.base"].value | test("^[1-9][0-9] registers as predicted$")' true
    json '[.facts | keys[] | select(startswith("kvm.base."))]' '[]'
    same_as_asked "$dir/$1/4"
}

# Another program that asks KVM sees the same values.
same_as_asked() { # DUMP
    local want have
    want=$(awk '$1 == "reg" {print $3}' "$1" | sort)
    have=$(jq -r '.registers | to_entries[] |
        select(.key | test("^arm64/(?!writable|reg-list)")) | .value' "$dir/out" | sort)
    [ "$want" = "$have" ] || fail "$1: not the registers that the snapshot has"
    [ "$(wc -l <<<"$want")" -gt 60 ] || fail "$1: too few registers"
}

boot new "$new" "$max,sve-max-vq=4" --smp 2 --append "arm64.nobti kvm-arm.mode=nvhe" &
new_pid=$!
boot old "$old" neoverse-n1 &
old_pid=$!

booted new $new_pid
json '[.groups | to_entries[] | select(.value.coverage != "full") | .key]' '[]'
json '.groups | keys' '["arm64","idreg","idreg-mask","kvm-cap","kvm-view","reg-list","software"]'
json '.facts["kernel.release"].value' "\"${new##*linux-image-}\""
json '.facts["cmdline.arm64.nobti"].value' '"set"'
json '.facts["cmdline.kvm_arm.mode"].value' '"nvhe"'
json '.facts | has("cpu.midr") and has("cpu.revidr") and (has("cpu.midr-differs") | not)' true
json '.facts["cpu.midr"].value == .registers["arm64/MIDR_EL1"]' true
json '.registers["arm64/ID_AA64PFR1_EL1"]' '"0x20"'            # no BT, no MTE
json '.registers["arm64/ID_AA64ISAR0_EL1"]' '"0x1221111110212120"'
json '.registers["arm64/writable/ID_AA64ISAR0_EL1"]' '"0xfffffffffffffff0"'
json '.registers | has("arm64/writable/MIDR_EL1")' false
json '.registers["arm64/PSCI_VERSION"]' '"0x10001"'
json '.registers["arm64/VENDOR_HYP_BMAP"]' '"0x3"'
json '[.registers | to_entries[] | select(.key | startswith("arm64/CCSIDR_")) | .value] | [length, unique]' \
    '[14,["0x2"]]' # made up
json '.registers | has("arm64/reg-list/CCSIDR_L7I")' true
json '.registers["host/sve-vqs"]' '"0xf"'
json '.registers["host/vcpu-features"]' '"0x7e"'
json '.registers["host/cntfrq-hz"]' '"0x3b9aca0"'
json '.registers["host/dczid"]' '"0x4"'
json '[.registers["host/gic-" + ("types", "pri-bits", "id-bits", "seis", "a3v")]]' \
    '["0x6","0x5","0x18","0x0","0x1"]'
json '.registers["host/ipa-bits"] == .registers["kvm/cap/ARM_VM_IPA_SIZE"]' true
json '.registers["host/pmu-counters"]' '"0x6"'
json '.registers["kvm/cap/ARM_SUPPORTED_REG_MASK_RANGES"]' '"0x1"'
json '.registers | has("arm64/reg-list/606000000015ffff")' true # vector lengths

# No masks, no SVE, no pointer authentication; and no entry that says so by a 0.
booted old $old_pid
json '.groups | has("idreg-mask")' false
json '.facts["kernel.release"].value' "\"${old##*linux-image-}\""
json '.registers["arm64/MIDR_EL1"]' '"0x414fd0c1"'
json '.registers["host/vcpu-features"]' '"0xc"'
json '[.registers | to_entries[] | select(.key | startswith("arm64/CCSIDR_")) | [.key, .value]]' \
    '[["arm64/CCSIDR_L1D","0x701fe01a"],["arm64/CCSIDR_L1I","0x201fe01a"],["arm64/CCSIDR_L2D","0x70ffe03a"]]'
json '.registers["host/sve-vqs"]' '"0x0"'
json '.registers["kvm/cap/ARM_SUPPORTED_REG_MASK_RANGES"]' '"0x0"'
json '[.registers | keys[] | select(startswith("arm64/writable/"))]' '[]'
json '.registers | has("arm64/reg-list/606000000015ffff")' false

# A person reads them by their names.
expect 0 migctl snapshot show -v "$dir/old/3" --ca "$pki/ca-cert.pem"
grep -Eq 'CCSIDR_L2D +0x70ffe03a' "$dir/out" || fail "the size of a cache is not shown"
expect 0 migctl explain CCSIDR_L2D.LineSize
says "CCSIDR_EL1 while CSSELR_EL1 is 2"

# No EL2: no device, so no answer, and never a zero.
emulate none "$new" "$max" --machine virtualization=off "/bin/mig-agentd snapshot --json" &
emulated none $!
cp "$dir/none/1" "$dir/out"
json '[.groups | to_entries[] | select(.value.errno != "ENOENT") | .key]' '["software"]'
json '.registers' '{}'
grep -qF "/dev/kvm: No such file or directory: have the firmware start the kernel at EL2" \
    "$dir/none/log" || fail "no hint"
