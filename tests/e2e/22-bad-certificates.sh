#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every wrong certificate is refused by name, on both ends; so are old TLS and
# no TLS.
# shellcheck source-path=SCRIPTDIR source=lib.bash
source "$(dirname "$0")/lib.bash"
requires openssl
make_fleet
start_agent alpha "$icelake"
alpha=$where
read -ra me <<<"$(as olga)"

# negotiate against one good host: the other one's trouble decides.
try() { # STATUS HOST
    expect "$1" migctl negotiate "${me[@]}" "$alpha" "$2"
}

issue agent late --valid-from 2020-01-01 --valid-to 2020-02-01
start late "$MIG_BUILD/tests/puppet" "$pki/ca-cert.pem" "$pki/late-cert.pem" "$pki/late-key.pem" \
    "$icelake"
try 4 "$where"
says "$where" 'verify' 'expired'

issue agent early --valid-from "$(date -ud '+2 years' +%F)" --valid-to "$(date -ud '+3 years' +%F)"
start early "$MIG_BUILD/tests/puppet" "$pki/ca-cert.pem" "$pki/early-cert.pem" \
    "$pki/early-key.pem" "$icelake"
try 4 "$where"
says "$where" 'verify' 'is not valid before'

# Another fleet's agent, which would believe us.
migctl pki init "$dir/other" >/dev/null
migctl pki issue "$dir/other" agent beta --ip 127.0.0.1 >/dev/null
start stranger "$MIG_BUILD/tests/puppet" "$pki/ca-cert.pem" "$dir/other/beta-cert.pem" \
    "$dir/other/beta-key.pem" "$icelake"
try 4 "$where"
says "$where" 'verify'

migctl pki issue "$pki" agent gamma --dns gamma.example >/dev/null
start_puppet gamma "$icelake"
try 4 "$where"
says "$where" 'verify'
expect 0 migctl negotiate "${me[@]}" "$alpha" "gamma@$where"
expect 4 migctl negotiate "${me[@]}" "$alpha" "beta@$where"
says "certificate is for agent 'gamma', expected 'beta'"

issue operator otto
start_puppet otto "$icelake"
try 4 "$where"
says "$where: verify: certificate of $where is not meant for this use"

issue agent gone
migctl pki revoke "$pki" gone >/dev/null
start_puppet gone "$icelake"
expect 4 migctl negotiate "${me[@]}" --crl "$pki/crl.pem" "$alpha" "$where"
says "$where" 'revoked'

# The agent refuses as well, and says why.
issue operator stale --valid-from 2020-01-01 --valid-to 2020-02-01
read -ra them <<<"$(as stale)"
expect 4 migctl snapshot get "${them[@]}" "$alpha" -o "$dir/no.sealed"
says "$alpha" 'expired'
migctl pki issue "$dir/other" operator olga >/dev/null
expect 4 migctl snapshot get --ca "$pki/ca-cert.pem" --cert "$dir/other/olga-cert.pem" \
    --key "$dir/other/olga-key.pem" "$alpha" -o "$dir/no.sealed"
says "$alpha" 'verify'
[ ! -e "$dir/no.sealed" ] || fail "a refused agent's answer was saved"
issue hook hank
read -ra them <<<"$(as hank)"
expect 4 migctl snapshot get "${them[@]}" --ca "$pki/ca-cert.pem" "$alpha" -o "$dir/no.sealed"
says 'hook'

# TLS 1.2 and plaintext clients get no answer; the agent lives on.
echo | timeout 5 openssl s_client -connect "$alpha" -tls1_2 -CAfile "$pki/ca-cert.pem" \
    -cert "$pki/olga-cert.pem" -key "$pki/olga-key.pem" >"$dir/out" 2>&1 &&
    fail "TLS 1.2 was accepted"
grep -q 'alert protocol version' "$dir/out" || fail "TLS 1.2: no alert"
exec 3<>"/dev/tcp/${alpha%:*}/${alpha##*:}"
printf 'GET / HTTP/1.0\r\n\r\n' >&3
timeout 5 cat <&3 >"$dir/out"
exec 3>&-
grep -aq 'HTTP' "$dir/out" && fail "plaintext was answered"
expect 0 migctl snapshot get "${me[@]}" "$alpha" -o "$dir/yes.sealed"

# And we refuse a server of TLS 1.2.
openssl s_server -accept 127.0.0.1:0 -tls1_2 -cert "$pki/beta-cert.pem" -key "$pki/beta-key.pem" \
    -CAfile "$pki/ca-cert.pem" -Verify 1 >"$dir/server.log" 2>&1 </dev/null &
pids+=($!)
for _ in $(seq 100); do
    port=$(sed -n 's/^ACCEPT .*://p' "$dir/server.log")
    [ -z "$port" ] || break
    sleep 0.05
done
expect 5 migctl snapshot show "${me[@]}" "127.0.0.1:$port"
says "127.0.0.1:$port: TLS: "

# Our own keys are checked before anything is sent.
expect 2 migctl snapshot show --ca "$pki/ca-cert.pem" --cert "$pki/olga-cert.pem" \
    --key "$dir/missing.pem" "$alpha"
says 'missing.pem'
# Files of ours that are wrong say nothing about a host.
echo junk >"$dir/junk.pem"
for wrong in --ca --cert --key --crl; do
    expect 2 migctl negotiate "${me[@]}" "$wrong" "$dir/junk.pem" "$alpha" localhost:1
    says 'junk.pem'
done
install -m 0644 "$pki/olga-key.pem" "$dir/open-key.pem"
expect 2 migctl snapshot show "${me[@]}" --key "$dir/open-key.pem" "$alpha"
says 'open-key.pem: private key has mode 0644'
expect 2 migctl snapshot show "${me[@]}" --cert "$pki/alpha-cert.pem" "$alpha"
says 'does not belong to'
expect 2 migctl snapshot show "$alpha"
says 'is a live agent: --ca, --cert and --key are needed'
