#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A folder of snapshots as a pool: joins, joins with loss, refused, unknown.
# shellcheck source-path=SCRIPTDIR source=lib.bash
source "$(dirname "$0")/lib.bash"
requires jq
tolerant=(--allow-unsigned --tolerate "kvm-cap,tsc,msr,msr-list")
pool=$dir/pool
mkdir "$pool"
cp "$hosts"/intel-sapphire-rapids-6.1.json "$hosts"/intel-icelake-6.1.json "$pool"
echo 'What these files are' >"$pool/README"

expect 0 migctl pool check "${tolerant[@]}" "$pool" "$hosts/intel-granite-rapids-6.1.json"
says 'answer: joins ' 'README is not in the pool'
expect 0 migctl pool check "${tolerant[@]}" -o json "$pool" "$hosts/intel-granite-rapids-6.1.json"
valid pool-check
json '[.answer, .lost]' '["joins",[]]'
json '[.members[].name]' '["intel-icelake-6.1","intel-sapphire-rapids-6.1"]'

expect 3 migctl pool check "${tolerant[@]}" "$pool" "$cascadelake"
says 'answer: joins-with-loss' 'x86/cpuid/7.0/ecx/8 1 -> 0 gfni'
expect 3 migctl pool check "${tolerant[@]}" -o json "$pool" "$cascadelake"
valid pool-check
json '[.lost[].name] | index("gfni") != null' true
json '.poolProfile.digest != .profile.digest' true
expect 0 migctl pool check "${tolerant[@]}" --fail-on never "$pool" "$cascadelake"

expect 1 migctl pool check "${tolerant[@]}" "$pool" "$milan"
says 'answer: refused' 'GenuineIntel'
expect 1 migctl pool check "${tolerant[@]}" -o json "$pool" "$milan"
valid pool-check
json '.profile' null

# Completeness is implied, signatures are asked for.
expect 4 migctl pool check --allow-unsigned "$pool" "$cascadelake"
says 'answer: unknown' 'coverage/kvm-cap'
expect 4 migctl pool check --tolerate kvm-cap,tsc,msr,msr-list "$pool" "$cascadelake"
says 'answer: unknown' 'trust/unsigned'

# A member measured again is held against the others.
expect 3 migctl pool check "${tolerant[@]}" "$pool" "$icelake"
says 'is an older snapshot of the same host and was left out'

# A member that can not be read leaves no answer.
echo '{"apiVersion": "migctl/v1"' >"$pool/broken.json"
expect 4 migctl pool check "${tolerant[@]}" "$pool" "$cascadelake"
says 'answer: unknown' 'broken.json' 'trust/malformed'
rm "$pool/broken.json"

# A member that is not there leaves none either, and two of one host are named.
ln -s nowhere "$pool/gone.json"
expect 2 migctl pool check "${tolerant[@]}" "$pool" "$cascadelake"
says 'gone.json: No such file'
rm "$pool/gone.json"
cp "$icelake" "$pool/twice.json"
expect 2 migctl pool check "${tolerant[@]}" "$pool" "$cascadelake"
says "'intel-icelake-6.1', $pool/intel-icelake-6.1.json and $pool/twice.json"
rm "$pool/twice.json"

# Members that share nothing are no pool.
cp "$milan" "$pool"
expect 4 migctl pool check "${tolerant[@]}" "$pool" "$cascadelake"
says 'answer: unknown' 'pool/no-profile'
rm "$pool/amd-milan-6.1.json"

mkdir "$dir/empty"
expect 2 migctl pool check "${tolerant[@]}" "$dir/empty" "$cascadelake"
says 'holds no snapshot of another host'
expect 2 migctl pool check "${tolerant[@]}" "$dir/nosuch" "$cascadelake"
expect 2 migctl pool "$pool" "$cascadelake"
expect 2 migctl pool check "$pool"

# Sealed members and a live host.
make_fleet
read -ra me <<<"$(as olga)"
mkdir "$dir/sealed"
# shellcheck disable=SC2046
mig-agentd snapshot --config /dev/null $(as beta) --replay "$icelake" -o "$dir/sealed/beta.sealed" \
    2>/dev/null || fail "seal"
start_agent alpha "$cascadelake"
expect 3 migctl pool check "${me[@]}" --tolerate kvm-cap,tsc,msr,msr-list "$dir/sealed" "$where"
says 'alpha: replayed' 'beta: replayed' 'x86/cpuid/7.0/ecx/8 1 -> 0 gfni'
expect 5 migctl pool check "${me[@]}" "$dir/sealed" 127.0.0.1:1
