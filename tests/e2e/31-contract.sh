#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a running guest was shown: every form of a contract, every way in which
# one can be wrong, and the answers about where the guest may go.
# shellcheck source-path=SCRIPTDIR source=lib.bash
source "$(dirname "$0")/lib.bash"
requires jq
make_fleet
issue agent gamma
ca=(--ca "$pki/ca-cert.pem")
cd "$dir" || exit 1
now=$(date +%s)

# A guest that was powered on with the profile of SNAPSHOT, as contract JSON.
guest() { # SNAPSHOT [jq FILTER]
    migctl baseline --allow-unsigned -o json "$1" 2>"$dir/err" >profile.json ||
        fail "baseline $1"
    jq --argjson at $((now - 2400)) '{
        apiVersion, kind: "Contract", vm: "web3", instance: "7f3a", recorder: "alpha",
        recordedAt: $at, hops: [],
        shown: {
            arch: "x86-64",
            groups: ({cpuid: {coverage: "full"}, msr: {coverage: "full"}, tsc: {coverage: "partial"}}),
            registers: (.profile.registers | with_entries(select(.value != null))),
            unreadable: {}, facts: {"vmm.name": {value: "cloud-hypervisor"}}}}' profile.json |
        jq "${2:-.}"
}

seal() { # NAME CONTRACT.json > sealed
    "$MIG_BUILD/tests/seal_contract" "$pki/$1-cert.pem" "$pki/$1-key.pem" "$2" || fail "seal $2"
}

guest "$icelake" >icelake.json
guest "$cascadelake" >cascadelake.json
seal alpha icelake.json >icelake.contract
seal alpha cascadelake.json >cascadelake.contract

# Show: everything, as text and as the JSON that is read again.
expect 0 migctl contract show "${ca[@]}" icelake.contract
says 'guest web3' 'instance 7f3a' 'recorded on alpha' 'evidence filed' 'age 40 min' 'cpuid full' \
    'vmm.name: cloud-hypervisor' 'avx512f' 'architecture x86-64 GenuineIntel'
expect 0 migctl contract show "${ca[@]}" -o json icelake.contract
valid contract
jq -S . "$dir/out" >shown.json
jq -S . icelake.json >given.json
cmp -s shown.json given.json || fail "show -o json gives back another contract"
expect 0 migctl contract show -o json - <icelake.json
valid contract
expect 0 migctl contract show "${ca[@]}" -v icelake.contract
says 'x86/cpuid/7.0/ebx'
digest=$(COLUMNS=120 migctl contract show "${ca[@]}" icelake.contract | sed -n 's/^digest *//p')
[ "$digest" = "$(COLUMNS=120 migctl contract show icelake.json | sed -n 's/^digest *//p')" ] ||
    fail "sealed and unsigned differ in their digest"

# Verify: only what a signature stands behind.
expect 0 migctl contract verify "${ca[@]}" icelake.contract
says "good signature of agent 'alpha'" 'instance 7f3a'
expect 4 migctl contract verify "${ca[@]}" icelake.json
says 'trust/unsigned' 'carries no signature'
expect 2 migctl contract verify icelake.contract
says 'give --ca'
expect 2 migctl contract verify "${ca[@]}" ./nosuch
says './nosuch: No such file or directory'

# The whole way is in it; who has the guest signs.
jq --argjson at $((now - 1800)) '.hops = [{host: "beta", at: $at}, {host: "gamma", at: ($at + 600)}]' \
    icelake.json >moved.json
seal gamma moved.json >moved.contract
expect 0 migctl contract verify "${ca[@]}" moved.contract
says "agent 'gamma'" 'recorded on alpha' 'came to beta' 'came to gamma'
seal alpha moved.json >bad
expect 4 migctl contract verify "${ca[@]}" bad
says 'trust/unverified' "went to 'gamma' is signed by 'alpha'"

# Where may it go?  Weak to strong and back; strong to weak only after a power cycle.
expect 0 migctl contract check "${ca[@]}" --allow-unsigned cascadelake.contract "$icelake"
says 'verdict: compatible' 'guest web3 instance 7f3a, recorded on alpha, age 40 min, filed, digest' \
    'destination intel-icelake-6.1'
expect 3 migctl contract check "${ca[@]}" --allow-unsigned icelake.contract "$cascadelake"
says 'verdict: needs-power-cycle' 'The running guest can not move'
expect 3 migctl contract check "${ca[@]}" --allow-unsigned -o json icelake.contract "$cascadelake"
valid contract-check
json .verdict '"needs-power-cycle"'
json '.contract | [.vm, .instance, .recorder, .kind, .format, .error]' \
    '["web3","7f3a","alpha","filed",null,null]'
json .contract.digest "\"$digest\""
json '.hosts | length' 1
json '[.findings[] | select(.severity == "blocker")] | length > 0' true
expect 1 migctl contract check "${ca[@]}" --allow-unsigned icelake.contract "$milan"
says 'verdict: incompatible'
expect 0 migctl contract check "${ca[@]}" --allow-unsigned --fail-on=never icelake.contract "$milan"
expect 0 migctl contract check "${ca[@]}" --allow-unsigned -q icelake.contract "$icelake"
[ ! -s "$dir/out" ] || fail "-q says something"

# The same about a source and a destination, from files and live.
start_puppet alpha "$icelake"
alpha=alpha@$where
start_puppet beta "$icelake"
beta=beta@$where
start_puppet gamma "$cascadelake"
gamma=gamma@$where
read -ra me <<<"$(as olga)"
expect 0 migctl negotiate "${me[@]}" --contract icelake.contract "$alpha" "$beta"
says 'verdict: compatible' 'guest web3' 'source alpha: live' 'destination beta: live'
says_not 'contract/elsewhere'
says_not 'Guests given everything'
expect 0 migctl negotiate "${me[@]}" -o json --contract icelake.contract "$alpha" "$beta"
valid negotiation
json '[.contract.vm, .passthrough, .direction]' '["web3",null,null]'
expect 3 migctl negotiate "${me[@]}" --contract icelake.contract "$alpha" "$gamma"
says 'verdict: needs-power-cycle'
expect 0 migctl negotiate "${me[@]}" --contract cascadelake.contract "$alpha" "$gamma"
says 'verdict: compatible'
expect 0 migctl contract check "${me[@]}" icelake.contract "$beta"
says 'destination beta: live'
migctl negotiate "${me[@]}" -o json "$alpha" "$beta" >"$dir/out" || fail "without a contract"
valid negotiation
json .contract null

# The guest is not known to run there.
expect 0 migctl negotiate "${me[@]}" --contract icelake.contract "$beta" "$alpha"
says 'contract/elsewhere' 'by its contract web3 runs on alpha, not on beta'
expect 0 migctl negotiate "${me[@]}" --contract moved.contract "$alpha" "$beta"
says 'web3 runs on gamma, not on alpha'

# Unsigned: only when asked for.
expect 4 migctl negotiate "${me[@]}" --contract icelake.json "$alpha" "$beta"
says 'verdict: unknown' 'trust/unsigned' '--allow-unsigned'
expect 0 migctl negotiate "${me[@]}" --allow-unsigned --contract icelake.json "$alpha" "$beta"
says 'unsigned (contract-json)'
expect 0 migctl negotiate "${me[@]}" --allow-unsigned --contract - "$alpha" "$beta" <icelake.json
expect 2 migctl negotiate "${me[@]}" --contract - - "$beta" <icelake.json
says 'can not both be standard input'

# A dump that was taken in the guest.
cat >'my guest.txt' <<'DUMP'
CPU 0:
   0x00000000 0x00: eax=0x00000007 ebx=0x756e6547 ecx=0x6c65746e edx=0x49656e69
   0x00000001 0x00: eax=0x000606a6 ebx=0x00100800 ecx=0x80000001 edx=0x0f8bfbff
   0x00000007 0x00: eax=0x00000000 ebx=0x00000020 ecx=0x00000000 edx=0x00000000
   0x80000000 0x00: eax=0x80000001 ebx=0x00000000 ecx=0x00000000 edx=0x00000000
   0x80000001 0x00: eax=0x00000000 ebx=0x00000000 ecx=0x00000021 edx=0x2c100800
DUMP
expect 0 migctl contract show 'my guest.txt'
says 'guest my-guest' 'instance not known' 'recorded on not known' 'foreign, cpuid-raw'
expect 4 migctl contract check "${me[@]}" 'my guest.txt' "$beta"
says 'trust/unsigned'
expect 0 migctl contract show -o json 'my guest.txt'
valid contract
sed -i '/0x80000000/i\   0x40000000 0x00: eax=0x40000001 ebx=0x4b4d564b ecx=0x564b4d56 edx=0x0000004d\n   0x40000001 0x00: eax=0x00000001 ebx=0x00000000 ecx=0x00000000 edx=0x00000000' 'my guest.txt'
expect 0 migctl contract show 'my guest.txt'
says 'cpuid-hv full' 'kvm_clocksource'

# The wrong kind of file, both ways.
read -ra agent <<<"$(as alpha)"
mig-agentd snapshot --config /dev/null "${agent[@]}" --replay "$icelake" -o host.sealed 2>"$dir/err" ||
    fail "mig-agentd snapshot"
expect 4 migctl contract verify "${ca[@]}" host.sealed
says 'trust/unverified' 'host.sealed: is a snapshot: it says what a host grants, not what a guest was shown'
expect 4 migctl contract show "${ca[@]}" "$icelake"
says 'intel-icelake-6.1.json: snapshot-json: says what a host grants, not what a guest was shown'
expect 4 migctl negotiate "${me[@]}" --contract host.sealed "$alpha" "$beta"
says 'verdict: unknown' 'is a snapshot'
expect 4 migctl snapshot verify "${ca[@]}" icelake.contract
says 'is the contract of a guest, not a snapshot of a host'
expect 4 migctl negotiate "${me[@]}" icelake.contract "$beta"
says 'is the contract of a guest'
expect 4 migctl negotiate "${me[@]}" --allow-unsigned icelake.json "$beta"
says 'expected a Snapshot of migctl/v1, found a Contract'

# Contents that are no contract: the message names the file, the verdict is unknown.
bad() { # TEXT...
    expect 4 migctl contract check "${me[@]}" --allow-unsigned bad "$beta"
    says 'bad: ' 'verdict: unknown' "$@"
    expect 4 migctl contract show "${ca[@]}" bad
    expect 4 migctl contract check "${me[@]}" --allow-unsigned -o json bad "$beta"
    valid contract-check
    json '.contract | [.vm, .kind, .error != null]' '[null,"none",true]'
}
head -c 700 icelake.contract >bad
bad trust/
size=$(stat -c %s icelake.contract)
for at in 40 $((size / 2)) $((size - 5)); do
    cp icelake.contract bad
    byte=$(od -An -tu1 -j "$at" -N1 icelake.contract)
    printf '%b' "\\x$(printf '%02x' $((byte ^ 1)))" | dd of=bad bs=1 seek="$at" conv=notrunc status=none
    bad trust/
done
jq '.shown.registers["kvm/cap/NESTED_STATE"] = "0x1"' icelake.json >bad
bad trust/malformed 'shown: kvm/cap/NESTED_STATE: says what a host has'
jq '.instance = "../x"' icelake.json >bad
bad 'instance: expected 1 to 63 printable characters'
jq '.apiVersion = "migctl/v9"' icelake.json >bad
bad 'migctl/v9'
: >bad
bad 'no known format'
head -c 9000000 /dev/zero >bad
bad 'larger than'
head -c 900 icelake.json >bad
bad 'bad: line ' 'premature end of input'
says_not 'snapshot JSON'

# Of the future; of another fleet; by no agent; revoked since.
jq --argjson at $((now + 4000)) '.recordedAt = $at' icelake.json >future.json
seal alpha future.json >bad
bad trust/future 'in the future'
migctl pki init other >/dev/null
migctl pki issue other agent alpha >/dev/null
"$MIG_BUILD/tests/seal_contract" other/alpha-cert.pem other/alpha-key.pem icelake.json >bad
bad trust/unverified
seal olga icelake.json >bad
bad trust/unverified "signed by operator 'olga', expected an agent"
seal beta icelake.json >bad
bad trust/unverified "recorded by 'alpha' is signed by 'beta'"
migctl pki revoke "$pki" alpha >/dev/null
expect 4 migctl contract verify "${ca[@]}" --crl "$pki/crl.pem" icelake.contract
says 'revoked'

# It does not age: it lives as long as the instance.
jq --argjson at $((now - 3000)) '.recordedAt = $at' icelake.json >old.json
seal alpha old.json >old.contract
expect 0 migctl negotiate "${me[@]}" --max-age 1s --contract old.contract "$alpha" "$beta"

# Words that mean nothing.
expect 2 migctl contract
says 'usage: migctl contract record|list|show|verify|check|export|forget'
expect 2 migctl contract check icelake.contract
says 'usage: migctl contract check'
expect 2 migctl contract frobnicate x
expect 0 migctl contract --help
says 'restoring a saved guest'
expect 0 migctl contract check --help
says '--policy'
expect 0 migctl help contract check
says 'usage: migctl contract check' '--policy'
says_not 'contract verify'
exit 0
