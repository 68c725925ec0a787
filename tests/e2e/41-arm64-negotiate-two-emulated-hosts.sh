#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Two emulated arm64 hosts of one model that differ in what they can give run
# the agent; migctl on this machine asks both over mutual TLS.  The profile that
# it makes is then restored on both, and guests on both see it.
# shellcheck source-path=SCRIPTDIR source=lib.bash
source "$(dirname "$0")/lib.bash"
# shellcheck source=arm64.bash
source "$(dirname "$0")/arm64.bash"
make_fleet
read -ra me <<<"$(as olga)"
kernel linux-image-6.12-cloud-arm64

serve() { # NAME CPU [options]: sets $where, as start does
    local name=$1
    mkdir -p "$dir/$name"
    "$MIG_SOURCE/tests/tools/emulated-host" --arch arm64 --first "$arm64/tests/first" \
        --kernel "$kernel" --cpu "$2" --smp 1 --out "$dir/$name" --forward 7443 --seconds 250 \
        --program "$arm64/bin/mig-agentd" --file "/ca.pem=$pki/ca-cert.pem" \
        --file "/cert.pem=$pki/$name-cert.pem" --file "/key.pem=$pki/$name-key.pem" "${@:3}" \
        "/bin/mig-agentd --config /dev/null --listen 10.0.2.15:7443 --ca /ca.pem --cert /cert.pem --key /key.pem" \
        >"$dir/$name/log" 2>&1 &
    pids+=($!)
}

# An emulated network takes connections before anybody listens; the console
# tells when somebody does.
served() { # NAME
    local try
    for try in $(seq 600); do
        if grep -qs 'listening on' "$dir/$1/console"; then
            where=$(cat "$dir/$1/forward")
            return 0
        fi
        sleep 0.05
    done
    cat "$dir/$1/log" "$dir/$1/console"
    fail "$1 does not listen (try $try)"
}

serve alpha "$max"
serve beta "$max,sve-max-vq=2" --append "arm64.nobti arm64.nolva"
served alpha
alpha=$where
served beta
beta=$where

for name in alpha beta; do
    expect 0 migctl snapshot get "${me[@]}" "${!name}" -o "$dir/$name.sealed"
    expect 0 migctl snapshot show "${me[@]}" -o json "$dir/$name.sealed"
    cp "$dir/out" "$dir/$name.json"
    json '.stamp.host' "\"$name\""
    json '.arch' '"arm64"'
done
jq -s -e '.[0].registers["arm64/MIDR_EL1"] == .[1].registers["arm64/MIDR_EL1"] and
    .[0].registers["arm64/ID_AA64PFR1_EL1"] != .[1].registers["arm64/ID_AA64PFR1_EL1"]' \
    "$dir/alpha.json" "$dir/beta.json" >/dev/null || fail "the hosts are not as they were made"

expect 0 migctl negotiate "${me[@]}" -o json "$alpha" "$beta"
valid negotiation
json '[.verdict, .passthrough]' '["compatible-on-profile","incompatible"]'
json '[.hosts[].name]' '["alpha","beta"]'
json '[.hosts[].kind]' '["live","live"]'
# Both tried the levelled profile, and a guest on each saw it.
json '[.proofs[] | [.host, .of, .outcome, .ran, .compared > 40]]' \
    '[["alpha","profile","held",true,true],["beta","profile","held",true,true]]'
json '[.findings[] | select(.severity == "blocker")]' '[]'
json '[.findings[].id] | sort' \
    '["arm64/ID_AA64MMFR0_EL1/PARANGE","arm64/ID_AA64MMFR0_EL1/TGRAN4","arm64/ID_AA64MMFR2_EL1/VARange","arm64/ID_AA64PFR1_EL1/BT","arm64/sve/vl","host/ipa-bits"]'
json '.profile.limits["sve-vl"]' '[128,256]'
cp "$dir/out" "$dir/negotiation"
expect 0 migctl negotiate "${me[@]}" -o json "$beta" "$alpha"
json '.profile' "$(jq -c .profile "$dir/negotiation")"
expect 1 migctl diff "${me[@]}" "$alpha" "$beta"
expect 0 migctl diff "${me[@]}" "$alpha" "$dir/alpha.sealed"

# A host that is gone is no verdict.
kill "${pids[1]}"
wait "${pids[1]}" 2>/dev/null
expect 5 migctl negotiate "${me[@]}" "$alpha" "$beta"

# The profile as a VMM writes it: features that both take, the longest common
# vectors, then registers.
{
    jq -s -r '"features \([.[].registers["host/vcpu-features"]] | unique[])"' "$dir/alpha.json" \
        "$dir/beta.json"
    jq -r '"vls \([.profile.limits["sve-vl"][] / 128 - 1 | pow(2; .)] | add)"' "$dir/negotiation"
    jq -r '.profile.registers | to_entries[] | "\(.key) \(.value)"' "$dir/negotiation" |
        "$MIG_BUILD/tests/arm64_ids"
} >"$dir/profile"
sed -i 's/^features 0x7e$/features 0x7c/' "$dir/profile" # 32-bit EL1 excludes the others
[ "$(grep -c '^features 0x7c$' "$dir/profile")" = 1 ] || fail "the hosts take other vCPU features"

restore() { # NAME CPU [options]
    emulate "$1.restored" "$kernel" "${@:2}" --file "/restore/profile=$dir/profile" \
        "/bin/arm64_restore restore /restore"
}

restored() { # NAME PID
    local answers=$dir/$1.restored/1
    emulated "$1.restored" "$2"
    expect 0 "$MIG_BUILD/tests/arm64_compare" "$dir/$1.json" <"$answers"
    says ' 0 taken and changed, ' ' 0 otherwise'
    awk '$2 == "set" && ($5 != "0" || $6 != $4)' "$answers" >"$dir/out"
    [ ! -s "$dir/out" ] || fail "$1 does not take the profile"
    [ "$(grep -c ' seen ' "$answers")" -ge 40 ] || fail "no guest ran on $1"
}

restore alpha "$max" &
alpha=$!
restore beta "$max,sve-max-vq=2" --append "arm64.nobti arm64.nolva" &
restored beta $!
restored alpha $alpha
cmp <(grep ' seen ' "$dir/alpha.restored/1") <(grep ' seen ' "$dir/beta.restored/1") ||
    fail "guests on the two hosts see different registers"
