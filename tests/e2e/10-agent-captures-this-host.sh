#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One-shot captures of this machine's KVM, and what they say without it.
set -euo pipefail
agentd=$MIG_BUILD/bin/mig-agentd
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

check() { # label, command...
    local label=$1
    shift
    if "$@" >"$work/said" 2>&1; then
        echo "ok: $label"
    else
        echo "FAIL: $label"
        sed 's/^/    /' "$work/said"
        failed=1
    fi
}

# shellcheck disable=SC2317 # called by check
# json FILE EXPRESSION: a Python expression over the snapshot d is true.
json() {
    python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
value = eval(sys.argv[2])
if not value:
    sys.exit("%s is %r" % (sys.argv[2], value))' "$1" "$2"
}

# shellcheck disable=SC2317
no_process_left() {
    ! pgrep -f "$agentd snapshot" >/dev/null
}

# --- without KVM: on every machine ---

nokvm="all(d['groups'][g]['coverage'] == 'unreadable' for g in
    ('kvm-view', 'cpuid', 'cpuid-bare', 'cpuid-emulated', 'cpuid-hv', 'msr', 'msr-list', 'kvm-cap', 'tsc'))"
nothing="not any(r.startswith(('x86/', 'kvm/')) for r in d['registers'])"

for case in "missing:$work/missing:No such file or directory:enable virtualisation" \
    "file:/etc/passwd:Inappropriate ioctl for device:not a KVM device" \
    "device:/dev/null:Inappropriate ioctl for device:not a KVM device" \
    "fifo:$work/fifo:Inappropriate ioctl for device:not a KVM device"; do
    IFS=: read -r label path error hint <<<"$case"
    [ "$label" != fifo ] || mkfifo "$path"
    check "$label: a snapshot is still made" \
        timeout 10 "$agentd" snapshot --json --kvm "$path" -o "$work/$label.json"
    cp "$work/said" "$work/warning"
    check "$label: the warning names path and reason" grep -F "$path: $error" "$work/warning"
    check "$label: the warning says what to do" grep -F "$hint" "$work/warning"
    if [ -e "$work/$label.json" ]; then
        check "$label: KVM's groups are unreadable" json "$work/$label.json" "$nokvm"
        check "$label: nothing of KVM is invented" json "$work/$label.json" "$nothing"
        check "$label: host facts are there" \
            json "$work/$label.json" "d['facts']['kernel.release']['value'] == '$(uname -r)'"
    fi
done

printf 'kvm = %s\n' "$work/missing" >"$work/agentd.conf"
check "the configuration file is read" grep -F "kvm = $work/missing" \
    <("$agentd" --config "$work/agentd.conf" --dump-config)
printf 'listen = x\nspeed = 9\n' >"$work/bad.conf"
status=0
"$agentd" --config "$work/bad.conf" --dump-config >"$work/out" 2>&1 || status=$?
check "an unknown key is refused with its line" grep -F 'bad.conf: line 2' "$work/out"
check "and with status 2" test "$status" -eq 2
status=0
"$agentd" --check --kvm "$work/missing" --ca "$work/none" >"$work/check" 2>&1 || status=$?
check "--check without keys or KVM exits 2" test "$status" -eq 2
check "--check names the KVM device" grep -E "^FAIL open $work/missing: No such file" "$work/check"
check "--check says what to do about it" grep -F 'enable virtualisation' "$work/check"
check "--check names the key file" grep -E '^FAIL keys: ' "$work/check"
for case in "a name is no place to listen:localhost:7443:localhost:7443: to listen needs a numeric address" \
    "no folder for a socket:unix:$work/none/a.sock:$work/none: No such file" \
    "no port:127.0.0.1:x:port 'x' is no number"; do
    label=${case%%:*}
    text=${case#*:}
    address=$(cut -d: -f1-2 <<<"$text")
    "$agentd" --check --listen "$address" >"$work/check" 2>&1 || true
    check "--check: $label" grep -F "FAIL listen: " "$work/check"
    check "--check: $label, and why" grep -F -- "$(cut -d: -f3- <<<"$text")" "$work/check"
done
echo text >"$work/broken.pem"
for option in ca cert key; do
    status=0
    "$agentd" --config /dev/null --ca "$work/broken.pem" --cert "$work/broken.pem" \
        --key "$work/broken.pem" "--$option" "$work/none.pem" >"$work/out" 2>&1 || status=$?
    check "without --$option it does not start" test "$status" -eq 2
    check "and names a file" grep -E "error: $work/(none|broken).pem: " "$work/out"
done
check "no process is left" no_process_left

# --- with KVM ---

if ! { [ -c /dev/kvm ] && exec 9<>/dev/kvm; } 2>/dev/null; then
    echo "SKIP: /dev/kvm can not be used here: this host's own capture is NOT tested"
    [ "$failed" -eq 0 ] && exit 77
    exit 1
fi
exec 9>&-

one=$work/one.json
check "one-shot capture" "$agentd" snapshot --json -o "$one"
if [ "$(uname -m)" = x86_64 ]; then
    check "leaf 0 names the vendor" json "$one" \
        "all(int(d['registers']['x86/cpuid/0.0/' + r], 16) != 0 for r in ('ebx', 'ecx', 'edx'))"
    check "CPUID, MSR list and capabilities are covered" json "$one" \
        "all(d['groups'][g]['coverage'] == 'full' for g in ('kvm-view', 'cpuid', 'cpuid-bare', 'msr-list', 'kvm-cap'))"
    check "each covered group has its source" json "$one" \
        "all(g.get('source') for g in d['groups'].values() if g['coverage'] != 'none')"
    check "the clock has a rate" json "$one" "int(d['registers']['host/tsc-khz'], 16) > 100000"
fi
check "what could not be read has no value" json "$one" \
    "not set(d['unreadable']) & set(d['registers'])"
check "every fact has a source" json "$one" "all(f['source'] for f in d['facts'].values())"
check "unsigned JSON claims no stamp" json "$one" "not d['stamp'] or not d['stamp'].get('host')"

if command -v taskset >/dev/null && [ "$(nproc)" -gt 1 ]; then
    for cpu in 0 1; do
        check "capture on CPU $cpu" taskset -c "$cpu" "$agentd" snapshot --json -o "$work/cpu$cpu.json"
    done
    check "the CPU it runs on leaves no trace" python3 -c 'import json, sys
a, b = (json.load(open(f))["registers"] for f in sys.argv[1:])
for d in (a, b):
    d.pop("host/tsc-khz", None)
sys.exit(str([k for k in a if a[k] != b.get(k)]) if a != b else 0)' "$work/cpu0.json" "$work/cpu1.json"
fi

if [ "$(id -u)" -eq 0 ] && [ "$(stat -c %a /dev/kvm)" != 666 ] && command -v setpriv >/dev/null; then
    # nobody, in no group of the device
    check "without permission a snapshot is still made" setpriv --reuid 65534 --regid 65534 \
        --clear-groups "$agentd" snapshot --json
    setpriv --reuid 65534 --regid 65534 --clear-groups "$agentd" snapshot --json \
        >"$work/nobody.json" 2>"$work/warning"
    check "the warning says who is missing from which group" \
        grep -F '/dev/kvm: Permission denied: add the user to group kvm' "$work/warning"
    check "KVM's groups are unreadable" json "$work/nobody.json" "$nokvm"
    check "nothing of KVM is invented" json "$work/nobody.json" "$nothing"
fi

"$agentd" --check >"$work/check" 2>&1 || true
check "--check counts what KVM grants" \
    grep -E '^PASS /dev/kvm: [1-9][0-9]* CPUID registers' "$work/check"

# A deadline that a VMM which hangs can not move.
status=0
start=$(date +%s)
"$agentd" snapshot --json --capture-timeout 50ms -o "$work/quick.json" >"$work/out" 2>&1 || status=$?
check "a short deadline ends in time" test $(($(date +%s) - start)) -le 3
check "no process is left" no_process_left
exit "$failed"
