#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a running guest of QEMU was shown is recorded, and is what a program in
# such a guest read, and what its QEMU says; what can not be recorded is refused.
# shellcheck source-path=SCRIPTDIR source=lib.bash
source "$(dirname "$0")/lib.bash"
requires jq python3 qemu-system-x86_64
cd "$dir" || exit 1
record=$MIG_BUILD/tests/record_qemu
data=$MIG_SOURCE/tests/data/import
version=$(qemu-system-x86_64 --version | sed -n 's/.* version \([0-9]*\.[0-9]*\).*/\1/p')

# A guest that waits with QMP on ./qmp; false if it does not start.
boot() { # OPTIONS...
    rm -f qmp
    qemu-system-x86_64 -display none -nodefaults -S -m 64 \
        -qmp unix:qmp,server=on,wait=off "$@" 2>guest.log &
    guest=$!
    pids+=("$guest")
    for _ in $(seq 200); do
        [ ! -S qmp ] || break
        kill -0 "$guest" 2>/dev/null || return 1
        sleep 0.05
    done
    [ -S qmp ]
}

halt() {
    kill "$guest" 2>/dev/null
    wait "$guest" 2>/dev/null
}

# The word of its QEMU on every feature, "7.0/ebx 0x..." in lines.
feature_words() {
    python3 - <<'PYTHON'
import json, socket
s = socket.socket(socket.AF_UNIX)
s.connect("qmp")
f = s.makefile("rw")
f.readline()
def ask(command, **arguments):
    f.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
    f.flush()
    while True:
        answer = json.loads(f.readline())
        if "event" not in answer:
            return answer["return"]
ask("qmp_capabilities")
path = ask("query-cpus-fast")[0]["qom-path"]
for w in ask("qom-get", path=path, property="feature-words"):
    if w["cpuid-input-eax"] >> 28 != 4:
        print("x86/cpuid/%x.%x/%s 0x%x" % (w["cpuid-input-eax"], w.get("cpuid-input-ecx", 0),
                                           w["cpuid-register"].lower(), w["features"]))
PYTHON
}

# The contract in ./out says what QEMU does, but for bits that QEMU fills from
# the topology or the guest's own state, which the contract leaves out.
agrees_with_qemu() {
    feature_words >words || fail "feature-words"
    [ "$(wc -l <words)" -gt 15 ] || fail "few feature-words"
    python3 - words "$dir/out" <<'PYTHON' || fail "the contract differs from QEMU's feature-words"
import json, sys
shown = json.load(open(sys.argv[2]))["shown"]["registers"]
# hypervisor's topology and guest's state: HTT, CMP_LEGACY, TOPOEXT, OSXSAVE, OSPKE
loose = {"x86/cpuid/1.0/edx": 1 << 28, "x86/cpuid/1.0/ecx": 1 << 27, "x86/cpuid/7.0/ecx": 1 << 4,
         "x86/cpuid/80000001.0/ecx": 1 << 1 | 1 << 22}
highest = {base: int(shown.get("x86/cpuid/%x.0/eax" % base, "0x0"), 16) for base in (0, 0x80000000, 0xc0000000)}
bad = 0
for line in open(sys.argv[1]):
    name, word = line.split()
    leaf = int(name.split("/")[2].split(".")[0], 16)
    if leaf > highest.get(leaf & 0xf0000000, 0) or name.startswith("x86/cpuid/14."):
        continue
    got, said = int(shown.get(name, "0x0"), 16), int(word, 16)
    if (got ^ said) & ~loose.get(name, 0):
        print(name, hex(got), "QEMU says", hex(said))
        bad += 1
sys.exit(bad != 0)
PYTHON
}

# The contract in ./out has the CPUID that a program read in such a guest.
agrees_with_dump() { # GUEST.txt
    [ "$version" = 7.2 ] || {
        echo "note: $1 was read under QEMU 7.2, this is $version: not compared"
        return 0
    }
    cp "$dir/out" recorded.json
    migctl contract show -o json "$1" >dump.json 2>"$dir/err" || fail "$1"
    for file in recorded dump; do
        jq -S '.shown.registers | with_entries(select(.key | startswith("x86/cpuid/")))' \
            $file.json >$file.cpuid
    done
    diff dump.cpuid recorded.cpuid >"$dir/err" || fail "CPUID of $1"
    [ "$(jq length recorded.cpuid)" -gt 4 ] || fail "hardly any CPUID in $1"
}

good() { # whatever was recorded can be read, shown and judged
    valid contract
    cp "$dir/out" contract.json
    migctl contract show contract.json >"$dir/shown" 2>&1 || fail "contract show"
    tr -s ' \n' ' ' <"$dir/shown" | grep -q 'cpuid full' || fail "no CPUID in contract show"
}

# By QMP: models, toggles, older machines; a name serves where there is no UUID.
boot -accel tcg -machine q35 -cpu max -smp 2 -name web || fail "guest"
expect 0 "$record" qmp qmp
good
json '[.vm, .shown.facts["vmm.machine-type"].value == null, .shown.groups.cpuid.coverage,
    .shown.groups.msr.coverage, .shown.groups.tsc.coverage]' '["web",false,"full","full","none"]'
json '.shown.registers | [.["guest/vcpus"], .["guest/sockets"], has("x86/cpuid/d.2/ebx")]' \
    '["0x2","0x1",true]'
json '.shown.facts["vmm.accelerator"].value' '"tcg"'
agrees_with_qemu
first=$(jq -r .instance "$dir/out")
# A reset from within is the same instance, and asking again says the same.
cp "$dir/out" before.json
expect 0 "$record" qmp qmp
cmp -s "$dir/out" before.json || fail "recorded twice, told two things"
[ -z "$(pgrep -P "$guest")" ] || fail "the guest has children"
halt
boot -accel tcg -machine q35 -cpu max -smp 2 -name web || fail "guest"
expect 0 "$record" qmp qmp
[ "$(jq -r .instance "$dir/out")" != "$first" ] || fail "a power cycle is the same instance"
halt

uuid=1b4e28ba-2fa1-11d2-883f-0016d3cca427
while read -r machine cpu; do
    boot -accel tcg -machine "$machine" -cpu "$cpu" -uuid $uuid || fail "guest with $cpu"
    expect 0 "$record" qmp qmp
    good
    json .vm "\"$uuid\""
    agrees_with_qemu
    halt
done <<'MODELS'
pc Nehalem-v2
q35 Skylake-Client-v3
q35 Skylake-Server-v4,-avx2,+rdtscp,-xsavec
pc EPYC-Rome,-sse4a,vendor=AuthenticAMD,phys-bits=40
pc qemu64,model-id=A\ name
MODELS
boot -accel tcg -machine q35 -cpu EPYC -smp 1,maxcpus=8,sockets=1,cores=4,threads=2 -uuid $uuid || fail "guest"
expect 0 "$record" qmp qmp
json '.shown.registers | [.["guest/vcpus"], .["guest/cores"], .["guest/threads"]]' '["0x8","0x4","0x2"]'
halt
for name in 486 qemu64 max; do
    boot -accel tcg -machine q35 -cpu $name -uuid $uuid || fail "guest"
    expect 0 "$record" qmp qmp
    agrees_with_dump "$data/expansion-7.2-$name.guest.txt"
    halt
done

# By libvirt's XML, with the command line that libvirt makes of it.
libvirt() { # NAME CPU [SMP]
    xml=$data/domain-tcg-$1.xml
    boot -name "guest=tcg-$1,debug-threads=on" -machine pc-q35-7.2,usb=off,dump-guest-core=off \
        -accel tcg -cpu "$2" -smp "${3:-2,sockets=2,cores=1,threads=1}" \
        -uuid "$(sed -n 's/.*<uuid>\(.*\)<.*/\1/p' "$xml")"
}
if [ "$version" = 7.2 ]; then
    libvirt hsw 'Haswell-noTSX,vendor=GenuineIntel,aes=on,check=off' || fail "guest"
    expect 0 "$record" libvirt "$xml"
    good
    json '[.vm, .shown.facts["guest.name"].value, .shown.facts["vmm.machine-type"].value]' \
        '["18590aa2-d05e-4eaf-b738-d375d3e2186f","tcg-hsw","pc-q35-7.2"]'
    agrees_with_dump "$data/domain-tcg-hsw.guest.txt"
    expect 0 "$record" libvirt "$xml" --pid "$guest"
    expect 4 "$record" libvirt "$xml" --pid $$
    says "was not started with -uuid"
    halt
    # The command line makes another CPU than the XML tells.
    libvirt hsw 'Haswell-noTSX,-abm,check=off' || fail "guest"
    expect 4 "$record" libvirt "$xml"
    says 'abm is on, a scratch guest with the same command line has it off'
    halt
    expect 4 "$record" libvirt "$xml"
    says 'no process with -uuid 18590aa2-d05e-4eaf-b738-d375d3e2186f runs here'
fi
expect 4 "$record" libvirt "$data/domain-not-running.xml"
says "domain: "
expect 4 "$record" libvirt "$data/capabilities.xml"
says 'expected the XML of a domain'

# Nobody there, nonsense, no id, another program, one that hangs.
expect 5 "$record" qmp ./nosuch
says 'QMP: ./nosuch: No such file or directory'
python3 - <<'PYTHON' &
import socket
s = socket.socket(socket.AF_UNIX)
s.bind("nonsense")
s.listen(1)
while True:
    c = s.accept()[0]
    c.sendall(b"220 mail.example ESMTP\r\n")
    c.close()
PYTHON
pids+=($!)
for _ in $(seq 100); do [ ! -S nonsense ] || break; sleep 0.05; done
expect 4 "$record" qmp nonsense
says 'nonsense: speaks no QMP'
boot -accel tcg -machine q35 -cpu qemu64 || fail "guest"
expect 4 "$record" qmp qmp
says 'neither -uuid nor -name'
expect 0 "$record" qmp qmp --vm mine
json .vm '"mine"'
printf '#!/bin/sh\nexec sleep 60\n' >hangs
printf '#!/bin/sh\necho "no such machine" >&2\nexit 1\n' >fails
chmod 755 hangs fails
before=$(date +%s)
expect 5 "$record" qmp qmp --vm mine --program ./hangs --timeout 1500
says 'probe: QMP: scratch guest: no answer within 1500 ms'
[ $(($(date +%s) - before)) -lt 20 ] || fail "the deadline passed unheeded"
expect 5 "$record" qmp qmp --vm mine --program ./fails
says 'probe: ' 'it says: no such machine'
expect 5 "$record" qmp qmp --vm mine --program ./nosuch
says 'can not be started: No such file'
halt
boot -accel tcg -machine q35 -cpu qemu64 -incoming defer -name web || fail "guest"
expect 4 "$record" qmp qmp
says 'the guest has not arrived'
halt

# With KVM, where there is one that QEMU can use.
if [ -w /dev/kvm ] && boot -accel kvm -machine q35 -cpu host,arch-capabilities=off -uuid $uuid; then
    expect 0 "$record" qmp qmp
    good
    json '[.shown.groups.tsc.coverage, .shown.facts["vmm.accelerator"].value,
        .shown.registers["guest/vm-type"]]' '["full","kvm","0x0"]'
    json '.shown.registers["x86/cpuid/40000000.0/ebx"]' '"0x4b4d564b"'
    halt
else
    echo "note: without KVM; TCG alone was tried"
fi
exit 0
