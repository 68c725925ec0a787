#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A plan of two real QEMUs: what the guest writes is measured, the commands of
# the plan are accepted by both, the migration they make completes, and what
# stands against one is said before anything is copied.
# shellcheck source-path=SCRIPTDIR source=lib.bash
source "$(dirname "$0")/lib.bash"
requires jq python3 qemu-system-x86_64
cd "$dir" || exit 1

# A firmware that fills MIB of memory, then changes a page of 64 MiB every TICKS
# of the TSC, round and round.
make_guest() { # MIB TICKS
    python3 - "$1" "$2" >guest.rom <<'PYTHON'
import struct, sys
ram, ticks = int(sys.argv[1]) << 20, int(sys.argv[2])
ROM, FLAT, GDT, GDTR, RESET = 0xffff0000, 0x40, 0x200, 0x220, 0xfff0
real = (b"\xfa"                                                # cli
        b"\x2e\x66\x0f\x01\x16" + struct.pack("<H", GDTR) +    # lgdt cs:[GDTR]
        b"\x0f\x20\xc0\x0c\x01\x0f\x22\xc0"                    # cr0 |= 1
        b"\x66\xea" + struct.pack("<IH", ROM + FLAT, 8))       # ljmp 8:FLAT
page = (b"\xff\x07"                                            # page: inc dword [edi]
        b"\x0f\x31\x89\xc3\x81\xc3" + struct.pack("<I", ticks) +  # ebx = tsc + ticks
        b"\x0f\x31\x29\xd8\x78\xfa"                            # until the tsc is there
        b"\x81\xc7\x00\x10\x00\x00"                            # edi += 4096
        b"\x81\xff" + struct.pack("<I", 96 << 20))             # the end?
page += b"\x72" + struct.pack("b", -len(page) - 2)             # jb page
again = b"\xbf" + struct.pack("<I", 32 << 20) + page           # again: edi = 32 MiB
flat = (b"\x66\xb8\x10\x00\x8e\xd8\x8e\xc0"                    # ds = es = 16
        b"\xbf\x00\x00\x10\x00\xb9" + struct.pack("<I", (ram - (1 << 20)) // 4) +
        b"\xb8\x5a\x5a\x5a\x5a\xfc\xf3\xab" + again)           # no page is zero
flat += b"\xeb" + struct.pack("b", -len(again) - 2)            # jmp again
rom = bytearray(b"\xf4" * 65536)
for at, code in ((0, real), (FLAT, flat),
                 (GDT, struct.pack("<QQQ", 0, 0x00cf9a000000ffff, 0x00cf92000000ffff)),
                 (GDTR, struct.pack("<HI", 23, ROM + GDT)), (RESET, b"\xe9\x0d\x00")):
    rom[at:at + len(code)] = code
sys.stdout.buffer.write(rom)
PYTHON
}

# A QEMU with QMP on ./NAME.qmp.
boot() { # NAME MIB OPTIONS...
    local name=$1
    rm -f "$name.qmp"
    qemu-system-x86_64 -accel tcg -nodefaults -display none -bios guest.rom -m "$2" \
        -qmp "unix:$name.qmp,server=on,wait=off" "${@:3}" 2>"$name.log" &
    pids+=("$!")
    for _ in $(seq 200); do
        [ ! -S "$name.qmp" ] || return 0
        sleep 0.05
    done
    cat "$name.log"
    fail "$name does not start"
}

halt() { # the last two
    kill "${pids[-1]}" "${pids[-2]}" 2>/dev/null
    wait "${pids[-1]}" "${pids[-2]}" 2>/dev/null
}

# Send each command of ./commands to the side that its id names, and wait for
# what the next one needs; at the end both tell how it went.
carry_out() {
    python3 - commands >went 2>"$dir/err" <<'PYTHON'
import json, socket, sys, time

class Qemu:
    def __init__(self, path):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(60)
        s.connect(path)
        self.file = s.makefile("rw")
        self.file.readline()
        self.ask({"execute": "qmp_capabilities"})

    def ask(self, command):
        self.file.write(json.dumps(command) + "\n")
        self.file.flush()
        while True:
            answer = json.loads(self.file.readline())
            if "event" not in answer:
                break
        if "error" in answer:
            sys.exit("%s: %s" % (command, answer["error"]["desc"]))
        return answer["return"]

    def wait(self, states):
        for _ in range(1200):
            info = self.ask({"execute": "query-migrate"})
            if info.get("status") in states:
                return info
            if info.get("status") == "failed":
                sys.exit("failed: %s" % info)
            time.sleep(0.02)
        sys.exit("never %s: %s" % (states, info))

sides = {"source": Qemu("source.qmp"), "destination": Qemu("destination.qmp")}
for line in open(sys.argv[1]):
    command = json.loads(line)
    side = sides[command["id"].split("/")[0]]
    if command["execute"] == "migrate-start-postcopy":
        # memory has to have been sent once, or there is nothing to come after
        side.wait(["active"])
        while side.ask({"execute": "query-migrate"})["ram"]["dirty-sync-count"] < 2:
            time.sleep(0.02)
    if command["execute"] == "migrate-continue":
        side.wait(["pre-switchover"])
    side.ask(command)
source = sides["source"].wait(["completed"])
for _ in range(500):
    status = sides["destination"].ask({"execute": "query-status"})["status"]
    if status != "inmigrate":
        break
    time.sleep(0.02)
print(json.dumps({"source": source, "destination": status}))
PYTHON
}

went() { # FILTER EXPECTED
    [ "$(jq -c "$1" went)" = "$2" ] || fail "$1: expected $2, got $(jq -c "$1" went)"
}

stream=unix:$dir/stream
uuid=6c1e9f2a-0000-4000-8000-000000000001
plan() { # STATUS OPTIONS...
    expect "$1" migctl plan --data-path local --uri "$stream" "${@:2}" source.qmp destination.qmp
}

# Measured, planned, carried out: a link of 1 Gbit/s.
make_guest 192 262144
boot source 192 -machine q35 -uuid $uuid
boot destination 192 -machine q35 -uuid $uuid -incoming defer
sleep 2 # until memory is filled
plan 0 -b 100MB -o json
valid plan
json '[.answer, .preCopy.converges, .source.machineType == .destination.machineType,
    .load.dirtyBytesPerSecond > 0, .load.bandwidthBytesPerSecond]' '["plan",true,true,true,100000000]'
cp "$dir/out" plan.json
plan 0 -b 100MB
says 'answer plan' 'pre-copy converges' 'pause-before-switchover source'
expect 0 migctl plan --capture unix:source.qmp
valid migration-capabilities
cp "$dir/out" source.json
expect 0 migctl plan --capture destination.qmp -o json
valid migration-capabilities
cp "$dir/out" destination.json
json '[.status, .guest.dirtyBytesPerSecond]' '["inmigrate",null]'
# Offline the same, and from standard input.
expect 0 migctl plan -q source.json destination.json
expect 0 migctl plan -b 100MB --data-path local -o yaml - destination.json <source.json
says 'answer: plan'
plan 0 -b 100MB -o qmp
cp "$dir/out" commands
carry_out || fail "the plan can not be carried out"
went '[.source.status, .destination]' '["completed","running"]'
echo "note: predicted $(jq -c '.preCopy | [.rounds, .totalMs, .sentBytes, .downtimeMs]' plan.json)," \
    "was $(jq -c '.source | [.ram["dirty-sync-count"], .["total-time"], .ram.transferred, .downtime]' went)" \
    "(rounds, ms, bytes, ms of downtime)"
halt

# A fast link, several channels.
boot source 192 -machine q35 -uuid $uuid
boot destination 192 -machine q35 -uuid $uuid -incoming defer
plan 0 -b 20G --dirty-rate 20M -o qmp
grep -q '"multifd-channels":3' "$dir/out" || fail "channels"
cp "$dir/out" commands
carry_out || fail "with channels"
went '[.source.status, .destination]' '["completed","running"]'
halt

# More is written than the link sends: said, with what would help; the other
# guest's UUID is noticed, too.
boot source 192 -machine q35 -uuid $uuid
boot destination 192 -machine q35 -uuid 7c1e9f2a-0000-4000-8000-000000000001 -incoming defer
plan 1 -b 50MB --dirty-rate 200M --no-post-copy -o json
valid plan
json '[.answer, .preCopy.converges, .preCopy.wantedBandwidthBytesPerSecond > 200000000,
    [.blockers[].id]]' '["blocked",false,true,["plan/uuid"]]'
json '[.capabilities[].name | select(. == "auto-converge")]' '["auto-converge"]'
plan 1 -b 50MB --dirty-rate 4000M --no-post-copy
says 'can not converge' 'plan/converge' 'remedy'
plan 1 -b 50MB --dirty-rate 200M -o qmp
[ ! -s "$dir/out" ] || fail "commands of what is blocked"
says 'plan/uuid'
halt

# Post-copy, where the kernel lets QEMU have it.
boot source 192 -machine q35
boot destination 192 -machine q35 -incoming defer
plan 0 -b 100MB --dirty-rate 400M -o qmp
grep -q 'migrate-start-postcopy' "$dir/out" || fail "no post-copy"
cp "$dir/out" commands
if carry_out; then
    went '[.source.status, .destination]' '["completed","running"]'
elif grep -q 'Postcopy is not supported' "$dir/err"; then
    echo "note: no userfaultfd here: post-copy was planned, not carried out"
else
    fail "post-copy"
fi
halt

# What the destination does not know; a QEMU that was started to be asked.
boot source 192 -machine q35
boot destination 192 -machine none -S
expect 0 migctl plan --capture destination.qmp
json '[.guest.machineType, .guest.ramBytes > 0, .status]' '[null,true,"prelaunch"]'
cp "$dir/out" new.json
machine=$(jq -r '.guest.machineType' source.json)
jq --arg m "$machine" 'del(.machineTypes[] | select(.name == $m))' new.json >older.json
expect 1 migctl plan -b 1G -o json source.json older.json
json '[.answer, [.blockers[].id]]' '["blocked",["plan/machine-type"]]'
says "does not know machine type $machine"
jq '.capabilities.xbzrle = true' source.json >on.json
jq 'del(.capabilities.xbzrle)' new.json >without.json
expect 1 migctl plan -b 1G on.json without.json
says 'plan/capability/xbzrle' 'switch xbzrle off'
# Evidence that is missing, or no capture at all.
jq '.guest.dirtyBytesPerSecond = null' source.json >unmeasured.json
expect 4 migctl plan -b 1G unmeasured.json new.json
says 'answer unknown' 'give --dirty-rate'
jq '.guest.ramBytes = "4G"' source.json >bad.json
expect 4 migctl plan bad.json new.json
says 'bad.json: guest.ramBytes'
expect 4 migctl plan "$MIG_SOURCE/tests/hosts/amd-milan-6.1.json" new.json
expect 2 migctl plan source.json
expect 2 migctl plan -b 10X source.json new.json
expect 2 migctl plan nowhere.json new.json
expect 5 migctl plan unix:nowhere.qmp new.json
halt
exit 0
