#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Truncated, oversized and wrong frames inside of good TLS: the agent answers
# others all the while, and migctl says which host sent them.
# shellcheck source-path=SCRIPTDIR source=lib.bash
source "$(dirname "$0")/lib.bash"
requires openssl python3
make_fleet
start_agent alpha "$icelake"
alpha=$where
read -ra me <<<"$(as olga)"

# Send what stdin holds to the agent, over TLS as the operator.
to_agent() {
    timeout 10 openssl s_client -connect "$alpha" -quiet -tls1_3 -alpn mig/1 \
        -CAfile "$pki/ca-cert.pem" -cert "$pki/olga-cert.pem" -key "$pki/olga-key.pem" \
        >"$dir/out" 2>"$dir/err"
}

# Listen as beta and give the bytes of the last argument to whoever asks.
bad_server() { # NAME BYTES
    start "$1" python3 -u -c '
import socket, ssl, sys
ca, cert, key, bytes = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(cert, key)
context.load_verify_locations(ca)
context.verify_mode = ssl.CERT_REQUIRED
context.set_alpn_protocols(["mig/1"])
s = socket.create_server(("127.0.0.1", 0))
print("listening on 127.0.0.1:%d" % s.getsockname()[1])
while True:
    try:
        c = context.wrap_socket(s.accept()[0], server_side=True)
        c.recv(4096)
        c.sendall(bytes.encode().decode("unicode_escape").encode("latin1"))
        c.unwrap()
    except OSError:
        pass
' "$pki/ca-cert.pem" "$pki/beta-cert.pem" "$pki/beta-key.pem" "$2"
}

for bytes in '\x00\x00\x00\x00' '\xff\xff\xff\xff' '\x00\x20\x00\x00' '\x00\x00\x00\x04\xff\xff\xff\xff' \
    '\x00\x00\x00\x02\x08' 'GET / HTTP/1.0\r\n\r\n'; do
    (
        printf '%b' "$bytes"
        sleep 0.3
    ) | to_agent
    # Nothing that a bad client sends keeps the agent from the next one.
    expect 0 migctl snapshot get "${me[@]}" "$alpha" -o "$dir/alpha.sealed"
done
# Two MiB and more than a frame may hold, sent in one go.
(
    printf '\x00\x20\x00\x00'
    head -c 2097152 /dev/zero
) | to_agent
expect 0 migctl snapshot get "${me[@]}" "$alpha" -o "$dir/alpha.sealed"
kill -0 "${pids[0]}" || fail "the agent is gone"

# The other way round: what an agent must not send is refused by name.
refused() { # NAME BYTES TEXT
    bad_server "$1" "$2"
    expect 4 migctl negotiate "${me[@]}" -t 3s "$alpha" "beta@$where"
    says "beta ($where)" 'verdict: unknown' "$3"
}
refused empty '\x00\x00\x00\x00' 'trust/malformed'
refused huge '\xff\xff\xff\xff' 'trust/malformed'
refused junk '\x00\x00\x00\x04\xff\xff\xff\xff' 'trust/malformed'
refused cut '\x00\x00\x01\x00\x08\x01' 'in the middle of a frame'
bad_server gone ''
expect 5 migctl negotiate "${me[@]}" -t 3s "$alpha" "beta@$where"
says "beta ($where): capture: connection closed without an answer"
