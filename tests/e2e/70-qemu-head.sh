#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The head of what a real QEMU sends is understood, of every kind of stream that
# may pass a gate, and ends where memory begins.
# shellcheck source-path=SCRIPTDIR source=lib.bash
source "$(dirname "$0")/lib.bash"
requires python3 qemu-system-x86_64
cd "$dir" || exit 1
read_head=$MIG_BUILD/tests/qemu_head
uuid=12345678-9abc-def0-1234-56789abcdef0

# Start a stopped guest, let it migrate with CAPABILITIES, keep what comes over
# each connection in ./stream.0, ./stream.1 ...; through exec: there is but one.
stream() { # exec|unix CAPABILITIES QEMU OPTIONS...
    rm -f stream.* qmp
    timeout 60 python3 - "$@" <<'PYTHON' 2>qemu.log || fail "no stream of $*: $(cat qemu.log)"
import json, os, socket, subprocess, sys, threading, time
transport, capabilities, *command = sys.argv[1:]
capabilities = [c for c in capabilities.split(",") if c]
guest = subprocess.Popen(command + ["-m", "64", "-display", "none", "-nodefaults", "-S",
                                    "-qmp", "unix:qmp,server=on,wait=off"])
qmp = socket.socket(socket.AF_UNIX)
while qmp.connect_ex("qmp") != 0: # bound is not yet listening
    assert guest.poll() is None
    time.sleep(0.02)
lines = qmp.makefile("rw")
lines.readline()

def ask(execute, **arguments):
    lines.write(json.dumps({"execute": execute, "arguments": arguments}) + "\n")
    lines.flush()
    while True:
        answer = json.loads(lines.readline())
        if "event" not in answer:
            return answer["return"]

def keep(connection, name):
    kept = b""
    while len(kept) < 4096:
        got = connection.recv(4096 - len(kept))
        if not got:
            break
        kept += got
    with open(name, "wb") as f:
        f.write(kept)

ask("qmp_capabilities")
ask("migrate-set-capabilities", capabilities=[{"capability": c, "state": True} for c in capabilities])
channels = 1
if "multifd" in capabilities:
    ask("migrate-set-parameters", **{"multifd-channels": 2})
    channels = 3
if transport == "exec":
    ask("migrate", uri="exec:cat >stream.0")
    while ask("query-migrate")["status"] in ("setup", "active"):
        time.sleep(0.02)
else:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("stream.socket")
    listener.listen(channels)
    ask("migrate", uri="unix:stream.socket")
    connections = [listener.accept()[0] for _ in range(channels)]
    keepers = [threading.Thread(target=keep, args=(c, "stream.%d" % i))
               for i, c in enumerate(connections)]
    for k in keepers:
        k.start()
    keepers[0].join()
guest.kill()
for c in [] if transport == "exec" else keepers:
    c.join()
guest.wait()
PYTHON
}

# The head of FILE is read, says each LINE, and memory's first section follows
# (or what else starts with it).
behind='behind 02 00 00 00 02 00 00 00'
head_says() { # FILE LINE...
    "$read_head" "$1" >said 2>&1 || fail "$1: $(cat said)"
    shift
    for line in "$@"; do
        grep -qxF -- "$line" said || fail "no '$line' in: $(cat said)"
    done
    grep -qx "$behind" said || fail "behind the head: $(cat said)"
}

version=$(qemu-system-x86_64 --version | sed -n 's/.* version \([0-9]*\.[0-9]*\).*/\1/p')
pc=pc-i440fx-$version
q35=pc-q35-$version

stream exec '' qemu-system-x86_64 -M "$pc"
head_says stream.0 "machine $pc" "uuid none" "commands ping 0" "multifd-flush 0" \
    "block pc.ram bytes 67108864 page 0"
stream exec '' qemu-system-x86_64 -M "$pc" -uuid "$uuid"
head_says stream.0 "uuid none"
stream exec validate-uuid qemu-system-x86_64 -M "$q35" -uuid "$uuid"
head_says stream.0 "machine $q35" "uuid $uuid"
stream exec validate-uuid,x-ignore-shared qemu-system-x86_64 -M "$q35" -uuid "$uuid"
head_says stream.0 "uuid $uuid" "capability x-ignore-shared" \
    "block pc.bios bytes 262144 page 0 address 0xfffc0000"
stream unix return-path,postcopy-ram qemu-system-x86_64 -M "$q35"
head_says stream.0 "commands return-path postcopy-ram ping 1" "block pc.ram bytes 67108864 page 0"
stream unix return-path,dirty-bitmaps qemu-system-x86_64 -M "$q35"
behind='behind 01 00 00 00 03 0c 64 69' \
    head_says stream.0 "commands return-path dirty-bitmaps ping 1"

stream unix multifd,validate-uuid qemu-system-x86_64 -M "$q35" -uuid "$uuid"
main=
for file in stream.0 stream.1 stream.2; do
    if [ "$(head -c 4 "$file")" = QEVM ]; then
        main=$file
        head_says "$file" "uuid $uuid"
    else
        "$read_head" "$file" >>hellos || fail "$file"
    fi
done
[ -n "$main" ] || fail "no main channel"
[ "$(sort hellos)" = "$(printf 'channel 0\nchannel 1\nuuid %s\nuuid %s\n' "$uuid" "$uuid")" ] ||
    fail "hellos: $(cat hellos)"

if command -v qemu-system-aarch64 >/dev/null; then
    stream exec '' qemu-system-aarch64 -M "virt-$version"
    head_says stream.0 "machine virt-$version" "page-bits 12" \
        "block mach-virt.ram bytes 67108864 page 0"
fi

# No head: a machine that sends no configuration, a stream that is cut.
stream exec '' qemu-system-x86_64 -M "$pc" -global migration.send-configuration=off
"$read_head" stream.0 >said 2>&1 && fail "a head without configuration"
grep -q 'byte 8: section type is 0x01, expected 0x07 (CONFIGURATION' said || fail "$(cat said)"
stream exec '' qemu-system-x86_64 -M "$pc"
head -c 150 stream.0 >half
"$read_head" half >said 2>&1 && fail "half a head"
grep -q 'ended after 150 bytes, expected a RAM block' said || fail "$(cat said)"
