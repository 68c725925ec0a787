#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The example VMM where KVM does as it is told: a guest boots under a profile in
# one emulated AMD host and goes on in another, on another processor and an older
# kernel, each step held against what it was shown.
# shellcheck source-path=SCRIPTDIR source=lib.bash
source "$(dirname "$0")/lib.bash"

skip() {
    echo "SKIP: $*: the example VMM is NOT tried on another KVM"
    exit 77
}

[ "$(uname -m)" = x86_64 ] || skip "this is no x86-64 machine"
for program in qemu-system-x86_64 python3 jq cat apt-get apt-cache dpkg-deb ldd; do
    command -v "$program" >/dev/null || skip "$program is not installed"
done
[ -x "$MIG_BUILD/tests/vmm_example" ] || skip "this build has no example VMM"
nm -D "$MIG_BUILD/lib/libmig/libmig.so" | grep ' __asan_' >/dev/null && skip "this build is sanitized"

# The versioned package behind a meta package: its name changes with every fix.
kernel() { # META-PACKAGE FOLDER
    local package
    package=$(apt-cache depends "$1" 2>/dev/null | awk '/Depends: linux-image-[0-9]/ {print $2; exit}')
    [ -n "$package" ] || skip "the package index has no $1"
    mkdir -p "$dir/$2"
    (cd "$dir/$2" && apt-get -q download "$package") >"$dir/out" 2>&1 || {
        cat "$dir/out"
        skip "$package can not be downloaded"
    }
    dpkg-deb --fsys-tarfile "$dir/$2"/*.deb | tar -x -C "$dir/$2" --wildcards './boot/vmlinuz-*' \
        '*/kvm.ko*' '*/kvm-amd.ko*' '*/irqbypass.ko*' || fail "$package can not be unpacked"
}

# Output of the n-th command becomes NAME/n.
host() { # NAME KERNEL CPU [options] COMMAND...
    "$MIG_SOURCE/tests/tools/emulated-host" --first "$MIG_BUILD/tests/first" \
        --kernel "$dir/$2" --cpu "$3" --out "$dir/$1" "${@:4}" >"$dir/$1.log" 2>&1 || {
        cat "$dir/$1.log" "$dir/$1/console"
        fail "$1: the emulated host did not do all it was told"
    }
}

make_fleet
cd "$dir" || exit 1
kernel linux-image-6.12-cloud-amd64 new
kernel linux-image-cloud-amd64 old
vmm=(--program "$MIG_BUILD/tests/vmm_example" --program "$(command -v cat)")
agent=(--program "$MIG_BUILD/bin/mig-agentd" --file "/ca.pem=$pki/ca-cert.pem"
    --file "/cert.pem=$pki/beta-cert.pem" --file "/key.pem=$pki/beta-key.pem")

host look new EPYC-Milan,+svm "${agent[@]}" "/bin/mig-agentd snapshot --json" &
first=$!
host look2 old EPYC-Rome,+svm "${agent[@]}" "/bin/mig-agentd snapshot --json" \
    "/bin/mig-agentd snapshot --ca /ca.pem --cert /cert.pem --key /key.pem"
wait $first || exit 1
cp look/1 milan.json
cp look2/1 rome.json
expect 0 migctl baseline --allow-unsigned -o json milan.json rome.json
cp out profile.json

host boot new EPYC-Milan,+svm "${vmm[@]}" --file /profile.json=profile.json \
    "/bin/vmm_example boot /profile.json web3 7f3a alpha 200 /contract.json /state" \
    "/bin/cat /contract.json" "/bin/cat /state"
cp boot/1 out
says "counted from 1 to 200"
# The guest was shown what the profile says, not what its host has.
for register in x86/cpuid/7.0/ebx x86/cpuid/80000008.0/ebx x86/cpuid/7.0/ecx; do
    [ "$(jq -r ".profile.registers[\"$register\"]" profile.json)" = \
        "$(jq -r ".shown.registers[\"$register\"]" boot/2)" ] || fail "$register is not the profile's"
done

"$MIG_BUILD/tests/seal_contract" "$pki/alpha-cert.pem" "$pki/alpha-key.pem" boot/2 >contract.sealed ||
    fail "seal"
host resume old EPYC-Rome,+svm "${vmm[@]}" --file "/ca.pem=$pki/ca-cert.pem" \
    --file /contract.sealed=contract.sealed --file /state=boot/3 --file /host.sealed=look2/2 \
    "/bin/vmm_example resume /ca.pem /contract.sealed web3 7f3a /host.sealed 400 /state"
cp resume/1 out
says "on beta" "went on from 201 to 400"
