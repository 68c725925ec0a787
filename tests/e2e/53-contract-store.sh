#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The agent of a host signs and keeps what its guests were shown; who may ask,
# what a power cycle ends, and a guest's way over three hosts.
# shellcheck source=tests/e2e/lib.bash
. "$MIG_SOURCE/tests/e2e/lib.bash"
requires jq

cd "$dir" || exit 1
make_fleet
issue agent gamma
issue hook hugo
issue negotiator nick
ca=(--ca "$pki/ca-cert.pem")
now=$(date +%s)

# An agent that keeps contracts; sets $sock.
start_keeper() { # NAME FILE
    sock=unix:$dir/$1.sock
    # shellcheck disable=SC2046
    start "$1" mig-agentd --config /dev/null $(as "$1") --listen "127.0.0.1:0,$sock" \
        --replay "$2" --contracts "$dir/$1-contracts" -v
}
start_keeper alpha "$icelake"
tcp=alpha@$where
here() { # WHO: options to ask over the unix socket
    as "$1"
    printf ' --agent %s' "$sock"
}
read -ra olga <<<"$(here olga)"
read -ra hugo <<<"$(here hugo)"
read -ra nick <<<"$(here nick)"
read -ra beta <<<"$(here beta)"
read -ra far <<<"$(as olga)"

# Contract JSON of a guest on the profile that FILE's host grants alone.
guest() { # FILE [jq FILTER]
    migctl baseline --allow-unsigned -o json "$1" >profile.json || fail "baseline of $1"
    jq '{apiVersion: "migctl/v1", kind: "Contract", vm: "web3",
        shown: {
            arch: "x86-64",
            groups: ({cpuid: {coverage: "full"}, msr: {coverage: "full"}, tsc: {coverage: "partial"}}),
            registers: (.profile.registers | with_entries(select(.value != null))),
            unreadable: {}, facts: {"vmm.name": {value: "cloud-hypervisor"}}}}' profile.json |
        jq "${2:-.}"
}
guest "$icelake" >icelake.json
guest "$cascadelake" >cascadelake.json

# Nothing yet.
expect 0 migctl contract list "${olga[@]}"
says 'GUEST STATE INSTANCE RECORDED ON HOPS AGE SIGNATURE'
expect 0 migctl contract list "${olga[@]}" -o json
valid contract-list
json .contracts '[]'
expect 4 migctl contract show "${olga[@]}" web3
says "web3: unix:" "no contract of 'web3' is stored"
[ ! -e "$dir/alpha-contracts" ] || fail "reading makes a folder"

# Record: signed and kept by the agent.
expect 0 migctl contract record "${hugo[@]}" --from cascadelake.json --instance 7f3a
says "recorded and signed by agent 'alpha'" 'guest web3' 'instance 7f3a' 'recorded on alpha' 'evidence filed'
grep -q "audit: hook/hugo from .*: contract put web3: done" alpha.log || fail "audit"
expect 0 migctl contract record "${olga[@]}" --from cascadelake.json --vm db -o json
valid contract
[[ $(jq -r .instance out) =~ ^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$ ]] ||
    fail "no instance was made up"
json '[.vm, .recorder, .hops]' '["db","alpha",[]]'
expect 0 migctl contract list "${olga[@]}"
says 'db active' 'web3 active 7f3a alpha 0' 'good'
expect 0 migctl contract list "${olga[@]}" -o json
valid contract-list
json '[.contracts[] | [.vm, .state, .recorder, .holder, .hops, .verified, .error]]' \
    '[["db","active","alpha","alpha",0,true,null],["web3","active","alpha","alpha",0,true,null]]'
expect 0 migctl contract list "${olga[@]}" -o yaml
says 'kind: ContractList'

# From afar: operators and negotiators read.
expect 0 migctl contract list "${far[@]}" --agent "$tcp"
says 'web3 active 7f3a'
expect 0 migctl contract show "${far[@]}" --agent "$tcp" web3
says 'instance 7f3a' 'recorded on alpha'
expect 0 migctl contract verify "${far[@]}" --agent "$tcp" web3
says "web3: good signature of agent 'alpha'"
expect 0 migctl contract show "${nick[@]}" --instance 7f3a web3
expect 0 migctl contract show "${far[@]}" --agent "$tcp" -o json web3
valid contract
json '[.vm, .instance, .recorder]' '["web3","7f3a","alpha"]'

# Nobody else, and nobody from afar, changes anything.
expect 4 migctl contract record "${far[@]}" --agent "$tcp" --from icelake.json --instance 2
says "role 'operator' may ask for 'contract put' over a unix socket only"
expect 4 migctl contract forget "${far[@]}" --agent "$tcp" web3
says "role 'operator' may ask for 'contract forget' over a unix socket only"
expect 4 migctl contract record "${nick[@]}" --from icelake.json --instance 2
says "role 'negotiator' may not ask for 'contract put'"
expect 4 migctl contract list "${beta[@]}"
says "role 'agent' may not ask for 'contract list'"
grep -q "audit: negotiator/nick from .*: contract put: refused: " alpha.log || fail "audit of a refusal"
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    chmod 755 "$dir" "$pki"
    chmod 666 "$dir/alpha.sock"
    install -m 0600 -o nobody "$pki/hugo-key.pem" hugo-key.pem
    stranger() { setpriv --reuid=nobody --clear-groups "$MIG_BUILD/bin/migctl" "$@"; }
    stranger_hugo=("${ca[@]}" --cert "$pki/hugo-cert.pem" --key hugo-key.pem --agent "$sock")
    if stranger --version >/dev/null 2>&1; then
        expect 4 stranger contract forget "${stranger_hugo[@]}" web3
        says 'may not change contracts, only root and user'
        expect 0 stranger contract list "${stranger_hugo[@]}"
    fi
fi

# An instance has one contract; a power cycle ends it.
expect 0 migctl contract record "${hugo[@]}" --from cascadelake.json --instance 7f3a
expect 4 migctl contract record "${hugo[@]}" --from icelake.json --instance 7f3a
says "contract of instance '7f3a' of 'web3' is stored and says otherwise"
expect 4 migctl contract show "${olga[@]}" --instance 9999 web3
says "contract of another instance: what is stored of 'web3' is of instance '7f3a', asked for is '9999'"
expect 4 migctl contract forget "${olga[@]}" --instance 9999 web3
says 'contract of another instance'
expect 0 migctl contract record "${hugo[@]}" --from icelake.json --instance 8b00
expect 4 migctl contract show "${olga[@]}" --instance 7f3a web3
says 'contract of another instance'
expect 0 migctl contract record "${hugo[@]}" --from cascadelake.json --instance 9c11
expect 0 migctl contract check "${olga[@]}" --allow-unsigned web3 "$icelake"
says 'verdict: compatible' 'guest web3 instance 9c11, recorded on alpha'

# What can not be recorded.
expect 2 migctl contract record "${olga[@]}" --vm web3
says 'expected one of --from, --qemu, --libvirt, --cloud-hypervisor, --firecracker or --idregs'
expect 2 migctl contract record "${olga[@]}" --from icelake.json --idregs icelake.json
says 'expected one of'
expect 2 migctl contract record "${olga[@]}" --from icelake.json --vm 'web 3'
says '--vm: expected 1 to 63 printable characters'
printf '     SYS_MIDR_EL1:\t00000000413fd0c1\n  SYS_ID_AA64PFR0_EL1:\t1100000011111112\n' >idregs
expect 2 migctl contract record "${olga[@]}" --idregs idregs
says '--vm is needed'
expect 0 migctl contract record "${olga[@]}" --vm arm --idregs idregs
says 'architecture arm64'
expect 0 migctl contract forget "${olga[@]}" arm
expect 4 migctl contract record "${olga[@]}" --vm x --from "$hosts/intel-icelake-6.1.json"
says 'says what a host grants, not what a guest was shown'
expect 4 migctl contract record "${olga[@]}" --vm x --idregs icelake.json
says 'is contract-json, expected arm64-registers'
expect 5 migctl contract list "${far[@]}" --agent unix:/nonexistent/agent.sock
expect 2 migctl contract list --agent "$sock"
says '--ca, --cert and --key are needed'

# Files of other VMMs: what a vCPU had, what a template gives whole.
seeds=$MIG_SOURCE/tests/fuzz/corpus/import
for seed in members bytes; do
    mkdir "ch-$seed"
    cp "$seeds/cloud-hypervisor-$seed.json" "ch-$seed/state.json"
    expect 0 migctl contract record "${olga[@]}" --vm "ch-$seed" --cloud-hypervisor "ch-$seed" -o json
    valid contract
    json '[.vm, .shown.registers["x86/cpuid/7.0/ebx"], .shown.registers["guest/xcr0"], .shown.facts["vmm.name"].value]' \
        "[\"ch-$seed\",\"0x20\",\"0x7\",\"cloud-hypervisor\"]"
    expect 0 migctl contract forget "${olga[@]}" "ch-$seed"
done
expect 2 migctl contract record "${olga[@]}" --vm x --cloud-hypervisor "$dir/pki"
says 'state.json: No such file or directory'
expect 0 migctl contract record "${olga[@]}" --vm fc --firecracker "$seeds/firecracker-template.json"
says 'guest fc'
expect 0 migctl contract show "${olga[@]}" fc
says 'cpuid partial' 'firecracker'
expect 0 migctl contract forget "${olga[@]}" fc
expect 0 migctl contract record "${olga[@]}" --vm fc --firecracker "$seeds/firecracker-x86.json"
expect 0 migctl contract forget "${olga[@]}" fc

# A damaged file is named, the others are there.
head -c 300 alpha-contracts/db.active >short
cat short >alpha-contracts/db.active
expect 4 migctl contract list "${olga[@]}"
says 'db active - - - - not usable' 'db.active: ' 'web3 active 9c11'
expect 4 migctl contract list "${olga[@]}" -o json
valid contract-list
json '[.contracts[] | [.vm, .verified, .instance]]' '[["db",false,null],["web3",true,"9c11"]]'
expect 0 migctl contract forget "${olga[@]}" db
says 'db: forgotten'
expect 4 migctl contract forget "${olga[@]}" db
says "no contract of 'db' is stored"
expect 0 migctl contract list "${olga[@]}"

# Without an agent: who holds its key signs.
read -ra as_alpha <<<"$(as alpha)"
expect 0 migctl contract record "${as_alpha[@]}" --store mine --from cascadelake.json --vm app
says "recorded and signed by agent 'alpha'"
expect 0 migctl contract list "${ca[@]}" --store mine
says 'app active'
expect 0 migctl contract show "${ca[@]}" --store mine app
expect 2 migctl contract list --store mine
says 'give --ca'
expect 2 migctl contract record "${far[@]}" --store mine --from cascadelake.json --vm app2
says "can not be signed by operator 'olga'"
expect 0 migctl contract forget "${ca[@]}" --store mine app

# What an operator knows beside the registers of an arm64 guest.
printf 'SYS_MIDR_EL1:\t00000000413fd0c1\nSYS_ID_AA64PFR0_EL1:\t1100000011111112\n' >idregs
arm=("${as_alpha[@]}" --store mine --idregs idregs --vm arm)
expect 2 migctl contract record "${arm[@]}" --left-out-regs ID_AA64MMFR2_EL1
says "contract record: fact vmm.left-out-regs: 'ID_AA64MMFR2_EL1': expected KVM's ids"
expect 0 migctl contract record "${arm[@]}" --left-out-regs 0x603000000013c03a \
    --target-cpus '0x413fd0c1/0x0/0x0, 0x411fd401/0x0/0x0'
expect 0 migctl contract show "${ca[@]}" --store mine arm
says 'guest.target-cpus: Neoverse-N1 r3p1 (0x413fd0c1)/0x0/0x0' \
    'vmm.left-out-regs: 0x603000000013c03a (ID_AA64MMFR2_EL1)'
expect 0 migctl contract forget "${ca[@]}" --store mine arm

# Weak to strong to weak: each host that has the guest signs its way, and the
# guest is judged by what it was shown first.
jq --argjson at $((now - 3600)) '. + {instance: "1", recorder: "alpha", recordedAt: $at,
    hops: [{host: "beta", at: ($at + 600)}]}' cascadelake.json >hop1.json
jq '.hops += [{host: "gamma", at: (.recordedAt + 1200)}]' hop1.json >hop2.json
jq '.hops += [{host: "alpha", at: (.recordedAt + 1800)}]' hop2.json >hop3.json
seal() { # NAME CONTRACT.json
    "$MIG_BUILD/tests/seal_contract" "$pki/$1-cert.pem" "$pki/$1-key.pem" "$2" || fail "seal $2"
}
mkdir way
seal beta hop1.json >way/web3.active
expect 0 migctl contract list "${ca[@]}" --store way
says 'web3 active 1 alpha 1'
expect 0 migctl contract check "${ca[@]}" --store way --allow-unsigned web3 "$icelake"
says 'verdict: compatible'
seal gamma hop2.json >way/web3.active
expect 0 migctl contract check "${ca[@]}" --store way --allow-unsigned web3 "$cascadelake"
says 'verdict: compatible'
seal alpha hop3.json >way/web3.active
expect 0 migctl contract verify "${ca[@]}" --store way web3
says "good signature of agent 'alpha'" 'came to beta' 'came to gamma' 'came to alpha'
expect 0 migctl contract check "${ca[@]}" --store way --allow-unsigned web3 "$cascadelake"
says 'verdict: compatible'
# One that was recorded on the strong host does not fit the weak one, however it came.
jq --argjson at $((now - 3600)) '. + {instance: "1", recorder: "beta", recordedAt: $at,
    hops: [{host: "gamma", at: ($at + 600)}]}' icelake.json >strong.json
seal gamma strong.json >way/web3.active
expect 3 migctl contract check "${ca[@]}" --store way --allow-unsigned web3 "$cascadelake"
says 'verdict: needs-power-cycle'

# "mig-agentd --check" looks at the folder before a contract needs it.
# shellcheck disable=SC2046
folder() { # FOLDER [COMMAND...]: what --check says of it
    "${@:2}" mig-agentd --check --config /dev/null $(as alpha) --listen 127.0.0.1:0 \
        --replay "$icelake" --contracts "$1" >"$dir/check" 2>"$dir/err"
    status=$?
    grep contracts: "$dir/check" >"$dir/out"
}
folder "$dir/alpha-contracts"
[ $status -eq 0 ] || fail "--check: status $status"
says "PASS contracts: $dir/alpha-contracts, "
folder "$dir/not/yet/there"
[ $status -eq 0 ] || fail "--check: status $status"
says "PASS contracts: $dir/not/yet/there, will be made for the first one"
[ ! -e "$dir/not" ] || fail "--check made a folder"
folder "$dir/hop1.json"
[ $status -eq 2 ] || fail "--check: status $status"
says "FAIL contracts: $dir/hop1.json: is no folder: make $dir/hop1.json a folder of user"
folder "$dir/hop1.json/below"
[ $status -eq 2 ] || fail "--check: status $status"
says "FAIL contracts: $dir/hop1.json/below: Not a directory"
echo damaged >way/web3.active
chmod 0770 way
folder "$dir/way"
[ $status -eq 0 ] || fail "--check: status $status"
says "WARN contracts: others may write to $dir/way and remove contracts: chmod 0700" \
    "WARN contracts: of 'web3': " ': record it anew, or forget it'
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
    mkdir -m 0755 closed
    chmod 0755 "$dir"
    folder "$dir/closed" setpriv --reuid 65534 --clear-groups
    [ $status -eq 2 ] || fail "--check: status $status"
    says "FAIL contracts: $dir/closed: Permission denied: make $dir/closed a folder of user 65534"
    folder "$dir/closed/below" setpriv --reuid 65534 --clear-groups
    says "FAIL contracts: $dir/closed: Permission denied: make $dir/closed/below a folder of user 65534"
fi
exit 0
