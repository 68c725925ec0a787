#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Whatever a peer does not do, the answer comes within --timeout, with exit
# status 5 and the name of the peer and of the phase.
# shellcheck source-path=SCRIPTDIR source=lib.bash
source "$(dirname "$0")/lib.bash"
requires python3
make_fleet
start_agent alpha "$icelake"
alpha=$where
read -ra me <<<"$(as olga)"

# Status 5 within the timeout and half a second.
quickly() { # WANTED-TEXT COMMAND...
    local text=$1 began ended
    shift
    began=$(date +%s%N)
    expect 5 "$@"
    ended=$(date +%s%N)
    [ $(((ended - began) / 1000000)) -lt 1500 ] ||
        fail "took $(((ended - began) / 1000000)) ms with a timeout of 1000"
    says "$text"
}

# connect: nobody listens.
quickly 'migctl: 127.0.0.1:1: connect: Connection refused' \
    migctl negotiate "${me[@]}" -t 1s "$alpha" 127.0.0.1:1
quickly 'beta (127.0.0.1:1): connect: Connection refused' \
    migctl negotiate "${me[@]}" -t 1s "$alpha" beta@127.0.0.1:1
quickly 'unix:/nonexistent/agent.sock: connect:' \
    migctl negotiate "${me[@]}" -t 1s "$alpha" unix:/nonexistent/agent.sock
# resolve: no such name.
quickly 'no-such-host.invalid:7443: resolve:' \
    migctl negotiate "${me[@]}" -t 1s "$alpha" no-such-host.invalid:7443

# TLS: accepts and never says a word.
start mute python3 -u -c '
import socket, time
s = socket.create_server(("127.0.0.1", 0))
print("listening on 127.0.0.1:%d" % s.getsockname()[1])
kept = []
while True:
    kept.append(s.accept())
'
mute=$where
quickly "$mute: TLS:" migctl negotiate "${me[@]}" -t 1s "$alpha" "$mute"
quickly "beta ($mute): TLS:" migctl negotiate "${me[@]}" -t 1s "beta@$mute" "$alpha"
# Two of them are waited for at the same time.
start mute2 python3 -u -c '
import socket, time
s = socket.create_server(("127.0.0.1", 0))
print("listening on 127.0.0.1:%d" % s.getsockname()[1])
time.sleep(600)
'
quickly 'TLS:' migctl negotiate "${me[@]}" -t 1s "$mute" "$where"
says "$mute" "$where"

# TLS: closes at once.
start closer python3 -u -c '
import socket
s = socket.create_server(("127.0.0.1", 0))
print("listening on 127.0.0.1:%d" % s.getsockname()[1])
while True:
    s.accept()[0].close()
'
quickly "$where: TLS:" migctl negotiate "${me[@]}" -t 1s "$alpha" "$where"

# TLS: what answers is no TLS.
start plain python3 -u -c '
import socket
s = socket.create_server(("127.0.0.1", 0))
print("listening on 127.0.0.1:%d" % s.getsockname()[1])
kept = []
while True:
    c = s.accept()[0]
    c.send(b"SSH-2.0-OpenSSH_9.2\r\n")
    kept.append(c)
'
quickly "$where: TLS:" migctl negotiate "${me[@]}" -t 1s "$alpha" "$where"

# capture: everything but an answer.
issue agent gamma
start_puppet gamma "$icelake" silent
quickly "gamma ($where): capture:" migctl negotiate "${me[@]}" -t 1s "$alpha" "$where"
# Seen through a source.
quickly "alpha ($alpha):" migctl negotiate "${me[@]}" -t 1s --via-source "$alpha" "$where"
says 'capture'
quickly "alpha ($alpha):" migctl negotiate "${me[@]}" -t 1s --via-source "$alpha" "$mute"
says 'TLS'

expect 2 migctl negotiate "${me[@]}" -t 0s "$alpha" "$mute"
expect 2 migctl negotiate "${me[@]}" -t soon "$alpha" "$mute"
says "timeout: expected a time"
