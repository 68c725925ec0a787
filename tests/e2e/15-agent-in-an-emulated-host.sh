#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The agent on kernels that are not this machine's: Debian kernels boot on
# emulated AMD processors, where KVM is the real one, and their evidence comes
# out over a serial line.
# shellcheck source-path=SCRIPTDIR source=lib.bash
source "$(dirname "$0")/lib.bash"

skip() {
    echo "SKIP: $*: the agent is NOT tested on other kernels"
    exit 77
}

[ "$(uname -m)" = x86_64 ] || skip "this is no x86-64 machine"
for program in qemu-system-x86_64 python3 jq taskset apt-get apt-cache dpkg-deb ldd; do
    command -v "$program" >/dev/null || skip "$program is not installed"
done

# The versioned package behind a meta package: its name changes with every fix.
kernel() { # META-PACKAGE FOLDER
    local package
    package=$(apt-cache depends "$1" 2>/dev/null | awk '/Depends: linux-image-[0-9]/ {print $2; exit}')
    [ -n "$package" ] || skip "the package index has no $1"
    mkdir -p "$dir/$2"
    (cd "$dir/$2" && apt-get -q download "$package") >"$dir/out" 2>&1 || {
        cat "$dir/out"
        skip "$package can not be downloaded"
    }
    dpkg-deb --fsys-tarfile "$dir/$2"/*.deb | tar -x -C "$dir/$2" --wildcards './boot/vmlinuz-*' \
        '*/kvm.ko*' '*/kvm-amd.ko*' '*/irqbypass.ko*' || fail "$package can not be unpacked"
    echo "${package#linux-image-}" >"$dir/$2/release"
}

# Boot and have the agent say three things: two captures, pinned to one CPU
# each, and a sealed one.
boot() { # NAME KERNEL CPU [options]
    "$MIG_SOURCE/tests/tools/emulated-host" --first "$MIG_BUILD/tests/first" \
        --kernel "$dir/$2" --cpu "$3" --out "$dir/$1" --program "$MIG_BUILD/bin/mig-agentd" \
        --program "$(command -v taskset)" --file "/ca.pem=$pki/ca-cert.pem" \
        --file "/cert.pem=$pki/$1-cert.pem" --file "/key.pem=$pki/$1-key.pem" "${@:4}" \
        "/bin/taskset -c 0 /bin/mig-agentd snapshot --json" \
        "/bin/taskset -c 1 /bin/mig-agentd snapshot --json" \
        "/bin/mig-agentd snapshot --ca /ca.pem --cert /cert.pem --key /key.pem" \
        >"$dir/$1.log" 2>&1
}

booted() { # NAME PID
    wait "$2" || {
        cat "$dir/$1.log" "$dir/$1/console"
        fail "$1: the emulated host did not do all it was told"
    }
    expect 0 migctl snapshot verify "$dir/$1/3" --ca "$pki/ca-cert.pem"
    says "good signature of agent '$1'"
    # What the last JSON checks look at.
    cp "$dir/$1/1" "$dir/out"
    json '[.groups[] | select(.coverage != "none" and .source == null)] | length' 0
    json '[.facts[] | select(.source == null)] | length' 0
    json '(.unreadable | keys) - ((.unreadable | keys) - (.registers | keys))' '[]'
}

migctl pki init "$pki" >/dev/null || fail "pki init"
for name in milan rome plain; do
    issue agent "$name"
done
kernel linux-image-6.12-cloud-amd64 new
kernel linux-image-cloud-amd64 old

boot milan new EPYC-Milan,+svm --append "mitigations=auto,nosmt tsc=reliable" &
milan_pid=$!
boot rome old EPYC-Rome,+svm --module kvm_amd=nested=0 --module kvm=ignore_msrs=1 &
rome_pid=$!
booted milan $milan_pid
json '[.groups | to_entries[] | select(.value.coverage != "full") | .key]' '[]'
json '.groups | length' 10
json '.unreadable' '{}'
json '.facts["kernel.release"].value' "\"$(cat "$dir/new/release")\""
json '.facts["cpu.vendor"].value' '"AuthenticAMD"'
json '.registers["x86/cpuid/1.0/eax"]' '"0xa00f11"'
json '.registers["x86/cpuid-bare/1.0/eax"]' '"0xa00f11"'
json '.registers["x86/cpuid/40000000.0/ebx"]' '"0x4b4d564b"'    # KVMK
json '.registers["x86/cpuid-hv/40000000.0/ebx"]' '"0x756e694c"' # Linu
json '.registers["x86/cpuid-emulated/7.0/ecx"]' '"0x400000"'    # RDPID
json '.registers["x86/cpuid/8000000a.0/eax"]' '"0x1"'           # SVM revision
json '.registers["x86/msr/8b"]' '"0x1000065"'
json '.registers | has("x86/msr/10a") and has("x86/msr/345") and has("x86/msr/c0011029")' true
json '[.registers | keys[] | select(startswith("x86/msr-list/"))] | length > 40' true
json '.registers["kvm/cap/VM_TYPES"] != null' true
json '.registers["host/tsc-tolerance-ppm"]' '"0xfa"'
json '.registers["host/tsc-scaling"]' '"0x0"'
json '.facts["kvm.param.kvm_amd.nested"].value' '"1"'
json '.facts["cmdline.mitigations"].value' '"auto,nosmt"'
json '.facts["cmdline.tsc"].value' '"reliable"'
json '.facts.microcode.value' '"0x1000065"'
json '.facts["vuln.meltdown"].value' '"Not affected"'
cmp "$dir/milan/1" "$dir/milan/2" || fail "the CPU that the agent ran on leaves a trace"

booted rome $rome_pid
json '.facts["kernel.release"].value' "\"$(cat "$dir/old/release")\""
json '.registers["x86/cpuid/1.0/eax"]' '"0x830f10"'
json '.registers | has("x86/cpuid/8000000a.0/eax")' false
json '.facts["kvm.param.kvm_amd.nested"].value' '"0"'
json '.facts["kvm.param.kvm.ignore_msrs"].value' '"Y"'
cmp "$dir/rome/1" "$dir/rome/2" || fail "the CPU that the agent ran on leaves a trace"

# A processor without virtualisation: no device, so no answer, and never a zero.
boot plain new max,-svm &
booted plain $!
json '[.groups | to_entries[] | select(.value.errno != "ENOENT") | .key]' '["software"]'
json '[.registers | keys[] | select(startswith("x86/") or startswith("kvm/"))]' '[]'
json '.facts["cpu.vendor"].value' '"AuthenticAMD"'
grep -qF "/dev/kvm: No such file or directory: enable virtualisation in the firmware" \
    "$dir/plain.log" || fail "no hint"

expect 0 migctl negotiate "$dir/milan/3" "$dir/rome/3" --ca "$pki/ca-cert.pem" -o json
json '.verdict' '"compatible-on-profile"'
json '[.hosts[].kind]' '["filed","filed"]'
json '[.findings[] | select(.severity == "blocker")]' '[]'
expect 4 migctl negotiate "$dir/milan/3" "$dir/plain/3" --ca "$pki/ca-cert.pem" -o json
json '.verdict' '"unknown"'
