#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What sites insist on: our own policy and those that agents sign; the stricter
# wins, and its name is told.
# shellcheck source-path=SCRIPTDIR source=lib.bash
source "$(dirname "$0")/lib.bash"
requires jq
make_fleet
read -ra me <<<"$(as olga)"
cd "$dir" || exit 1

policy() { # NAME LINE...
    printf '%s\n' "${@:2}" >"$dir/$1.policy"
}

finding() { # ID EXPECTED
    json "[.findings[] | select(.id == \"$1\") | .why] | length" "$2"
}

# Our own, for every verb that judges.
policy own 'minimum = x86-64-v4'
expect 0 migctl negotiate --allow-unsigned "$icelake" "$cascadelake"
expect 0 migctl negotiate --allow-unsigned --policy own.policy "$icelake" "$cascadelake"
expect 1 migctl baseline --allow-unsigned --policy own.policy "$milan"
says 'policy/minimum' 'policy own.policy demands x86-64-v4'
expect 1 migctl baseline --allow-unsigned --policy own.policy --minimum x86-64-v2 "$milan"
says 'demands x86-64-v4'
policy own 'minimum = x86-64-v2'
expect 1 migctl baseline --allow-unsigned --policy own.policy --minimum x86-64-v4 "$milan"
says 'policy/minimum'
says_not 'own.policy demands'

# The other architecture: its versions, which are not all in one line.
n1=$MIG_SOURCE/tests/hosts/arm-neoverse-n1-6.1.json
v1=$MIG_SOURCE/tests/hosts/arm-neoverse-v1-6.1.json
max=$MIG_SOURCE/tests/hosts/emulated-arm-max-6.12.json
nosve=$MIG_SOURCE/tests/hosts/emulated-arm-max-nosve-6.12.json
expect 0 migctl baseline --allow-unsigned -o json "$n1"
valid baseline
json '.profile.level' '"Armv8.2"'
expect 0 migctl baseline --allow-unsigned --minimum Armv8.2 "$n1"
says 'level: Armv8.2'
expect 1 migctl baseline --allow-unsigned --minimum Armv8.4 -o json "$n1"
valid baseline
json '.findings[] | select(.id == "policy/minimum") | [.why, .remedy]' \
    '["the common profile is below Armv8.4: it has no FEAT_FCMA, which is missing on arm-neoverse-n1-6.1","take other hosts, or lower the policy'"'"'s minimum"]'
expect 0 migctl baseline --allow-unsigned --minimum Armv9.1 "$max"
says 'level: Armv9.1'
expect 0 migctl baseline --allow-unsigned --minimum Armv8.6 "$nosve"
policy own 'minimum = Armv9.0'
expect 1 migctl baseline --allow-unsigned --minimum Armv8.6 --policy own.policy "$nosve"
says 'below Armv9.1' 'FEAT_SVE' 'own.policy demands Armv9.0'
expect 1 migctl negotiate --allow-unsigned --minimum Armv8.4 "$n1" "$v1"
says 'policy/minimum' 'FEAT_FCMA' 'which is missing on' 'leave out arm-neoverse-n1-6.1'

# A minimum of the other architecture only asks nothing: say so.
expect 2 migctl negotiate --allow-unsigned --minimum x86-64-v2 "$n1" "$v1"
says 'minimum: x86-64-v2 says nothing of arm64, whose levels are Armv8.0 to Armv9.1'
expect 2 migctl baseline --allow-unsigned --minimum Armv8.2 "$icelake"
says 'Armv8.2 says nothing of x86-64, whose levels are x86-64-v1 to x86-64-v4'
expect 2 migctl baseline --allow-unsigned --minimum Armv8.7 "$n1"
says "unknown level 'Armv8.7'; levels are x86-64-v1 to x86-64-v4, Armv8.0 to Armv9.1"
policy own 'minimum = x86-64-v2'
expect 2 migctl baseline --allow-unsigned --policy own.policy "$n1"
says 'policy own.policy: minimum: x86-64-v2 says nothing of arm64'
policy own 'minimum = x86-64-v2, Armv8.2'
expect 0 migctl baseline --allow-unsigned --policy own.policy "$n1"
expect 0 migctl baseline --allow-unsigned --policy own.policy "$icelake"
expect 1 migctl negotiate --allow-unsigned --minimum x86-64-v2 "$icelake" "$n1"
says 'host/arch'

# Evidence that does not tell: no answer, and none that is good.
jq 'del(.registers["arm64/ID_AA64ISAR1_EL1"]) | del(.registers["arm64/ID_AA64ISAR0_EL1"])' \
    "$max" >open.json
expect 4 migctl baseline --allow-unsigned --minimum Armv8.4 open.json

# A policy that is wrong is said with its line; one that is named must be there.
policy own '# ours' 'minimum = x86-64-v9'
expect 2 migctl baseline --policy own.policy "$milan"
says 'own.policy: line 2: minimum: unknown level'
policy own 'agree = always'
expect 2 migctl baseline --policy own.policy "$milan"
says "unknown key 'agree'"
policy own 'allow = mpx,warp'
expect 2 migctl baseline --policy own.policy "$milan"
says "'warp' is no opt-in feature; they are"
expect 2 migctl baseline --policy nosuch.policy "$milan"
says 'nosuch.policy'
printf 'allow = mpx\n\0security = block\n' >own.policy
expect 2 migctl baseline --policy own.policy "$milan"
says 'own.policy: holds a NUL byte, expected text'
expect 2 migctl baseline --policy /dev/zero "$milan"
says '/dev/zero: larger than'

# Opt-ins: what a policy does not allow is not offered, and that is said.
policy own 'allow = pmu'
expect 0 migctl baseline --allow-unsigned --policy own.policy --allow mpx,pmu -o json "$cascadelake"
finding policy/allow 1
json '.profile.features | index("mpx")' null
says 'mpx not offered: policy own.policy does not allow it'
expect 0 migctl baseline --allow-unsigned --allow mpx -o json "$cascadelake"
finding policy/allow 0
json '.profile.features | index("mpx") != null' true

# Groups: --tolerate is held to what the policy tolerates.
policy own 'tolerate = tsc'
uncovered=$(migctl baseline --allow-unsigned -o json "$icelake" | jq -r '.uncovered | join(",")')
[ -n "$uncovered" ] || fail "$icelake covers everything"
expect 0 migctl baseline --allow-unsigned --require-complete --tolerate "$uncovered" "$icelake"
expect 4 migctl baseline --allow-unsigned --require-complete --tolerate "$uncovered" \
    --policy own.policy "$icelake"
says 'verdict: unknown' 'policy own.policy does not tolerate that'

# Two agents, each with its own.
policy alpha 'minimum = x86-64-v2' 'max-age = 7d' 'allow = mpx,pmu'
policy beta 'minimum = x86-64-v3' 'security = warn' 'allow = nested,mpx'
start_agent alpha "$icelake" --policy "$dir/alpha.policy"
alpha=alpha@$where
start_agent beta "$cascadelake" --policy "$dir/beta.policy"
beta=beta@$where
beta_pid=${pids[-1]}
expect 0 migctl snapshot show "${me[@]}" "$beta"
says 'policy.minimum: x86-64-v3' 'policy.security: warn' 'policy.allow: mpx,nested'
expect 0 migctl negotiate "${me[@]}" --allow mpx,pmu,nested -o json "$alpha" "$beta"
valid negotiation
finding policy/allow 1
says 'nested not offered: the policy of alpha does not allow it' \
    'pmu not offered: the policy of beta does not allow it'

# The capability digest knows no policy.
bare=$(migctl negotiate --allow-unsigned -o json "$icelake" "$cascadelake" |
    jq -c '[.hosts[].capabilityDigest]')
json '[.hosts[].capabilityDigest]' "$bare"

# The stricter minimum wins, whoever has it, and it is read again on SIGHUP.
policy beta 'minimum = x86-64-v4'
start_agent alpha "$milan" --policy "$dir/alpha.policy"
alpha=alpha@$where
expect 0 migctl baseline "${me[@]}" "$alpha"
kill -HUP "$beta_pid"
for _ in $(seq 100); do
    grep -q 'policy read again' "$dir/beta.log" && break
    sleep 0.05
done
expect 0 migctl snapshot show "${me[@]}" "$beta"
says 'policy.minimum: x86-64-v4'
says_not 'policy.security'
policy own 'minimum = x86-64-v4'
expect 1 migctl baseline "${me[@]}" --policy own.policy "$alpha"
says 'policy own.policy demands x86-64-v4'

# One that can not be read again stays; an agent does not start with a wrong one.
policy beta 'minimum = mine'
kill -HUP "$beta_pid"
for _ in $(seq 100); do
    grep -q 'policy stays as it was' "$dir/beta.log" && break
    sleep 0.05
done
grep -q "policy stays as it was: .*beta.policy: line 1: minimum" "$dir/beta.log" ||
    fail "SIGHUP: no message"
expect 0 migctl snapshot show "${me[@]}" "$beta"
says 'policy.minimum: x86-64-v4'
read -ra as_beta <<<"$(as beta)"
expect 2 mig-agentd --config /dev/null "${as_beta[@]}" --listen 127.0.0.1:0 --replay "$cascadelake" \
    --policy "$dir/beta.policy"
says 'beta.policy: line 1: minimum'
expect 2 mig-agentd --check --config /dev/null "${as_beta[@]}" --listen 127.0.0.1:0 \
    --replay "$cascadelake" --policy "$dir/beta.policy"
says 'FAIL policy:'

# Age: filed evidence by the shorter word, live evidence by none.
policy gamma 'max-age = 1s'
issue agent gamma
read -ra as_gamma <<<"$(as gamma)"
mig-agentd snapshot --config /dev/null "${as_gamma[@]}" --replay "$cascadelake" \
    --policy gamma.policy -o gamma.sealed 2>"$dir/err" || fail "mig-agentd snapshot"
start_puppet alpha "$icelake"
alpha=alpha@$where
sleep 2.1
expect 4 migctl negotiate "${me[@]}" "$alpha" gamma.sealed
says 'trust/expired' 'by the policy of gamma'
expect 0 migctl baseline "${me[@]}" --policy gamma.policy "$alpha"
expect 4 migctl baseline "${me[@]}" --policy gamma.policy gamma.sealed
says 'by policy gamma.policy'

# What an agent replays keeps to the policy that was signed with it.
policy delta 'max-age = 1d' 'security = block'
mig-agentd snapshot --config /dev/null "${as_gamma[@]}" --replay gamma.sealed \
    --policy delta.policy -o again.sealed 2>"$dir/err" || fail "replay of a replay"
expect 0 migctl snapshot show "${me[@]}" again.sealed
says 'policy.max-age: 1s' 'policy.security: block'

# A policy that we do not understand can not be kept.
jq '.facts["policy.agree"] = {value: "always"}' "$icelake" >newer.json
expect 4 migctl baseline --allow-unsigned newer.json
says 'verdict: unknown' 'trust/policy' "unknown key 'agree'"
exit 0
