#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Two agents over mutual TLS: verdict, findings, profile, every output form.
# shellcheck source-path=SCRIPTDIR source=lib.bash
source "$(dirname "$0")/lib.bash"
requires jq
make_fleet
issue agent gamma
start_agent alpha "$icelake"
alpha=$where
start_agent beta "$cascadelake"
beta=$where
start_agent gamma "$icelake"
gamma=$where
read -ra me <<<"$(as olga)"

expect 0 migctl negotiate "${me[@]}" "$alpha" "$beta"
says 'verdict: compatible-on-profile' 'source alpha: replayed' 'destination beta: replayed' \
    'x86/cpuid/7.0/ecx/8 gfni' 'CPUID leaf 7 subleaf 0, ECX bit 8 source 1 destination 0 rule and' \
    'reason: hardware' 'remedy:' \
    'given up for the profile' 'level: x86-64-v4'
expect 3 migctl negotiate "${me[@]}" --strict "$alpha" "$beta"
expect 0 migctl negotiate "${me[@]}" --strict --fail-on never "$alpha" "$beta"
expect 3 migctl negotiate "${me[@]}" --fail-on warn "$alpha" "$beta"
expect 0 migctl negotiate "${me[@]}" -q "$alpha" "$beta"
[ ! -s "$dir/out" ] || fail "-q prints"

# Same hardware under two names, and a destination with more than the source.
expect 0 migctl negotiate "${me[@]}" "$alpha" "$gamma"
says 'verdict: compatible '
expect 1 migctl negotiate "${me[@]}" --minimum x86-64-v4 "$hosts/nested-pvm.json" "$alpha" \
    --allow-unsigned
# An uncovered group is unknown when completeness is asked for.
expect 4 migctl negotiate "${me[@]}" --require-complete "$alpha" "$gamma"
says 'verdict: unknown' 'coverage/kvm-cap'
expect 0 migctl negotiate "${me[@]}" --require-complete "$alpha" "$gamma" \
    --tolerate kvm-cap,tsc,msr-list --tolerate msr

expect 0 migctl negotiate "${me[@]}" -o json "$alpha" "$beta"
valid negotiation
json '[.apiVersion, .kind, .verdict, .coverage]' \
    '["migctl/v1","Negotiation","compatible-on-profile","partial"]'
json '[.hosts[].name]' '["alpha","beta"]'
json '[.hosts[].kind]' '["replayed","replayed"]'
json '.uncovered == (.uncovered | sort)' true
json '.profile.features == (.profile.features | sort)' true
json '.profile.registers["x86/cpuid/7.0/ebx"] | test("^0x[0-9a-f]+$")' true
json '.profile.limits["sve-vl"]' '[]'
json '.findings[] | select(.id == "x86/cpuid/7.0/ecx/8") | [.names[0], .source, .destination]' \
    '["gfni","0x1","0x0"]'
json '[.losses[] | select(.name == "gfni").host]' '["alpha"]'
# The answer does not depend on who is asked first or when, but for direction.
jq '.profile' "$dir/out" >"$dir/forward"
expect 0 migctl negotiate "${me[@]}" -o json "$beta" "$alpha"
jq '.profile' "$dir/out" | cmp - "$dir/forward" || fail "the profile depends on the order"

expect 0 migctl baseline "${me[@]}" -o json "$gamma" "$beta" "$alpha"
valid baseline
json '[.kind, .verdict]' '["Baseline","compatible-on-profile"]'
jq '.profile' "$dir/out" | cmp - "$dir/forward" || fail "the baseline is another one"
expect 0 migctl baseline "${me[@]}" "$alpha"
says 'verdict: compatible '

expect 1 migctl diff "${me[@]}" "$alpha" "$beta"
says 'x86/cpuid/7.0/ecx/8' 'gfni'
expect 1 migctl diff "${me[@]}" -o json "$alpha" "$beta"
valid difference
json '.same' false
expect 0 migctl diff "${me[@]}" --allow-unsigned "$icelake" "$icelake"

# Save what was answered; it is then filed evidence.
expect 0 migctl snapshot get "${me[@]}" "$alpha" -o "$dir/alpha.sealed"
expect 0 migctl snapshot verify "${me[@]}" "$dir/alpha.sealed"
says "good signature of agent 'alpha'"
expect 0 migctl snapshot show "${me[@]}" -o json "$dir/alpha.sealed"
valid snapshot
json '.stamp.host' '"alpha"'
expect 0 migctl snapshot show "${me[@]}" "$alpha"
says 'capability digest' 'Firecracker CPU fingerprint'
[ "$(stat -c %s "$dir/alpha.sealed")" -lt 32768 ] || fail "a sealed snapshot has 32 KiB or more"

# Names in the configuration are pinned.
cat >"$dir/migctl.conf" <<CONF
ca = $pki/ca-cert.pem
cert = $pki/olga-cert.pem   # the operator
key = $pki/olga-key.pem
host.alpha = $alpha
host.beta = $beta
CONF
expect 0 migctl negotiate -c "$dir/migctl.conf" alpha beta
MIG_CONFIG=$dir/migctl.conf expect 0 migctl negotiate alpha beta
echo "host.beta = $alpha" >>"$dir/migctl.conf"
expect 2 migctl negotiate -c "$dir/migctl.conf" alpha beta
says 'source and destination are the same host'
echo "host.delta = $beta" >>"$dir/migctl.conf"
expect 4 migctl negotiate -c "$dir/migctl.conf" alpha delta
says "certificate is for agent 'beta', expected 'delta'"
echo "colour = blue" >>"$dir/migctl.conf"
expect 2 migctl negotiate -c "$dir/migctl.conf" alpha beta
says "migctl.conf: line 8: unknown key 'colour'"

# One host under two addresses is still one host.
expect 2 migctl negotiate "${me[@]}" "$alpha" "localhost:${alpha##*:}"
says "source and destination are the same host 'alpha'"
