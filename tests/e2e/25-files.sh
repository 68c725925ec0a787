#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every form of HOST that is a file, and every way in which one can be wrong.
# shellcheck source-path=SCRIPTDIR source=lib.bash
source "$(dirname "$0")/lib.bash"
requires jq
make_fleet
ca=(--ca "$pki/ca-cert.pem")
cd "$dir" || exit 1

# Sealed by an agent for later use.
seal() { # NAME FILE > sealed
    # shellcheck disable=SC2046
    mig-agentd snapshot --config /dev/null $(as "$1") --replay "$2" -o "$1.sealed" 2>"$dir/err" ||
        fail "mig-agentd snapshot"
}
seal alpha "$icelake"
seal beta "$cascadelake"

# Files need no keys of ours, only the CA.
expect 0 migctl negotiate "${ca[@]}" alpha.sealed beta.sealed
says 'source alpha: replayed' 'destination beta: replayed' 'verdict: compatible-on-profile'
migctl negotiate "${ca[@]}" -o json - beta.sealed <alpha.sealed >"$dir/out" || fail "stdin"
json '.hosts[0].name' '"alpha"'
expect 2 migctl negotiate alpha.sealed beta.sealed
says 'give --ca'
expect 2 migctl negotiate "${ca[@]}" alpha.sealed ./alpha.sealed
says 'source and destination are the same host: alpha.sealed and ./alpha.sealed'
cp alpha.sealed copy.sealed
expect 2 migctl negotiate "${ca[@]}" alpha.sealed copy.sealed
says "source and destination are the same host 'alpha'"
expect 2 migctl negotiate "${ca[@]}" - -
expect 2 migctl negotiate alpha.sealed
says 'usage: migctl negotiate'

# Unsigned: only when asked for.
expect 4 migctl negotiate "$icelake" "$cascadelake"
says 'verdict: unknown' 'trust/unsigned' '--allow-unsigned'
expect 4 migctl diff "$icelake" "$cascadelake"
says '--allow-unsigned'
expect 0 migctl negotiate --allow-unsigned "$icelake" "$cascadelake"
says 'source intel-icelake-6.1: unsigned' 'Partial:'
expect 0 migctl negotiate --allow-unsigned -o json "$icelake" "$cascadelake"
valid negotiation

# Other programs' dumps, recognised by content.
cat >cpuid.txt <<'DUMP'
CPU 0:
   0x00000000 0x00: eax=0x00000007 ebx=0x756e6547 ecx=0x6c65746e edx=0x49656e69
   0x00000001 0x00: eax=0x000806f8 ebx=0x00100800 ecx=0xf7fa3203 edx=0x0f8bfbff
   0x00000007 0x00: eax=0x00000000 ebx=0x00000020 ecx=0x00000000 edx=0x00000000
   0x80000000 0x00: eax=0x80000001 ebx=0x00000000 ecx=0x00000000 edx=0x00000000
   0x80000001 0x00: eax=0x00000000 ebx=0x00000000 ecx=0x00000121 edx=0x2c100800
DUMP
cat >guest.xml <<'DUMP'
<cpudata arch='x86'>
  <cpuid eax_in='0x00000000' ecx_in='0x00' eax='0x00000007' ebx='0x756e6547' ecx='0x6c65746e' edx='0x49656e69'/>
  <cpuid eax_in='0x00000001' ecx_in='0x00' eax='0x000806f8' ebx='0x00100800' ecx='0xf7fa3203' edx='0x0f8bfbff'/>
  <cpuid eax_in='0x00000007' ecx_in='0x00' eax='0x00000000' ebx='0x00000020' ecx='0x00000000' edx='0x00000000'/>
  <cpuid eax_in='0x80000000' ecx_in='0x00' eax='0x80000001' ebx='0x00000000' ecx='0x00000000' edx='0x00000000'/>
  <cpuid eax_in='0x80000001' ecx_in='0x00' eax='0x00000000' ebx='0x00000000' ecx='0x00000121' edx='0x2c100800'/>
</cpudata>
DUMP
expect 0 migctl snapshot import cpuid.txt -o cpuid.json --name lab7
says_not error
expect 0 migctl snapshot show -o json cpuid.json
valid snapshot
expect 0 migctl snapshot import guest.xml
valid snapshot
expect 0 migctl baseline --allow-unsigned cpuid.txt guest.xml
says 'foreign' 'coverage/'
mkdir a b
cp cpuid.txt a/host.txt
cp guest.xml b/host.xml
expect 0 migctl negotiate --allow-unsigned a/host.txt b/host.xml
says 'source a/host.txt' 'destination b/host.xml'
expect 2 migctl snapshot import alpha.sealed
says 'is sealed'

# Names that are no file.
expect 2 migctl negotiate nosuch "$icelake"
says "'nosuch' is no HOST: expected a configured name, HOST:PORT"
expect 2 migctl negotiate ./nosuch "$icelake"
says './nosuch: No such file or directory'
expect 2 migctl negotiate a "$icelake"
says 'a: is a directory'

# Contents that are no snapshot: message names the file, verdict is unknown.
bad() { # TEXT...
    expect 4 migctl negotiate "${ca[@]}" --allow-unsigned bad.json "$icelake"
    says 'bad.json: ' 'verdict: unknown' "$@"
    expect 4 migctl snapshot show "${ca[@]}" bad.json
}
echo 'Dear diary' >bad.json
bad trust/malformed
: >bad.json
bad trust/malformed
jq . "$icelake" | sed 's/"arch": /"arch": "arm64",\n  "arch": /' >bad.json
bad 'duplicate'
(printf '{"apiVersion":"migctl/v1","kind":"Snapshot","facts":'; printf '{"a":%.0s' $(seq 5000)) >bad.json
bad trust/malformed
jq '.registers["x86/cpuid/7.0/ebx"] = "0x1ffffffff"' "$icelake" >bad.json
bad 'x86/cpuid/7.0/ebx'
jq '.registers["x86/cpuid/7.0/ebx"] = 1e400' "$icelake" 2>/dev/null >bad.json
bad 'x86/cpuid/7.0/ebx'
sed 's/"0x[0-9a-f]*"/"0b10x1"/' "$icelake" >bad.json
bad trust/malformed
jq '.apiVersion = "migctl/v9"' "$icelake" >bad.json
bad 'migctl/v9'
head -c 700 alpha.sealed >bad.json
bad trust/
# One flipped bit, anywhere.
size=$(stat -c %s alpha.sealed)
for at in 40 $((size / 2)) $((size - 5)); do
    cp alpha.sealed bad.json
    byte=$(od -An -tu1 -j "$at" -N1 alpha.sealed)
    printf '%b' "\\x$(printf '%02x' $((byte ^ 1)))" | dd of=bad.json bs=1 seek="$at" conv=notrunc status=none
    bad trust/
done
# An authority that is none says nothing about the file.
expect 2 migctl snapshot verify --ca bad.json alpha.sealed
expect 2 migctl snapshot show --ca bad.json alpha.sealed
# Larger than any snapshot.
head -c 9000000 /dev/zero >bad.json
bad 'larger than'

# Sealed by another fleet.
migctl pki init other >/dev/null
migctl pki issue other agent alpha >/dev/null
mig-agentd snapshot --config /dev/null --ca other/ca-cert.pem --cert other/alpha-cert.pem \
    --key other/alpha-key.pem --replay "$icelake" -o foreign.sealed 2>/dev/null || fail "seal"
expect 4 migctl negotiate "${ca[@]}" --allow-unsigned foreign.sealed beta.sealed
says 'verdict: unknown' 'trust/unverified' 'foreign.sealed'
expect 4 migctl snapshot verify "${ca[@]}" foreign.sealed
expect 4 migctl snapshot verify "${ca[@]}" "$icelake"
says 'carries no signature'
expect 0 migctl snapshot verify "${ca[@]}" alpha.sealed
# Revoked since.
migctl pki revoke "$pki" beta >/dev/null
expect 4 migctl negotiate "${ca[@]}" --crl "$pki/crl.pem" alpha.sealed beta.sealed
says 'revoked'

# Age.
seal alpha alpha.sealed
expect 0 migctl negotiate "${ca[@]}" alpha.sealed beta.sealed
sleep 2
expect 4 migctl negotiate "${ca[@]}" --max-age 1s alpha.sealed beta.sealed
says 'trust/expired'

# Options that mean nothing.
expect 2 migctl negotiate --tolerate everything a.json b.json
says "unknown group 'everything'" 'kvm-cap'
expect 2 migctl negotiate --allow warp-drive a.json b.json
says "'warp-drive' is no opt-in feature; they are"
grep -q ',$' err && fail "a list ends with a comma"
expect 2 migctl negotiate --minimum x86-64-v9 a.json b.json
says 'unknown level'
expect 2 migctl negotiate -o xml a.json b.json
says "expected table, json or yaml"
expect 2 migctl negotiate --color sometimes a.json b.json
says "color: expected auto, always or never, got 'sometimes'"
expect 2 migctl negotiate --fail-on sometimes a.json b.json
expect 2 migctl frobnicate
says "unknown verb 'frobnicate'"
expect 0 migctl help negotiate
says 'usage: migctl negotiate' '--via-source'
expect 0 migctl --version

# The replay of a replay is as old as what was replayed first.
read -ra agent <<<"$(as alpha)"
read -ra me <<<"$(as olga)"
expect 0 mig-agentd snapshot --config /dev/null "${agent[@]}" --kvm /nonexistent -o "$dir/first.sealed"
expect 0 mig-agentd snapshot --config /dev/null "${agent[@]}" --replay "$dir/first.sealed" \
    -o "$dir/second.sealed"
sleep 1.1
expect 0 mig-agentd snapshot --config /dev/null "${agent[@]}" --replay "$dir/second.sealed" \
    -o "$dir/third.sealed"
expect 0 migctl snapshot show "${me[@]}" -o json "$dir/second.sealed"
origin=$(jq -c '[.facts["replay.issued-at"], .facts["replay.kind"]] | map(.value)' "$dir/out")
expect 0 migctl snapshot show "${me[@]}" -o json "$dir/third.sealed"
json '[.facts["replay.issued-at"], .facts["replay.kind"]] | map(.value)' "$origin"
[ "$origin" != '[null,null]' ] || fail "no origin"
