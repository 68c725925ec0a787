#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The operator reaches only the source: its agent asks the destination's, and
# a source that lies gains nothing.
# shellcheck source-path=SCRIPTDIR source=lib.bash
source "$(dirname "$0")/lib.bash"
requires jq
make_fleet
issue agent gamma
start_agent alpha "$icelake"
alpha=$where
start_agent beta "$cascadelake"
beta=$where
read -ra me <<<"$(as olga)"

expect 0 migctl negotiate "${me[@]}" -o json --via-source "$alpha" "$beta"
json '[.verdict, .hosts[0].name, .hosts[1].name]' '["compatible-on-profile","alpha","beta"]'
expect 0 migctl negotiate "${me[@]}" --via-source "alpha@$alpha" "beta@$beta"
grep -q 'audit: agent/alpha' "$dir/beta.log" || fail "beta was not asked by alpha"
expect 4 migctl negotiate "${me[@]}" --via-source "$alpha" "gamma@$beta"
says "expected 'gamma'"

# A destination that is not there: told by the source, with its phase.
expect 5 migctl negotiate "${me[@]}" --via-source "$alpha" 127.0.0.1:1
says "alpha ($alpha): " 'destination 127.0.0.1:1' 'connect'
expect 2 migctl negotiate "${me[@]}" --via-source "$alpha" "$cascadelake"
says '--via-source needs two live hosts'

# It hands over itself as the destination.
start_puppet gamma "$cascadelake" self
expect 4 migctl negotiate "${me[@]}" --via-source "$where" "$beta"
says 'verdict: unknown' 'trust/wrong-host' "source 'gamma' answered for the destination"
expect 4 migctl negotiate "${me[@]}" --via-source "$where" "beta@$beta"
says "is a snapshot of host 'gamma', expected host 'beta'"

# It hands over an older answer of the real destination.
expect 0 migctl snapshot get "${me[@]}" "$beta" -o "$dir/beta.sealed"
start_puppet gamma "$cascadelake" "file:$dir/beta.sealed"
expect 4 migctl negotiate "${me[@]}" -o json --via-source "$where" "beta@$beta"
valid negotiation
json '[.verdict, (.findings[] | select(.id | startswith("trust/")).id)]' \
    '["unknown","trust/replayed"]'
says 'answers another request (replayed)'

# It hands over what no fleet member has signed.
head -c 600 "$dir/beta.sealed" >"$dir/cut.sealed"
start_puppet gamma "$cascadelake" "file:$dir/cut.sealed"
expect 4 migctl negotiate "${me[@]}" --via-source "$where" "$beta"
says 'verdict: unknown' 'trust/'
