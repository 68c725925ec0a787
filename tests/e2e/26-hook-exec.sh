#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The gate runs its command on a yes from live evidence, and on nothing else.
# shellcheck source-path=SCRIPTDIR source=lib.bash
source "$(dirname "$0")/lib.bash"
requires jq
make_fleet
issue agent gamma
# Live evidence of three hosts; their dumps leave groups uncovered.
start_puppet alpha "$icelake"
alpha=$where
start_puppet beta "$cascadelake"
beta=$where
start_puppet gamma "$icelake"
gamma=$where
read -ra me <<<"$(as olga)"
me+=(--tolerate "kvm-cap,tsc,msr,msr-list")

ran() {
    [ -e "$dir/ran" ] || fail "the command did not run"
    rm "$dir/ran"
}
not_run() {
    [ ! -e "$dir/ran" ] || fail "the command ran"
}

# Yes: the command's own status, arguments and output.
expect 0 mig-hook exec "${me[@]}" "$alpha" "$gamma" -- touch "$dir/ran"
ran
# shellcheck disable=SC2016
expect 7 mig-hook exec "${me[@]}" "$alpha" "$gamma" -- sh -c 'echo "$1 $#"; exit 7' sh '--via-source' b
[ "$(cat "$dir/out")" = '--via-source 2' ] || fail "arguments"
[ ! -s "$dir/err" ] || fail "a yes is silent"
expect 127 mig-hook exec "${me[@]}" "$alpha" "$gamma" -- /nonexistent/command
expect 126 mig-hook exec "${me[@]}" "$alpha" "$gamma" -- /etc/passwd

# The hosts differ: only for a guest that was booted on the profile.
expect 3 mig-hook exec "${me[@]}" "$alpha" "$beta" -- touch "$dir/ran"
not_run
[ ! -s "$dir/out" ] || fail "reasons belong on stderr"
says 'verdict: compatible-on-profile' 'gfni'
expect 0 mig-hook exec "${me[@]}" --on-profile "$alpha" "$beta" -- touch "$dir/ran"
ran
says 'taken on trust'
expect 0 migctl negotiate "${me[@]}" -o json "$alpha" "$beta"
digest=$(jq -r .profile.digest "$dir/out")
expect 0 mig-hook exec "${me[@]}" --on-profile --profile-digest "$digest" "$alpha" "$beta" -- \
    touch "$dir/ran"
ran
expect 3 mig-hook exec "${me[@]}" --on-profile --profile-digest "${digest//[0-7]/8}" "$alpha" \
    "$beta" -- touch "$dir/ran"
not_run
says "share profile $digest, not"

# Incomplete, offline, filed, unsigned, unreachable, wrong: no.
read -ra bare <<<"$(as olga)"
expect 4 mig-hook exec "${bare[@]}" "$alpha" "$gamma" -- touch "$dir/ran"
not_run
says 'coverage/kvm-cap'
issue agent delta
start_agent delta "$icelake"
expect 4 mig-hook exec "${me[@]}" "$alpha" "$where" -- touch "$dir/ran"
not_run
says 'trust/not-live' 'replayed'
expect 0 migctl snapshot get "${me[@]}" "$gamma" -o "$dir/gamma.sealed"
expect 4 mig-hook exec "${me[@]}" "$alpha" "$dir/gamma.sealed" -- touch "$dir/ran"
not_run
says 'trust/not-live' 'filed'
expect 4 mig-hook exec "${me[@]}" --allow-unsigned "$alpha" "$cascadelake" -- touch "$dir/ran"
not_run
says 'trust/unsigned'
expect 5 mig-hook exec "${me[@]}" "$alpha" 127.0.0.1:1 -- touch "$dir/ran"
not_run
says 'mig-hook: 127.0.0.1:1: connect: Connection refused'
issue agent epsilon
start_puppet epsilon "$milan"
expect 1 mig-hook exec "${me[@]}" "$alpha" "$where" -- touch "$dir/ran"
not_run
expect 1 mig-hook exec "${me[@]}" --on-profile "$alpha" "$where" -- touch "$dir/ran"
not_run
expect 2 mig-hook exec "${me[@]}" "$alpha" "$gamma"
expect 2 mig-hook exec "${me[@]}" "$alpha" -- touch "$dir/ran"
expect 2 mig-hook exec "${me[@]}" --profile-digest 12 --on-profile "$alpha" "$gamma" -- true
expect 2 mig-hook
not_run
expect 0 mig-hook exec --help

# This machine's own KVM under two names, where there is one.
if [ -r /dev/kvm ] && [ -w /dev/kvm ]; then
    issue agent here
    issue agent there
    # shellcheck disable=SC2046
    start here mig-agentd --config /dev/null $(as here) --listen 127.0.0.1:0
    here=$where
    # shellcheck disable=SC2046
    start there mig-agentd --config /dev/null $(as there) --listen 127.0.0.1:0
    expect 0 mig-hook exec "${bare[@]}" -t 20s "$here" "$where" -- touch "$dir/ran"
    ran
fi
