# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Guests of QEMU for end-to-end tests: each writes CPUID and a counter to its
# console (counter.S).  Sourced after lib.bash, in $dir.
# shellcheck disable=SC2154

requires qemu-system-x86_64 python3 gcc ld
# A KVM in software runs code without paging slowly.
for kind in tcg:2000000 kvm:20000; do
    gcc -c -m32 -DTURN="${kind#*:}" -o counter.o "$MIG_SOURCE/tests/e2e/counter.S" &&
        ld -m elf_i386 -Ttext=0 --oformat binary -o "${kind%:*}.bin" counter.o
done
[ -s kvm.bin ] || fail "counter.S"

declare -A qemu # process ids by name

# A QEMU with the guest's console in NAME.con and two QMP sockets: NAME.qmp is
# the test's, NAME.gate the gate's.
start_qemu() { # NAME [arguments]
    qemu-system-x86_64 -accel "${accel:-tcg}" -display none -nodefaults -m 64 -bios "${accel:-tcg}.bin" \
        -debugcon "file:$dir/$1.con" -qmp "unix:$dir/$1.gate,server=on,wait=off" \
        -qmp "unix:$dir/$1.qmp,server=on,wait=off" "${@:2}" \
        2>"$dir/$1.err" &
    pids+=($!)
    qemu[$1]=$!
    for _ in $(seq 200); do
        [ -S "$dir/$1.qmp" ] && return 0
        kill -0 "${qemu[$1]}" 2>/dev/null || break
        sleep 0.05
    done
    cat "$dir/$1.err"
    fail "QEMU $1 does not start"
}

stop_qemu() { # NAME, if it is there
    [ -n "${qemu[$1]:-}" ] || return 0
    kill "${qemu[$1]}" 2>/dev/null
    wait "${qemu[$1]}" 2>/dev/null
    rm -f "$dir/$1.qmp" "$dir/$1.gate" "$dir/$1.con"
}

runs() { # NAME: is the process there?
    kill -0 "${qemu[$1]}" 2>/dev/null
}

qmp() { # NAME COMMAND [JSON arguments]: the answer as JSON
    python3 - "$dir/$1.qmp" "$2" "${3:-}" <<'PYTHON'
import json, socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
lines = s.makefile("rw")
lines.readline()
def ask(command, arguments=None):
    lines.write(json.dumps({"execute": command, **({"arguments": arguments} if arguments else {})}) + "\n")
    lines.flush()
    while True:
        answer = json.loads(lines.readline())
        if "event" not in answer:
            return answer
ask("qmp_capabilities")
print(json.dumps(ask(sys.argv[2], json.loads(sys.argv[3]) if sys.argv[3] else None).get("return")))
PYTHON
}

state() { # NAME: "running", "paused", "inmigrate" ...
    qmp "$1" query-status | jq -r .status
}

# The last whole line of a guest: what it sees, or how far it counted.
line() { # NAME
    tail -n 2 "$dir/$1.con" 2>/dev/null | head -n 1
}
sees() { line "$1" | cut -d' ' -f1-3; }
count() { printf '%d' "0x$(line "$1" | cut -d' ' -f4)"; }

# The guest is alive: it counts on.
counts() { # NAME
    local before
    before=$(count "$1")
    for _ in $(seq 100); do
        [ "$(count "$1")" -gt $((before + 1)) ] && return 0
        sleep 0.05
    done
    fail "the guest in $1 does not count on from $before ($(state "$1"))"
}
