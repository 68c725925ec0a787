#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A VMM that is made of mig.h and KVM boots a guest under a profile, its contract
# is signed, and another process goes on with it under that contract alone.
# shellcheck source-path=SCRIPTDIR source=lib.bash
source "$(dirname "$0")/lib.bash"
requires jq
example=$MIG_BUILD/tests/vmm_example
[ -x "$example" ] || {
    echo "SKIP: this build has no example VMM"
    exit 77
}
make_fleet
cd "$dir" || exit 1

mig-agentd snapshot --json >host.json 2>err || {
    cat err
    echo "SKIP: this machine shows no guest anything"
    exit 77
}
[ "$(jq -r '.groups.cpuid.coverage' host.json)" = full ] || {
    echo "SKIP: /dev/kvm can not be used: no guest was booted"
    exit 77
}
# shellcheck disable=SC2046
mig-agentd snapshot $(as alpha) >host.sealed 2>err || fail "sealed snapshot"
expect 0 migctl baseline --allow-unsigned -o json host.json
cp out profile.json

# A KVM that shows a guest something else is found out, and no guest runs.
vmm=("$example")
"$example" boot profile.json web3 7f3a alpha 5 contract.json state >out 2>err || {
    says "KVM differs in"
    [ ! -e contract.json ] || fail "a guest ran that is not shown its profile"
    echo "this KVM does not show what it is told to:"
    cat err
    vmm=("$example" lax)
}

expect 0 "${vmm[@]}" boot profile.json web3 7f3a alpha 200 contract.json state
says "counted from 1 to 200"
expect 0 jq -r '[.vm, .instance, .recorder, .shown.facts["vmm.name"].value] | join(" ")' contract.json
says "web3 7f3a alpha example"
expect 0 migctl contract show --allow-unsigned contract.json
"$MIG_BUILD/tests/seal_contract" "$pki/alpha-cert.pem" "$pki/alpha-key.pem" contract.json >contract.sealed ||
    fail "seal"
# What the agent is to sign are the very bytes that were sealed.
"$MIG_BUILD/tests/seal_contract" raw contract.json | cmp - contract.json.payload || fail "payload"

resume() { # STATUS VM INSTANCE SNAPSHOT [CONTRACT]
    expect "$1" "${vmm[@]}" resume "$pki/ca-cert.pem" "${5:-contract.sealed}" "$2" "$3" "$4" 400 state
}
resume 0 web3 7f3a -
says "went on from 201 to 400"
# The judgement knows such a KVM too: it does not grant what the guest saw.
if [ ${#vmm[@]} -gt 1 ]; then
    resume 1 web3 7f3a host.sealed
    says "blocker x86/cpuid/" "example: verdict: needs-power-cycle"
else
    resume 0 web3 7f3a host.sealed
    says "on alpha" "went on from 201 to 400"
fi

# Not another guest, not after a power cycle, not what nobody signed.
resume 1 db1 7f3a -
says "contract is of guest 'web3', not of 'db1'"
resume 1 web3 8888 -
says "a power cycle voids it"
resume 1 web3 7f3a - contract.json
says "contract.json: "
resume 1 web3 7f3a - host.sealed
says "host.sealed: "

# A profile that was changed by hand, and one that this machine can not show.
jq '.profile.registers["x86/cpuid/1.0/edx"] = "0x0"' profile.json >changed.json
expect 1 "$example" boot changed.json web3 7f3a alpha 5 c s
says "digest: the registers are not the ones"
expect 0 migctl baseline --allow-unsigned -o json "$hosts/intel-sapphire-rapids-6.1.json"
cp out foreign.json
expect 1 "$example" boot foreign.json web3 7f3a alpha 5 c s
says "KVM differs in"
[ ! -e c ] || fail "a guest ran that is not shown its profile"
