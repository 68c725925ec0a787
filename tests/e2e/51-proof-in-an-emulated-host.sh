#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Debian kernels on emulated AMD processors, whose KVM shows guests what it is
# told: a profile is seen leaf by leaf, and what can not be honoured is named.
# shellcheck source-path=SCRIPTDIR source=lib.bash
source "$(dirname "$0")/lib.bash"
# shellcheck source=amd.bash
source "$(dirname "$0")/amd.bash"

capture() { # NAME KERNEL CPU [options]
    host "$@" --program "$MIG_BUILD/bin/mig-agentd" "/bin/mig-agentd snapshot --json"
    cp "$dir/$1/1" "$dir/$1.host"
    expect 0 migctl baseline --allow-unsigned "$dir/$1.host" -o json
    jq '{apiVersion: "migctl/v1", kind: "Snapshot", arch: "x86-64", stamp: {}, unreadable: {}, facts: {},
        groups: {"kvm-view": {coverage: "full"}, cpuid: {coverage: "full"}, msr: {coverage: "full"},
            tsc: {coverage: "partial"}, guest: {coverage: "partial"}},
        registers: (.profile.registers | with_entries(select(.value != null)))}' \
        "$dir/out" >"$dir/$1.profile" || fail "$1: no profile"
}

# What the proofs of HOST said of its edited profiles, one after the other.
proofs() { # NAME KERNEL CPU PROFILE...
    local options=() command=/bin/prove profile
    for profile in "${@:4}"; do
        options+=(--file "/$profile=$dir/$profile")
        command+=" /$profile"
    done
    host "$1" "$2" "$3" --program "$MIG_BUILD/tests/prove" "${options[@]}" "$command"
}

edited() { # NAME JQ-FILTER
    jq "$2" "$dir/milan.profile" >"$dir/$1" || fail "$1: no such edit"
}

# Exactly these lines, but for what the last one counts.
proved() { # HOST PROFILE LINE...
    local got wanted
    got=$(awk -v name="/$2" '$1 == "file" {on = $2 == name; next} on' "$dir/$1/1" |
        sed 's/ compared [0-9]*//')
    wanted=$(printf '%s\n' "${@:3}")
    [ "$got" = "$wanted" ] || fail "$1: $2: expected
$wanted
got
$got"
}

compared_at_least() { # HOST PROFILE WORDS
    local got
    got=$(awk -v name="/$2" '$1 == "file" {on = $2 == name} on && $1 == "outcome" {print $4}' "$dir/$1/1")
    [ "$got" -ge "$3" ] || fail "$1: $2: $got words were compared"
}

word() { # REGISTER: its value in the profile
    jq -r ".registers[\"$1\"]" "$dir/milan.profile"
}

with() { # REGISTER BITS: an edit that sets them
    printf '.registers["%s"] = "0x%x"' "$1" $(($(word "$1") | $2))
}

kernel linux-image-6.12-cloud-amd64
new=$kernel
kernel linux-image-cloud-amd64
old=$kernel
capture milan "$new" EPYC-Milan,+svm
capture rome "$old" EPYC-Rome,+svm --module kvm_amd=nested=0

# What this KVM can show ...
edited masked '.registers["x86/cpuid/7.0/ebx"] = "0x0" | .registers["x86/cpuid/7.0/edx"] = "0x0"'
edited without-msrs '.registers |= with_entries(select(.key | startswith("x86/msr/") | not))'
edited partial '.groups.cpuid.coverage = "partial" | .groups.msr.coverage = "partial" |
    .registers |= with_entries(select(.key | test("cpuid/(0|1|80000000|80000001).0")))'
edited brand '.registers["x86/cpuid/80000002.0/eax"] = "0x5eed"'
# ... takes without being able to ...
ebx=$(word x86/cpuid/7.0/ebx)
width=$(word x86/cpuid/80000008.0/eax)
edited avx512f "$(with x86/cpuid/7.0/ebx 0x10000)"
edited sgx '.registers["x86/cpuid/12.0/eax"] = "0x1"'
edited la57 "$(with x86/cpuid/80000008.0/eax 0x900)"
edited intel '.registers["x86/cpuid/0.0/ebx"] = "0x756e6547" |
    .registers["x86/cpuid/0.0/ecx"] = "0x6c65746e" | .registers["x86/cpuid/0.0/edx"] = "0x49656e69"'
edited fast '.registers["host/tsc-khz"] = "0x3b9aca00"'
# ... and refuses.
edited width "$(with x86/cpuid/80000008.0/eax 0x100)"
edited tile "$(with x86/cpuid/d.0/eax 0x60000)"
edited xcr0 '.registers["guest/xcr0"] = "0xe7"'
edited slow '.registers["host/tsc-khz"] = "0x1000"'
edited msr '.registers["x86/msr/345"] = "0x2000" | .registers["x86/msr/480"] = "0x1" |
    .registers["x86/msr/c0011029"] = "0x3"'

# All of the host, Hyper-V included, but the rate that this boot measured, and what the other host could show.
jq 'del(.registers["host/tsc-khz"])' "$dir/milan.host" >"$dir/everything"
cp "$dir/rome.profile" "$dir/other"
proofs proved "$new" EPYC-Milan,+svm milan.profile everything masked without-msrs partial brand \
    avx512f sgx la57 intel fast width tile xcr0 slow msr
# Two boots of one emulated host measure their clock a little differently.
sed -i -E "s/^(tsc host\/tsc-khz 0x[0-9a-f]+) 0x[0-9a-f]+/\1 RATE/" "$dir/proved/1"
for profile in milan.profile masked without-msrs brand; do
    proved proved $profile "outcome held ran 1"
    compared_at_least proved $profile 500
done
proved proved everything "outcome held ran 1"
compared_at_least proved everything 1000
proved proved partial "outcome held ran 1"
proved proved avx512f "cpuid x86/cpuid/7.0/ebx $(printf 0x%x $((ebx | 0x10000))) $ebx -" \
    "outcome contradicted ran 1"
proved proved sgx "cpuid x86/cpuid/12.0/eax 0x1 0x0 -" "outcome contradicted ran 1"
proved proved la57 "cpuid x86/cpuid/80000008.0/eax $(printf 0x%x $((width | 0x900))) $width -" \
    "outcome contradicted ran 1"
# The guest sees what it was shown, beyond the last leaf as on Intel: no line.
proved proved intel "cpuid x86/cpuid/0.0/ebx 0x756e6547 0x68747541 -" \
    "cpuid x86/cpuid/0.0/ecx 0x6c65746e 0x444d4163 -" \
    "cpuid x86/cpuid/0.0/edx 0x49656e69 0x69746e65 -" "outcome contradicted ran 1"
proved proved fast "tsc host/tsc-khz 0x3b9aca00 RATE -" "outcome contradicted ran 1"
proved proved width "cpuid x86/cpuid/80000008.0/eax $(printf 0x%x $((width | 0x100))) $width EINVAL" \
    "outcome contradicted ran 0"
tiles=$(printf 0x%x $(($(word x86/cpuid/d.0/eax) | 0x60000)))
proved proved tile "tile-permission x86/cpuid/d.0/eax $tiles - EOPNOTSUPP" \
    "cpuid x86/cpuid/d.0/eax $tiles $(word x86/cpuid/d.0/eax) EPERM" \
    "xcr x86/cpuid/d.0/eax $tiles - EINVAL" "outcome contradicted ran 1"
proved proved xcr0 "xcr guest/xcr0 0xe7 - EINVAL" "outcome contradicted ran 1"
proved proved slow "tsc host/tsc-khz 0x1000 RATE EINVAL" "outcome contradicted ran 1"
proved proved msr "msr x86/msr/345 0x2000 0x0 EINVAL" "msr x86/msr/480 0x1 0x0 EINVAL" \
    "msr x86/msr/c0011029 0x3 0x2 EINVAL" "outcome contradicted ran 1"

# An older kernel shows its own profile, and not that of the newer host.
proofs rome-proved "$old" EPYC-Rome,+svm other milan.profile
proved rome-proved other "outcome held ran 1"
compared_at_least rome-proved other 500
grep -q '^outcome contradicted' "$dir/rome-proved/1" || fail "the profile of another host held"
grep -q "^cpuid x86/cpuid/7.0/ebx $ebx " "$dir/rome-proved/1" || fail "7.0.EBX is not named"

# A processor without virtualisation.
host plain "$new" max,-svm --program "$MIG_BUILD/tests/prove" --file "/milan.profile=$dir/milan.profile" \
    "/bin/prove /milan.profile"
proved plain milan.profile "outcome not-tried ran 0 stage open ENOENT"
