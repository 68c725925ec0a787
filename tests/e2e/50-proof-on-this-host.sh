#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What this machine's KVM can show, tried on it: a KVM that honours CPUID tables
# holds; one that shows every guest the features of its own CPU is told apart.
# shellcheck source-path=SCRIPTDIR source=lib.bash
source "$(dirname "$0")/lib.bash"
requires jq

if [ "$(uname -m)" != x86_64 ] || ! [ -r /dev/kvm ] || ! [ -w /dev/kvm ]; then
    echo "SKIP: no KVM of x86-64 can be used here: proofs on real hardware are NOT tested"
    exit 77
fi
prove=$MIG_BUILD/tests/prove

outcome() { # EXPECTED: the last line without its count
    local got
    got=$(tail -n 1 "$dir/out" | sed 's/ compared [0-9]*//')
    [ "$got" = "$1" ] || fail "expected '$1', got '$got'"
}

expect 0 mig-agentd snapshot --json
cp "$dir/out" "$dir/host"
jq 'if .registers["x86/cpuid/7.0/ebx"] then .registers["x86/cpuid/7.0/ebx"] = "0x0" else . end' \
    "$dir/host" >"$dir/masked"

for shown in host masked; do
    expect 0 "$prove" "$dir/$shown"
    [ "$shown" != host ] || cp "$dir/out" "$dir/first"
    case $(tail -n 1 "$dir/out") in
    "outcome not-enforced "*)
        outcome "outcome not-enforced ran 1"
        # Once, and no list of everything that differs.
        [ "$(wc -l <"$dir/out")" = 2 ] || fail "more was said than that nothing is enforced"
        ;;
    *) outcome "outcome held ran 1" ;;
    esac
done
tail -n 1 "$dir/first"

# No device, no KVM.
expect 0 "$prove" --kvm "$dir/missing" "$dir/host"
outcome "outcome not-tried ran 0 stage open ENOENT"
expect 0 "$prove" --kvm /dev/null "$dir/host"
outcome "outcome not-tried ran 0 stage open ENOTTY"

# A thousand proofs, each in a child, leave nothing behind in their parent.
expect 0 "$prove" --children 1000 "$dir/host"
says "children 1000 same 1000"
cat "$dir/out"
