#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a proof does to a verdict, and which proofs are believed.
# shellcheck source-path=SCRIPTDIR source=lib.bash
source "$(dirname "$0")/lib.bash"
requires jq
make_fleet
read -ra me <<<"$(as olga)"
start_puppet alpha "$icelake"
alpha=alpha@$where

ask() { # STATUS PROOF [options]: beta proves like that
    start_puppet beta "$cascadelake" self "$2"
    beta=beta@$where
    expect "$1" migctl negotiate "${me[@]}" "${@:3}" "$alpha" "$beta"
}

ask 0 held
says 'verdict: compatible-on-profile' 'proofs alpha: held, 100 words, seen by a guest' \
    'beta: held, 100 words'
ask 0 held -o json
valid negotiation
json '[.proofs[] | [.host, .of, .outcome, .compared, .mismatches, .error]]' \
    '[["alpha","profile","held",100,[],null],["beta","profile","held",100,[],null]]'
json '.proofs[0].subject == .proofs[1].subject' true

ask 1 contradicted -o json
valid negotiation
json '[.verdict, (.profile != null)]' '["incompatible",true]'
json '[.findings[] | select(.id | startswith("proof/")) | [.id, .severity, .reason]]' \
    '[["proof/x86/cpuid/7.0/ebx","blocker","kernel"],["proof/x86/msr/10a","blocker","kernel"]]'
json '.proofs[1].mismatches' \
    '[{"id":"x86/cpuid/7.0/ebx","stage":"guest","wanted":"0x23","got":"0x3","errno":null},{"id":"x86/msr/10a","stage":"msr","wanted":"0x1","got":null,"errno":"EINVAL"}]'
ask 1 contradicted
says 'a guest on beta was to see 0x23 and sees 0x3' 'avx2' \
    'KVM on beta refuses 0x1 with EINVAL'

ask 1 not-enforced -o json
valid negotiation
json '[.verdict, .passthrough, .direction]' '["incompatible","incompatible","none"]'
json '[.findings[] | select(.severity == "blocker") | .id]' '["kvm/cpuid-not-enforced"]'

# No word is no yes; neither is the word on something else.
ask 4 not-tried
says 'verdict: unknown' 'proof/missing' 'beta: make a scratch VM and its vCPU: ENODEV'
ask 4 stale
says 'proof/stale' 'what beta grants a guest changed'
ask 4 subject
says 'proof/missing' 'proof is of another register set than was asked for'
ask 4 nonce
says 'proof/missing' 'proof answers another request (replayed)'
ask 4 late --timeout 1s
says 'proof/missing' 'prove'

# Not asked for, not given: the tables alone decide.
ask 0 contradicted --no-prove -o json
valid negotiation
json '[.verdict, .proofs]' '["compatible-on-profile",[]]'
echo 'prove = off' >"$dir/off"
ask 0 contradicted --policy "$dir/off"
# What replays can not prove: that counts only where proofs are demanded.
start_agent beta "$cascadelake"
expect 0 migctl negotiate "${me[@]}" -o json "$alpha" "beta@$where"
json '[.proofs[].host]' '["alpha"]'
echo 'prove = required' >"$dir/required"
expect 4 migctl negotiate "${me[@]}" --policy "$dir/required" "$alpha" "beta@$where"
says 'proof/missing' 'beta: only a live agent can prove'
expect 4 migctl negotiate "${me[@]}" --policy "$dir/required" --no-prove "$alpha" "beta@$where"
start_puppet beta "$cascadelake"
expect 0 migctl negotiate "${me[@]}" --policy "$dir/required" "$alpha" "beta@$where"
# A verdict that says no needs no proof.
start_puppet beta "$milan"
expect 1 migctl negotiate "${me[@]}" -o json "$alpha" "beta@$where"
json .proofs '[]'
