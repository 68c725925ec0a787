#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The daemon over its life: ready, at rest, reloaded with good and broken
# files, hurt, ended.
# shellcheck source-path=SCRIPTDIR source=lib.bash
source "$(dirname "$0")/lib.bash"
make_fleet
read -ra me <<<"$(as olga)"
read -ra alpha <<<"$(as alpha)"
read -ra beta <<<"$(as beta)"

captures() { # LABEL [extra options]: alpha answers
    local label=$1
    shift
    migctl snapshot get "${me[@]}" -o "$dir/got" "alpha@$address" "$@" >"$dir/out" 2>"$dir/err" ||
        fail "$label"
}

logged() { # TEXT: alpha says so before long
    local try
    for try in $(seq 100); do
        grep -qF -- "$1" "$dir/alpha.log" && return 0
        sleep 0.05
    done
    cp "$dir/alpha.log" "$dir/err"
    fail "log has no '$1' after try $try"
}

cp "$icelake" "$dir/replay.json"
start alpha mig-agentd --config /dev/null "${alpha[@]}" --listen 127.0.0.1:0 --listen "unix:$dir/alpha.sock" \
    --replay "$dir/replay.json"
address=$where
pid=${pids[-1]}
captures "a replaying agent answers"
logged "audit: operator/olga from 127.0.0.1:"

# --- at rest ---

switches() { awk '/ctxt_switches/ {n += $2} END {print n}' "/proc/$pid/status"; }
sleep 1
before=$(switches)
sleep 2
[ "$(switches)" -eq "$before" ] || fail "the agent wakes up at rest"
rss=$(awk '/VmRSS/ {print $2}' "/proc/$pid/status")
if grep -q 'libasan\|libtsan' "/proc/$pid/maps"; then
    echo "not measured under a sanitizer: idle RSS"
else
    [ "$rss" -lt $((12 * 1024)) ] || fail "idle RSS is $rss KiB"
    echo "idle RSS: $rss KiB"
fi
grep -q '^NoNewPrivs:.*1' "/proc/$pid/status" || fail "new privileges are possible"

# --- SIGHUP ---

cp "$pki/alpha-cert.pem" "$dir/good-cert.pem"
echo broken >"$pki/alpha-cert.pem"
echo broken >"$dir/replay.json"
kill -HUP "$pid"
logged "keys stay as they were: $pki/alpha-cert.pem"
logged "snapshot to replay stays as it was: $dir/replay.json"
captures "with broken files the agent answers as before"

cp "$dir/good-cert.pem" "$pki/alpha-cert.pem"
cp "$milan" "$dir/replay.json"
kill -HUP "$pid"
logged "keys and certificates read again"
logged "$dir/replay.json read again"
captures "after a reload"
migctl snapshot show "${me[@]}" "$dir/got" >"$dir/out" 2>"$dir/err" || fail "snapshot show"
grep -q AuthenticAMD "$dir/out" || fail "the new file is not served"

# --- what does not speak TLS, and what dies ---

exec 8<>"/dev/tcp/127.0.0.1/${address##*:}"
printf 'GET / HTTP/1.0\r\n\r\n' >&8
logged "TLS"
exec 8>&-
captures "after a plaintext client"

kill -TERM "$pid"
wait "$pid"
status=$?
[ "$status" -eq 0 ] || fail "SIGTERM gives status $status"
[ ! -e "$dir/alpha.sock" ] || fail "the socket is still there"
logged "ending"

# --- ready ---

mkfifo "$dir/fifo"
mig-agentd --config /dev/null "${beta[@]}" --listen 127.0.0.1:0 --replay "$dir/replay.json" --ready-fd 6 \
    6>"$dir/fifo" 2>"$dir/beta.log" &
pids+=($!)
read -r -t 10 ready <"$dir/fifo" || fail "no word on the ready descriptor"
[ "$ready" = READY=1 ] || fail "ready: $ready"

# --- captures that go wrong: a fresh process for each, always reaped ---

start gamma mig-agentd --config /dev/null "${beta[@]}" --listen 127.0.0.1:0 --kvm "$dir/fifo" --capture-timeout 2s
address=$where
gamma=${pids[-1]}
for round in 1 2 3 4 5 6 7 8; do
        migctl snapshot get "${me[@]}" -o "$dir/got.$round" "beta@$address" >/dev/null 2>&1 &
    # whichever capture processes are there now
    pkill -KILL -P "$gamma" 2>/dev/null
    wait $!
done
migctl snapshot get "${me[@]}" -o "$dir/got" "beta@$address" >"$dir/out" 2>"$dir/err" ||
    fail "no answer after captures were killed"
sleep 0.5
[ -z "$(pgrep -P "$gamma")" ] || fail "a capture process is left"
