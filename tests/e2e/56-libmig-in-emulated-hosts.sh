#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The example VMM where KVM does as it is told: a guest boots under a profile in
# one emulated AMD host and goes on in another, on another processor and an older
# kernel, each step held against what it was shown.
# shellcheck source-path=SCRIPTDIR source=lib.bash
source "$(dirname "$0")/lib.bash"
# shellcheck source=amd.bash
source "$(dirname "$0")/amd.bash"
[ -x "$MIG_BUILD/tests/vmm_example" ] || skip "this build has no example VMM"
nm -D "$MIG_BUILD/lib/libmig/libmig.so" | grep ' __asan_' >/dev/null && skip "this build is sanitized"

make_fleet
cd "$dir" || exit 1
kernel linux-image-6.12-cloud-amd64
new=$kernel
kernel linux-image-cloud-amd64
old=$kernel
vmm=(--program "$MIG_BUILD/tests/vmm_example" --program "$(command -v cat)")
agent=(--program "$MIG_BUILD/bin/mig-agentd" --file "/ca.pem=$pki/ca-cert.pem"
    --file "/cert.pem=$pki/beta-cert.pem" --file "/key.pem=$pki/beta-key.pem")

emulate look "$new" EPYC-Milan,+svm "${agent[@]}" "/bin/mig-agentd snapshot --json" &
first=$!
host look2 "$old" EPYC-Rome,+svm "${agent[@]}" "/bin/mig-agentd snapshot --json" \
    "/bin/mig-agentd snapshot --ca /ca.pem --cert /cert.pem --key /key.pem"
emulated look $first
cp look/1 milan.json
cp look2/1 rome.json
expect 0 migctl baseline --allow-unsigned -o json milan.json rome.json
cp out profile.json

host boot "$new" EPYC-Milan,+svm "${vmm[@]}" --file /profile.json=profile.json \
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
host resume "$old" EPYC-Rome,+svm "${vmm[@]}" --file "/ca.pem=$pki/ca-cert.pem" \
    --file /contract.sealed=contract.sealed --file /state=boot/3 --file /host.sealed=look2/2 \
    "/bin/vmm_example resume /ca.pem /contract.sealed web3 7f3a /host.sealed 400 /state"
cp resume/1 out
says "on beta" "went on from 201 to 400"
