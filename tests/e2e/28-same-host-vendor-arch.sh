#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Pairs that need no look at their features: one blocker, not hundreds.
# shellcheck source-path=SCRIPTDIR source=lib.bash
source "$(dirname "$0")/lib.bash"
requires jq

expect 1 migctl negotiate --allow-unsigned -o json "$icelake" "$milan"
valid negotiation
json '[.verdict, .profile, ([.findings[] | select(.severity == "blocker")] | length)]' \
    '["incompatible",null,1]'
json '.findings | length' 1
json '.findings[0].why | test("GenuineIntel.*AuthenticAMD")' true
expect 0 migctl negotiate --allow-unsigned --fail-on never "$icelake" "$milan"

jq '.arch = "arm64" | .stamp = {} | .registers = {} | .unreadable = {} | .groups = {idreg: {coverage: "full"}}' \
    "$icelake" >"$dir/graviton.json"
expect 1 migctl negotiate --allow-unsigned -o json "$icelake" "$dir/graviton.json"
valid negotiation
json '[.verdict, (.findings | length), .findings[0].id]' '["incompatible",1,"host/arch"]'
expect 1 migctl baseline --allow-unsigned "$icelake" "$cascadelake" "$dir/graviton.json"
says 'host/arch' 'choose hosts of one architecture'

# Evidence that does not name the CPU: nothing is known.
jq '.facts["kernel.release"].value = "6.12" | .groups["kvm-cap"] = {coverage: "full"}' \
    "$dir/graviton.json" >"$dir/neoverse.json"
expect 4 migctl negotiate --allow-unsigned -o json "$dir/graviton.json" "$dir/neoverse.json"
valid negotiation
json '[.verdict, .passthrough, .profile]' '["unknown","unknown",null]'
json '[.findings[].id] | map(select(startswith("host/vendor/"))) | length' 2

expect 2 migctl negotiate --allow-unsigned "$icelake" "$icelake"
says 'source and destination are the same host'
ln "$icelake" "$dir/link.json" 2>/dev/null || cp "$icelake" "$dir/link.json"
ln -s "$icelake" "$dir/symlink.json"
expect 2 migctl negotiate --allow-unsigned "$icelake" "$dir/symlink.json"
says 'source and destination are the same host'
expect 2 migctl baseline --allow-unsigned "$cascadelake" "$icelake" "$icelake"
says 'the same host is named twice'

# One capture under two names is two hosts that are alike.
cp "$icelake" "$dir/copy.json"
expect 2 migctl negotiate --allow-unsigned "$icelake" "$dir/copy.json"
says "source and destination are the same host 'intel-icelake-6.1'"
jq '.stamp = {}' "$icelake" >"$dir/twin.json"
expect 0 migctl negotiate --allow-unsigned -o json "$icelake" "$dir/twin.json"
json '[.verdict, .passthrough, .direction]' '["compatible","compatible","both"]'
json '.hosts[0].capabilityDigest == .hosts[1].capabilityDigest' true
