#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Two agents agree on moving one running guest: each judges for itself, both
# sign, and what they signed is used once, for this guest, these hosts, now.
# shellcheck source=tests/e2e/lib.bash
. "$MIG_SOURCE/tests/e2e/lib.bash"
requires jq

cd "$dir" || exit 1
# shellcheck source=tests/e2e/move.bash
. "$MIG_SOURCE/tests/e2e/move.bash"
requires_kvm
make_fleet
issue agent gamma
issue hook hugo
# The guests here are made up: nobody can say how many vCPUs they have.
printf 'prove = off\ntolerate = guest, tsc\n' >policy.conf

for host in alpha beta gamma; do
    start_host $host
done
hook() { # HOST VERB [arguments]
    # shellcheck disable=SC2046
    mig-hook "$2" $(as hugo) --agent "${sock[$1]}" "${@:3}"
}
standing() { # HOST: "VM STATE INSTANCE HOPS" of what it stores
    contracts "$1" |
        jq -r '.contracts[] | "\(.vm) \(.state) \(.instance) \(.hops | if type == "array" then length else . end)"'
}
stands() { # HOST EXPECTED...
    local got
    got=$(standing "$1")
    [ "$got" = "$(printf '%s\n' "${@:2}")" ] || fail "$1 stores '$got', expected '${*:2}'"
}

# A guest of alpha that was shown all that its KVM grants.
# shellcheck disable=SC2046
migctl baseline $(as olga) -o json "${at[alpha]}" >profile.json || fail "baseline"
guest() { # VM INSTANCE [jq FILTER]
    jq '{apiVersion: "migctl/v1", kind: "Contract", vm: "'"$1"'",
        shown: {arch: "x86-64",
            groups: {cpuid: {coverage: "full"}, msr: {coverage: "full"}, tsc: {coverage: "partial"}},
            registers: (.profile.registers | with_entries(select(.value != null))),
            unreadable: {}, facts: {"vmm.name": {value: "test"}}}}' profile.json |
        jq "${3:-.}" >"$1.json"
    # shellcheck disable=SC2046
    migctl contract record $(as hugo) --agent "${sock[alpha]}" --from "$1.json" --instance "$2" \
        >/dev/null || fail "record $1"
}

# Without the contract of the running instance nothing is known.
expect 4 hook alpha agree web3 "${at[beta]}"
says "no contract of 'web3' is stored"
guest web3 7f3a
expect 4 hook alpha agree web3 "${at[beta]}" --instance other
says "contract of another instance"
stands alpha 'web3 active 7f3a 0'

# Agree.
expect 0 hook alpha agree web3 "${at[beta]}" -o web3.agreement --contract web3.contract
says 'web3 instance 7f3a from alpha to beta, by tunnel'
expect 0 hook alpha agree web3 "${at[beta]}" -o second.agreement --contract second.contract
cmp -s web3.agreement second.agreement && fail "two agreements are equal"
grep -q 'audit: hook/hugo from .*: agree web3: done' alpha.log || fail "audit at the source"
grep -q 'audit: agent/alpha from .*: propose: done' beta.log || fail "audit at the destination"
stands beta 'web3 incoming 7f3a 0'
expect 0 migctl agreement show web3.agreement --ca "$pki/ca-cert.pem"
says 'web3' 'alpha' 'beta' 'tunnel'
expect 0 migctl agreement show web3.agreement --ca "$pki/ca-cert.pem" -o json
valid agreement
json '[.vm, .instance, .source.host, .destination.host]' '["web3","7f3a","alpha","beta"]'
expect 0 migctl agreement verify web3.agreement --ca "$pki/ca-cert.pem"
says 'holds for another'

# Who may not, and what is none.
# shellcheck disable=SC2046
expect 4 mig-hook agree $(as olga) --agent "${sock[alpha]}" web3 "${at[beta]}"
says "role 'operator' may not ask for 'agree'"
# shellcheck disable=SC2046
expect 4 mig-hook agree $(as hugo) --agent "${at[alpha]}" web3 "${at[beta]}"
says "over a unix socket only"
expect 4 hook alpha agree web3 "${at[alpha]}"
says "source and destination are"
expect 5 hook alpha agree web3 beta@127.0.0.1:1
expect 2 hook alpha agree web3 web3.json
says "expected the address of the destination's agent"
head -c 200 web3.agreement >cut.agreement
expect 4 migctl agreement verify cut.agreement --ca "$pki/ca-cert.pem"
for byte in 40 400 900; do
    python3 - "$byte" <<'PYTHON'
import sys
b = bytearray(open("web3.agreement", "rb").read())
b[int(sys.argv[1])] ^= 1
open("changed.agreement", "wb").write(b)
PYTHON
    expect 4 hook beta advance approve changed.agreement --contract web3.contract
done

# Only the destination that signed it may approve, only with what was agreed on.
expect 4 hook gamma advance approve web3.agreement --contract web3.contract
says "on a move from 'alpha' to 'beta'; 'gamma' can not approve it"
expect 4 hook beta advance approve web3.agreement
says "the contract is missing"
guest db 1111
expect 0 hook alpha agree db "${at[beta]}" -o db.agreement --contract db.contract
expect 4 hook beta advance approve web3.agreement --contract db.contract
says "is not the one that was agreed on"
expect 4 hook beta advance switch web3.agreement
says "agreement is signed here, and to switch it must be approved"
expect 4 hook beta advance complete web3.agreement
says "must be approved"

# An attempt that fails before approval is no loss.
expect 0 hook beta advance abandon web3.agreement
stands beta 'db incoming 1111 0' 'web3 incoming 7f3a 0'

# The move.
expect 0 hook beta advance approve web3.agreement --contract web3.contract
expect 0 hook alpha advance approve web3.agreement --contract web3.contract
expect 4 hook beta advance approve web3.agreement --contract web3.contract
says "agreement is approved here"
expect 0 hook beta advance switch web3.agreement
expect 4 hook alpha advance depart web3.agreement --contract web3.contract
says "expected 'web3' '7f3a' on beta"
expect 0 hook beta advance complete web3.agreement -o arrived.contract
expect 0 hook beta advance complete web3.agreement -o again.contract
cmp -s arrived.contract again.contract || fail "arrived twice"
stands beta 'db incoming 1111 0' 'web3 active 7f3a 1'
stands alpha 'db active 1111 0' 'web3 active 7f3a 0'
expect 0 hook alpha advance depart web3.agreement --contract arrived.contract
stands alpha 'db active 1111 0' 'web3 retired 7f3a 0'

# Used up, and the other one is of a guest that has left.
expect 4 hook beta advance approve web3.agreement --contract web3.contract
says "agreement is completed here"
expect 4 hook alpha advance approve second.agreement --contract second.contract
says "no contract of 'web3' is stored"
expect 4 hook alpha agree web3 "${at[beta]}"

# Approved and failed: consumed, nothing waits, the guest is still alpha's.
expect 0 hook beta advance approve db.agreement --contract db.contract
expect 0 hook beta advance abandon db.agreement
expect 0 hook alpha advance abandon db.agreement
stands beta 'web3 active 7f3a 1'
stands alpha 'db active 1111 0' 'web3 retired 7f3a 0'
expect 4 hook beta advance approve db.agreement --contract db.contract
says "agreement is abandoned here"
expect 0 hook alpha agree db "${at[beta]}" -o retry.agreement

# Every decision left a record, on both hosts.
expect 0 migctl audit alpha-audit/log --vm web3
says "alpha hook/hugo agree web3 alpha -> beta agreement" ": done" \
    "refused: contract of another instance" "hook/hugo depart web3"
expect 0 migctl audit beta-audit/log -o json
valid audit
json '[.records[] | select(.vm == "web3" and .result == "done") | .what] | unique' \
    '["abandon","approve","complete","propose","switch"]'
json '[.records[] | select(.what == "propose")][0] | [.who, .verdict]' '["agent/alpha","compatible"]'
expect 0 migctl audit beta-audit/log --refused -o json
json '[.records[].result] | unique' '["refused"]'
cp beta-audit/log damaged
printf '{"at": 1' >>damaged
expect 4 migctl audit damaged
says 'damaged: line' 'expected an AuditRecord'
expect 2 migctl audit missing

# On to a third host, with all its way.
expect 0 hook beta agree web3 "${at[gamma]}" -o on.agreement --contract on.contract
expect 0 hook gamma advance approve on.agreement --contract on.contract
expect 0 hook gamma advance complete on.agreement -o arrived.contract
expect 0 hook beta advance depart on.agreement --contract arrived.contract
stands gamma 'web3 active 7f3a 2'

# Around a command that moves the guest by itself.
# shellcheck disable=SC2016
expect 0 hook alpha exec --vm db "${at[gamma]}" -- sh -c 'cp "$MIG_AGREEMENT" exec.agreement && cp "$MIG_CONTRACT" exec.contract'
expect 4 hook alpha advance approve exec.agreement --contract exec.contract
says "agreement is approved here"
expect 0 hook gamma advance approve exec.agreement --contract exec.contract
expect 0 hook gamma advance abandon exec.agreement
expect 4 hook alpha exec --vm nobody "${at[gamma]}" -- touch ran
says "no contract of 'nobody' is stored"
[ ! -e ran ] || fail "the command ran"
expect 2 hook alpha exec --vm db "${at[beta]}" "${at[gamma]}" -- touch ran
says "usage: mig-hook exec --vm VM"

# A power cycle voids what was agreed on.
expect 0 hook alpha agree db "${at[gamma]}" -o stale.agreement --contract stale.contract
guest db 2222
expect 4 hook alpha advance approve stale.agreement --contract stale.contract
says "contract of another instance"

# An agent that is killed forgets nothing that it signed.
expect 0 hook alpha agree db "${at[gamma]}" -o kept.agreement --contract kept.contract
kill -9 "${agent[gamma]}" && wait "${agent[gamma]}" 2>/dev/null
start_host gamma
expect 0 hook gamma advance approve kept.agreement --contract kept.contract
kill -9 "${agent[gamma]}" && wait "${agent[gamma]}" 2>/dev/null
start_host gamma
expect 4 hook gamma advance approve kept.agreement --contract kept.contract
says "agreement is approved here"

# A host that is no longer what was agreed on: before the first byte, and before
# the guest stops.
stop_host() { # NAME
    kill "${agent[$1]}" && wait "${agent[$1]}" 2>/dev/null
}
expect 0 hook alpha agree db "${at[gamma]}" -o changed.agreement --contract changed.contract
stop_host gamma
start_host gamma --kvm /dev/null
expect 4 hook gamma advance approve changed.agreement --contract changed.contract
says "what gamma grants a guest has changed since it was agreed on"
stop_host gamma
start_host gamma
expect 0 hook gamma advance approve changed.agreement --contract changed.contract
stop_host gamma
start_host gamma --kvm /dev/null
expect 4 hook gamma advance switch changed.agreement
says "what gamma grants a guest has changed since it was agreed on"
stop_host gamma
start_host gamma
expect 0 hook gamma advance switch changed.agreement
expect 0 hook gamma advance abandon changed.agreement

# What the destination can not show the guest is refused, with the reason.
start_puppet beta "$icelake"
expect 4 hook alpha agree db "beta@$where"
says "verdict 'incompatible'" "db is AuthenticAMD, beta is GenuineIntel"
# Where a policy asks for proofs, the destination's KVM has the last word.
printf 'prove = required\ntolerate = guest, tsc\n' >policy.conf
kill -HUP "${agent[beta]}"
for _ in $(seq 100); do
    grep -q 'reload' beta.log && break
    sleep 0.05
done
hook alpha agree db "${at[beta]}" -o proved.agreement >out 2>err
case $? in
0) ;;
4) says "kvm/cpuid-not-enforced" ;;
*) fail "agreement with a proof" ;;
esac

# No replayed host ever agrees.
# shellcheck disable=SC2046
start replay mig-agentd --config /dev/null $(as beta) --listen 127.0.0.1:0 --replay "$milan" \
    --contracts "$dir/replay-contracts" --agreements "$dir/replay-agreements"
expect 4 hook alpha agree db "beta@$where"
says "verdict 'unknown'"
