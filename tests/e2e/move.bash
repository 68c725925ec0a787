# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Agents of this machine that guests move between.  Sourced after lib.bash, in
# $dir; ./policy.conf is what all of them insist on.

declare -A sock at agent # by name: unix socket, address as a HOST word, process id

requires_kvm() {
    if ! [ -r /dev/kvm ] || ! [ -w /dev/kvm ]; then
        echo "SKIP: no KVM can be used here, and agreements take live evidence only: NOT tested"
        exit 77
    fi
}

start_host() { # NAME [options]
    # shellcheck disable=SC2046
    start "$1" mig-agentd --config /dev/null $(as "$1") --policy "$dir/policy.conf" \
        --listen "127.0.0.1:0,unix:$dir/$1.sock" --contracts "$dir/$1-contracts" \
        --agreements "$dir/$1-agreements" --audit "$dir/$1-audit/log" -v "${@:2}"
    sock[$1]=unix:$dir/$1.sock at[$1]=$1@$where agent[$1]=${pids[-1]}
}

# What an agent keeps, as JSON: migctl contract list.
contracts() { # HOST
    # shellcheck disable=SC2046
    migctl contract list $(as olga) --agent "${sock[$1]}" -o json
}
